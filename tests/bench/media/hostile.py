"""Every hostile and odd input with its outcome, its time and the memory of the worker that looked at it."""

import asyncio
import gc
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tests.bench.board import Board
from tests.bench.figures import tree
from tests.wall.pictures.hostile.inputs import INPUTS, Input
from tests.wall.pictures.samples import encoded, quarters
from wall.errors import PictureError, StudioBusy
from wall.pictures.footage import FileFootage
from wall.pictures.sniff import HEAD, is_video, recognise
from wall.pictures.studio import AVIF_SECONDS, SECONDS, VIDEO_SECONDS, PictureStudio
from wall.pictures.worker import MEMORY
from wall.posts import Role

PART = "hostile inputs"
ROLES: tuple[Role, ...] = ("thumbnail-320", "thumbnail-640")


def hostile(board: Board, *, quick: bool) -> None:
    """`quick` looks at every fourth input."""
    asyncio.run(_hostile(board, INPUTS[:: 4 if quick else 1]))


async def _hostile(board: Board, inputs: list[Input]) -> None:
    wrong = 0
    slowest = most = next_one = 0.0
    with TemporaryDirectory() as name:
        bad, good = Path(name) / "bad", Path(name) / "good"
        good.write_bytes(encoded(quarters(), "JPEG"))
        async with PictureStudio(workers=1) as studio:
            await studio.render(good, ROLES)
            before = _own()
            for one in inputs:
                bad.write_bytes(one.build())
                _forget_peaks()
                began = monotonic()
                code = await _look(studio, bad)
                seconds = monotonic() - began
                megabytes = _peak()
                began = monotonic()
                await studio.render(good, ROLES)
                next_one = max(next_one, monotonic() - began)
                right = code in one.codes
                wrong += not right
                slowest, most = max(slowest, seconds), max(most, megabytes)
                outcome = f"{code or 'shown'}{'' if right else ', NOT AS DOCUMENTED'}, {megabytes:.0f} MB"
                board.say(PART, one.name, seconds, "s", outcome)
            grown = _own() - before
    board.at_most(PART, "inputs with another outcome than docs/limits.md", wrong, "", 0)
    board.at_most(PART, "slowest input", slowest, "s", max(SECONDS, AVIF_SECONDS, VIDEO_SECONDS))
    board.at_most(PART, "most memory of the worker", most, "MB", MEMORY / 2**20)
    board.at_most(PART, "slowest picture right after one of them", next_one, "s", SECONDS)
    board.say(PART, "the service's own process grew meanwhile by", grown, "MB", "making the inputs included")


async def _look(studio: PictureStudio, path: Path) -> str | None:
    head, length = _head(path)
    try:
        if is_video(recognise(head)):
            await studio.film(FileFootage(path, length), (*ROLES, "poster"))
        else:
            rendered = await studio.render(path, ROLES)
            if rendered.animated:
                await studio.render(path, ("animated-640",))
    except PictureError as error:
        return error.code
    except StudioBusy as error:
        return f"busy: {error}"
    return None


def _head(path: Path) -> tuple[bytes, int]:
    data = path.read_bytes()
    return data[:HEAD], len(data)


def _own() -> float:
    """Megabytes that the process holds which has the studio; here it also makes the inputs."""
    gc.collect()
    resident = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(resident.split()[1]) / 1024


def _workers() -> list[int]:
    return [pid for pid in tree(os.getpid()) if pid != os.getpid()]


def _forget_peaks() -> None:
    """Let each worker's peak of memory begin anew (proc(5), clear_refs)."""
    for pid in _workers():
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak() -> float:
    """Megabytes that a worker has held at most since then; one that was killed has taken its peak along."""
    peaks = [0.0]
    for pid in _workers():
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        peaks += [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")]
    return max(peaks)
