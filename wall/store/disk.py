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
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from wall.errors import FriezeError, ObjectChanged, ObjectMissing, StoreError, StoreUnavailable
from wall.store.base import CHUNK, Method, ObjectInfo, OpenObject, SignedRequest, StoredObject
from wall.store.keys import check_key, is_key, new_key

HEADER = 256  # bytes before the object's own: a line of JSON, filled with spaces so that the rest has a fixed place
STALE_SECONDS = 3600.0  # without a byte; other processes may be writing into the same folder right now
_SUFFIX = ".part"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Writing:
    file: BinaryIO
    path: Path


class DiskStore:
    """A `Store` in the folder `root`, which is made when it is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def start(self) -> None:
        """Make the folder and clear away what a crash left half written."""
        await self._in_thread(self._start)

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        path = self._path(key)
        file, info = await self._in_thread(_open, path)
        if etag is not None and etag != info.etag:
            await asyncio.to_thread(file.close)
            raise ObjectChanged(f"The object {key} is not the one that was asked for.")
        end = info.length if length is None else min(info.length, start + length)
        if start < 0 or (length is not None and length < 0) or start > info.length:
            await asyncio.to_thread(file.close)
            raise StoreError(f"Bytes from {start} on were asked of an object of {info.length}.")
        chunks = self._read(file, start, end)
        await anext(chunks)  # from here on `aclose` closes the file, also when nobody reads
        return OpenObject(info=info, chunks=chunks)

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        path = self._path(key)
        writing = await self._in_thread(_begin, path)
        try:
            digest = hashlib.sha256()
            count = 0
            async for chunk in chunks:
                count += len(chunk)
                if length is not None and count > length:
                    raise StoreError(f"More than the promised {length} bytes came.")
                digest.update(chunk)
                await self._in_thread(writing.file.write, chunk)
            if length is not None and count != length:
                raise StoreError(f"{count} bytes came where {length} were promised.")
            info = ObjectInfo(length=count, type=media_type, etag=f'"{digest.hexdigest()[:32]}"')
            await self._in_thread(_finish, writing, path, info)
        finally:
            # also when cancelled: a thread that has begun runs to its end, so the part is gone either way
            await asyncio.shield(asyncio.to_thread(_clear, writing))
        return info

    async def head(self, key: str) -> ObjectInfo:
        file, info = await self._in_thread(_open, self._path(key))
        await asyncio.to_thread(file.close)
        return info

    async def delete(self, key: str) -> None:
        await self._in_thread(_delete, self._path(key))

    async def copy(self, source: str, target: str) -> ObjectInfo:
        await self._in_thread(_link, self._path(source), self._path(target))
        return await self.head(target)

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
        key, data = new_key(), secrets.token_bytes(64)

        async def once() -> AsyncIterator[bytes]:
            yield data

        await self.put(key, len(data), "application/octet-stream", once())
        try:
            found = await self.open(key)
            async with aclosing(found.chunks) as chunks:
                if b"".join([chunk async for chunk in chunks]) != data:
                    raise StoreError(f"The folder {self.root} gives back other bytes than were written.")
        finally:
            await self.delete(key)

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


def _begin(path: Path) -> _Writing:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f".{secrets.token_hex(16)}{_SUFFIX}"
    file = part.open("xb")
    file.write(b" " * HEADER)
    return _Writing(file=file, path=part)


def _finish(writing: _Writing, path: Path, info: ObjectInfo) -> None:
    header = json.dumps({"v": 1, "type": info.type, "length": info.length, "etag": info.etag}).encode()
    if len(header) >= HEADER:
        raise StoreError(f"The media type {info.type[:40]!r}… is too long.")
    writing.file.seek(0)
    writing.file.write(header.ljust(HEADER - 1) + b"\n")
    writing.file.flush()
    os.fsync(writing.file.fileno())
    try:
        os.link(writing.path, path)
    except FileExistsError as error:
        raise StoreError("There is an object under this key already; objects never change.") from error
    _sync_folder(path.parent)


def _link(source: Path, target: Path) -> None:
    """Objects never change, so two names for one file are as good as two files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError as error:
        raise StoreError("There is an object under this key already; objects never change.") from error
    _sync_folder(target.parent)


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
    writing.file.close()
    writing.path.unlink(missing_ok=True)


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
