"""`disk:DIR`: a folder as a store.

    DIR/ab/cd/abcd….           an object: one line of JSON with its type, then its bytes
    DIR/ab/cd/.….part          an object being written; never read, removed at a later start

The type stands in the object's own file, so that object and type appear in one step and can't be lost apart; neither
a sidecar (two steps) nor an extended attribute (not on every file system, lost by copies) promises that. The file
gets its name by `link`, which fails where the name is taken and can't show half an object. All file work runs in
threads.
"""

import asyncio
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from wall.errors import FriezeError, ObjectChanged, ObjectMissing, StoreError, StoreUnavailable
from wall.store.base import (
    CHUNK,
    PIECE,
    SMALL_PIECE,
    Method,
    ObjectInfo,
    OpenObject,
    SignedRequest,
    Sink,
    StoredObject,
    next_size,
)
from wall.store.exactly import exactly
from wall.store.finishing import to_the_end
from wall.store.keys import check_key, is_key
from wall.store.round_trip import round_trip

HEADER = 256  # bytes before the object's own: a line of JSON, filled with spaces so that the rest has a fixed place
STALE_SECONDS = 3600.0  # without a byte; other processes may be writing into the same folder right now
_SUFFIX = ".part"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class _Writing:
    """An object on its way: its part once that is there, and the name that it got."""

    part: Path
    file: BinaryIO | None = None
    named: Path | None = None

    def write(self, chunk: bytes) -> None:
        assert self.file is not None
        self.file.write(chunk)


class DiskStore:
    """A `Store` in the folder `root`, which is made when it is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # what is poured out of the system's cache lies here until it is taken
        self._piece = memoryview(bytearray(PIECE))

    async def start(self) -> None:
        """Make the folder and clear away what a crash left half written."""
        await self._in_thread(self._start)

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        file, info = await self._opened(self._path(key))
        if etag is not None and etag != info.etag:
            await asyncio.to_thread(file.close)
            raise ObjectChanged(f"The object {key} is not the one that was asked for.")
        end = info.length if length is None else min(info.length, start + length)
        if start < 0 or (length is not None and length < 0) or start > info.length:
            await asyncio.to_thread(file.close)
            raise StoreError(f"Bytes from {start} on were asked of an object of {info.length}.")
        chunks = self._read(file, start, end)
        await anext(chunks)  # from here on `aclose` closes the file, also when nobody reads
        return OpenObject(info=info, chunks=chunks, pouring=partial(self._pour, file, start, end))

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        path = self._path(key)
        writing = _Writing(part=path.parent / f".{secrets.token_hex(16)}{_SUFFIX}")
        info: ObjectInfo | None = None
        try:
            await self._to_its_end(_begin, writing)
            digest = hashlib.sha256()
            count = 0
            async for chunk in exactly(chunks, length):
                count += len(chunk)
                digest.update(chunk)
                await self._to_its_end(writing.write, chunk)
            info = ObjectInfo(length=count, type=media_type, etag=f'"{digest.hexdigest()[:32]}"')
            await self._to_its_end(_finish, writing, path, info)
            await to_the_end(asyncio.to_thread(_clear, writing))
        except BaseException:
            await to_the_end(asyncio.to_thread(_take_back, writing))
            raise
        return info

    async def head(self, key: str) -> ObjectInfo:
        file, info = await self._opened(self._path(key))
        await to_the_end(asyncio.to_thread(file.close))
        return info

    async def delete(self, key: str) -> None:
        await self._in_thread(_delete, self._path(key))

    async def copy(self, source: str, target: str) -> ObjectInfo:
        path = self._path(target)
        writing = _Writing(part=self._path(source))
        try:
            await self._to_its_end(_name, writing, path)
            return await self.head(target)
        except BaseException:
            if writing.named is not None:
                await to_the_end(asyncio.to_thread(_delete, path))
            raise

    async def sign(
        self, method: Method, key: str, lease: timedelta, *, length: int | None = None, media_type: str | None = None
    ) -> SignedRequest | None:
        return None

    async def objects(self) -> AsyncGenerator[StoredObject]:
        for folder in await self._in_thread(lambda: sorted(self.root.glob("??/??"))):
            for found in await self._in_thread(_listed, folder):
                yield found

    async def tidy(self, older: timedelta) -> int:
        return await self._in_thread(self._tidy, older)

    async def close(self) -> None:
        pass

    async def check(self) -> None:
        await round_trip(self, f"The folder {self.root}")

    async def _read(self, file: BinaryIO, start: int, end: int) -> AsyncGenerator[bytes]:
        try:
            await self._in_thread(file.seek, HEADER + start)
            yield b""
            while start < end:
                chunk = await self._in_thread(file.read, min(CHUNK, end - start))
                if not chunk:
                    raise StoreError("The stored object is shorter than it was when it was written.")
                start += len(chunk)
                yield chunk
        finally:
            file.close()

    async def _pour(self, file: BinaryIO, start: int, end: int, sink: Sink) -> None:
        """As `_read`; what the system has in its memory costs no thread."""
        size = SMALL_PIECE
        while start < end:
            wanted = min(size, end - start)
            piece = _cached(file, HEADER + start, self._piece[:wanted])
            if piece is None:
                # to the end: its descriptor may be another file's once this one is closed
                reading = self._in_thread(os.pread, file.fileno(), wanted, HEADER + start)
                piece = memoryview(await to_the_end(reading))
            if not piece:
                raise StoreError("The stored object is shorter than it was when it was written.")
            start += len(piece)
            room = sink.take(piece)
            del piece  # the sink may wait for long
            size = next_size(size, room=room)
            await (asyncio.sleep(0) if room else sink.room())

    async def _opened(self, path: Path) -> tuple[BinaryIO, ObjectInfo]:
        opening = asyncio.ensure_future(self._in_thread(_open, path))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unread)
            raise

    async def _to_its_end(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """What is taken back afterwards must not go on in its thread."""
        await to_the_end(self._in_thread(work, *args, **kwargs))

    def _path(self, key: str) -> Path:
        check_key(key)
        return self.root / key[:2] / key[2:4] / key

    def _start(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self._tidy(timedelta(seconds=STALE_SECONDS))

    def _tidy(self, older: timedelta) -> int:
        removed = 0
        for left in self.root.glob(f"??/??/.*{_SUFFIX}"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > older.total_seconds():
                    left.unlink()
                    removed += 1
        return removed

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asyncio.to_thread(work, *args, **kwargs)
        except FriezeError:
            raise
        except FileNotFoundError as error:
            raise ObjectMissing("The store has no object under this key.") from error
        except OSError as error:
            raise StoreUnavailable(
                f"The folder {self.root} can't be used: {error.strerror or error}. "
                "Make sure that it is writable and that its disk is not full."
            ) from error


def _cached(file: BinaryIO, at: int, memory: memoryview) -> memoryview | None:
    """The bytes from `at` on that can be had without waiting for a disk, read into `memory`; None where none can."""
    if sys.platform != "linux":
        return None
    try:
        return memory[: os.preadv(file.fileno(), [memory], at, os.RWF_NOWAIT)]
    except OSError:
        return None  # they are not there, or this file system can't tell; a real trouble comes up in the thread


def _begin(writing: _Writing) -> None:
    writing.part.parent.mkdir(parents=True, exist_ok=True)
    writing.file = writing.part.open("xb")
    writing.file.write(b" " * HEADER)


def _finish(writing: _Writing, path: Path, info: ObjectInfo) -> None:
    header = json.dumps({"v": 1, "type": info.type, "length": info.length, "etag": info.etag}).encode()
    if len(header) >= HEADER:
        raise StoreError(f"The media type {info.type[:40]!r}… is too long.")
    assert writing.file is not None
    writing.file.seek(0)
    writing.file.write(header.ljust(HEADER - 1) + b"\n")
    writing.file.flush()
    os.fsync(writing.file.fileno())
    _name(writing, path)


def _name(writing: _Writing, path: Path) -> None:
    """Give a file its name, or one more: objects never change, so two names are as good as two files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(writing.part, path)
    except FileExistsError as error:
        raise StoreError("There is an object under this key already; objects never change.") from error
    writing.named = path
    _sync_folder(path.parent)


def _listed(folder: Path) -> list[StoredObject]:
    found: list[StoredObject] = []
    for path in sorted(folder.iterdir()):
        with suppress(FileNotFoundError):
            if is_key(path.name):
                status = path.stat()
                written = datetime.fromtimestamp(status.st_mtime, UTC)
                found.append(StoredObject(key=path.name, length=status.st_size - HEADER, written=written))
    return found


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear(writing: _Writing) -> None:
    if writing.file is not None:
        with suppress(OSError):  # what it could not write out, it could not either when it was to be named
            writing.file.close()
    writing.part.unlink(missing_ok=True)


def _take_back(writing: _Writing) -> None:
    if writing.named is not None:
        writing.named.unlink(missing_ok=True)
    _clear(writing)


def _close_unread(opening: "asyncio.Future[tuple[BinaryIO, ObjectInfo]]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].close()


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)


def _open(path: Path) -> tuple[BinaryIO, ObjectInfo]:
    file = path.open("rb")
    try:
        header = json.loads(file.read(HEADER))
        info = ObjectInfo(length=int(header["length"]), type=str(header["type"]), etag=str(header["etag"]))
        _check_length(file, info)
    except (ValueError, KeyError, TypeError) as error:
        file.close()
        raise StoreError(f"The stored object {path.name} is damaged: {error}.") from error
    except BaseException:
        file.close()
        raise
    return file, info


def _check_length(file: BinaryIO, info: ObjectInfo) -> None:
    if os.fstat(file.fileno()).st_size != HEADER + info.length:
        raise ValueError("its length has changed")
