"""The studio: a few killable worker processes that make renditions, and a waiting room of limited size.

    async with PictureStudio() as studio:
        rendered = await studio.render(path, ("thumbnail-320", "thumbnail-640"))

        filmed = await studio.film(footage, ("thumbnail-320", "thumbnail-640", "poster"))

A picture that hangs, eats memory or crashes its decoder costs its worker's life and nothing else: the next picture
gets a fresh one. A video's bytes come to a worker only as it asks for them, and only so many.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import wall
from wall.errors import FriezeError, PictureError, StudioBusy
from wall.pictures import frames
from wall.pictures.footage import Footage
from wall.pictures.records import MAX_VIDEO_READ, MAX_VIDEO_READS, Filmed, Rendered
from wall.pictures.sniff import recognise
from wall.posts import Role

SECONDS = 5.0  # one picture, wall clock; imgproxy allows 10, a 12-megapixel photograph takes 0.15
AVIF_SECONDS = 8.0  # AVIF and HEIC can't be decoded at a reduced size
VIDEO_SECONDS = 10.0  # with the store's answers; reference/media.md §5.5
JOBS_PER_WORKER = 200  # then a fresh one: whatever a decoder leaked goes with the old
WAITING = 200  # pictures that may wait for a worker, reference: docs/limits.md
START_SECONDS = 20.0  # for Python and Pillow to load, 0.2 on an idle machine
_ROOT = Path(wall.__file__).parent.parent
# for libvips, in workers only: no loader that nobody fuzzed, one thread, nothing on disk (a worker may write no file)
_ENVIRONMENT = {"VIPS_BLOCK_UNTRUSTED": "1", "VIPS_CONCURRENCY": "1", "VIPS_DISC_THRESHOLD": "4g"}

T = TypeVar("T")


class _Worker:
    """One process and what it has done."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.jobs = 0

    @classmethod
    async def start(cls, module: str) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-B",
            "-s",
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=_ROOT,
            env=_ENVIRONMENT,
            limit=1 << 20,
        )
        worker = cls(process)
        try:
            async with asyncio.timeout(START_SECONDS):
                assert process.stdout is not None
                await process.stdout.readexactly(len(frames.READY))
        except BaseException:
            await asyncio.shield(worker.kill())
            raise
        return worker

    async def ask(self, question: bytes) -> Rendered:
        """Raises PictureError, StudioBusy, or when the worker is gone or talks nonsense EOFError or ValueError."""
        self.jobs += 1
        await self._say(question)
        header = await self._hear()
        return frames.decode_answer(header, await self._renditions(header))

    async def ask_film(self, question: bytes, footage: Footage) -> Filmed:
        """The same of a video, whose bytes it is given as it asks for them. Raises also what `footage` raises."""
        self.jobs += 1
        await self._say(question)
        reads = left = 0
        while (wanted := frames.wanted(header := await self._hear(), footage.length)) is not None:
            reads, left = reads + 1, left + wanted[1]
            if reads > MAX_VIDEO_READS or left > MAX_VIDEO_READ:
                raise _TooMuch
            await self._say(frames.piece(await footage.read(*wanted)))
        return frames.decode_film(header, await self._renditions(header), footage.length)

    async def _say(self, words: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words)
        await self.process.stdin.drain()

    async def _hear(self) -> dict[str, Any]:
        stdout = self.process.stdout
        assert stdout is not None
        (length,) = frames.LENGTH.unpack(await stdout.readexactly(frames.LENGTH.size))
        if length > frames.MAX_HEADER:
            raise ValueError("the header is too long")
        header = cast("dict[str, Any]", json.loads(await stdout.readexactly(length)))
        if "refused" in header:
            raise PictureError(str(header["refused"]), code=str(header["code"]))
        if "trouble" in header:
            raise StudioBusy(str(header["trouble"]))
        return header

    async def _renditions(self, header: dict[str, Any]) -> list[bytes]:
        stdout = self.process.stdout
        assert stdout is not None
        return [await stdout.readexactly(count) for count in frames.rendition_lengths(header)]

    def processor_seconds(self) -> float:
        """Processor time so far, where the system tells it; 0 elsewhere."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def kill(self) -> int:
        """End it at once and wait until it is gone; its exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        return await self.process.wait()


class _TooMuch(Exception):
    """A worker asks for more of a video than a poster is worth."""


class PictureStudio:
    """Renders pictures in `workers` processes, with at most `waiting` more pictures in the waiting room.

    Processes start when they are first needed. `module` is what each runs; tests bring their own.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        waiting: int = WAITING,
        seconds: float = SECONDS,
        avif_seconds: float = AVIF_SECONDS,
        video_seconds: float = VIDEO_SECONDS,
        jobs_per_worker: int = JOBS_PER_WORKER,
        module: str = "wall.pictures.worker",
    ) -> None:
        self.workers = workers or max(1, (os.cpu_count() or 2) - 1)
        self._running = asyncio.Semaphore(self.workers)
        self._room = asyncio.Semaphore(self.workers + waiting)
        self._seconds = seconds
        self._avif_seconds = avif_seconds
        self._video_seconds = video_seconds
        self._jobs_per_worker = jobs_per_worker
        self._module = module
        self._idle: list[_Worker] = []
        self._alive: set[_Worker] = set()
        self._closed = False
        self.killed = 0  # workers that had to be killed or died, since the start

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Kill every worker; pictures being rendered raise StudioBusy."""
        self._closed = True
        self._idle.clear()
        for worker in tuple(self._alive):
            await self._end(worker)

    async def render(self, path: Path, roles: Sequence[Role]) -> Rendered:
        """Make `roles` of the picture at `path`, in that order.

        Raises PictureError when the picture is to blame, which will not change, and StudioBusy (temporary) when the
        waiting room is full, the studio is closed, the file can't be read, or a worker died of something else.
        """
        self._check_room()
        async with self._room:
            absolute, seconds = await self._look(path)
            question = frames.question(absolute, roles, seconds)
            async with self._running:
                return await self._ask(seconds, lambda worker: worker.ask(question))

    async def film(self, footage: Footage, roles: Sequence[Role]) -> Filmed:
        """Make the stills `roles` of a video, in that order, reading at most 16 MiB of it in at most 64 requests.

        Raises as `render` does, and what `footage` raises.
        """
        self._check_room()
        async with self._room:
            question = frames.film_question(footage.length, roles, self._video_seconds)
            async with self._running:
                try:
                    return await self._ask(self._video_seconds, lambda worker: worker.ask_film(question, footage))
                except _TooMuch as error:
                    raise PictureError(
                        f"The video's first picture can't be found within {MAX_VIDEO_READ // 2**20} MiB of it.",
                        code="reads",
                    ) from error

    def _check_room(self) -> None:
        if self._closed:
            raise StudioBusy("The picture studio is closed.")
        if self._room.locked():
            raise StudioBusy("Too many pictures are waiting to be rendered; try again in a moment.")

    async def _look(self, path: Path) -> tuple[str, float]:
        """The file's whole name and the seconds it may take. What is no picture never waits for a worker."""
        try:
            absolute, head = await asyncio.to_thread(_read_head, path)
        except OSError as error:
            raise StudioBusy(f"The picture's file can't be read: {error.strerror or error}.") from error
        whole = recognise(head) in ("image/avif", "image/heic")
        return absolute, self._avif_seconds if whole else self._seconds

    async def _ask(self, seconds: float, ask: Callable[[_Worker], Awaitable[T]]) -> T:
        worker = await self._take()
        before = worker.processor_seconds()
        keep = False
        try:
            async with asyncio.timeout(seconds):
                answered = await ask(worker)
            keep = True
            return answered
        except (PictureError, StudioBusy):
            keep = True
            raise
        except TimeoutError as error:
            raise self._too_slow(worker, before, seconds) from error
        except FriezeError:
            raise  # the store's, while a video was read: the worker still waits for those bytes
        except (EOFError, OSError, ValueError, KeyError, TypeError) as error:
            raise await self._died(worker) from error
        finally:
            if keep and not self._closed and worker.jobs < self._jobs_per_worker:
                self._idle.append(worker)
            else:
                self.killed += not keep
                await asyncio.shield(self._end(worker))

    async def _take(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.process.returncode is None:
                return worker
            self._alive.discard(worker)
        try:
            worker = await _Worker.start(self._module)
        except (OSError, EOFError) as error:  # TimeoutError is an OSError
            raise StudioBusy(f"A picture worker can't be started: {error}.") from error
        self._alive.add(worker)
        if self._closed:
            await self._end(worker)
            raise StudioBusy("The picture studio is closed.")
        return worker

    async def _end(self, worker: _Worker) -> None:
        self._alive.discard(worker)
        await worker.kill()

    def _too_slow(self, worker: _Worker, before: float, seconds: float) -> FriezeError:
        """Whose fault it was: a picture that kept a processor busy, or a machine too busy to run us."""
        if worker.processor_seconds() - before < seconds / 4:
            return StudioBusy("The picture was not rendered in time because the machine is too busy.")
        return PictureError(f"The picture takes longer than {seconds:g} seconds to decode.", code="time")

    async def _died(self, worker: _Worker) -> FriezeError:
        status = await worker.kill()
        if self._closed:
            return StudioBusy("The picture studio is closed.")
        if -status in _PICTURE_SIGNALS:
            return PictureError(_PICTURE_SIGNALS[-status], code="time" if -status == 24 else "crash")
        return StudioBusy(f"A picture worker ended unexpectedly (status {status}).")


# signals by which a picture ends its worker: SIGXCPU, then what a decoder with a defect or without memory dies of
_PICTURE_SIGNALS = {
    24: "The picture takes too long to decode.",
    6: "The picture makes the decoder fail.",
    7: "The picture makes the decoder fail.",
    8: "The picture makes the decoder fail.",
    4: "The picture makes the decoder fail.",
    11: "The picture makes the decoder fail.",
}


def _read_head(path: Path) -> tuple[str, bytes]:
    with path.open("rb") as file:
        return str(path.absolute()), file.read(4096)
