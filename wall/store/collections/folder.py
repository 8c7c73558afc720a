"""A folder of files as a collection. Links are not followed, so nothing outside of it is ever read."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from wall.errors import ObjectChanged, ObjectMissing, StoreError, StoreRefused, StoreUnavailable
from wall.store.base import CHUNK, ObjectInfo, OpenObject, StoredObject
from wall.store.collections.base import check_name, is_name

T = TypeVar("T")


class FolderCollection:
    """The files below `root`, by their paths in it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        file, info = await self._in_thread(lambda: _open(self._root, check_name(key)))
        if etag is not None and etag != info.etag:
            file.close()
            raise ObjectChanged(f"The file {key} is not the one that was asked for.")
        if start < 0 or (length is not None and length < 0) or start > info.length:
            file.close()
            raise StoreError(f"Bytes from {start} on were asked of a file of {info.length}.")
        chunks = self._read(file, start, info.length if length is None else min(info.length, start + length))
        await anext(chunks)  # from here on `aclose` closes the file, also when nobody reads
        return OpenObject(info=info, chunks=chunks)

    async def head(self, key: str) -> ObjectInfo:
        file, info = await self._in_thread(lambda: _open(self._root, check_name(key)))
        file.close()
        return info

    async def listing(self, prefix: str) -> AsyncGenerator[StoredObject]:
        for found in await self._in_thread(lambda: list(_walk(self._root, prefix))):
            yield found

    async def close(self) -> None:
        return

    async def _read(self, file: BinaryIO, start: int, end: int) -> AsyncGenerator[bytes]:
        with file:
            await self._in_thread(lambda: file.seek(start))
            yield b""
            while start < end:
                chunk = await self._in_thread(partial(file.read, min(CHUNK, end - start)))
                if not chunk:
                    raise StoreUnavailable("A file of the folder became shorter while it was read.")
                start += len(chunk)
                yield chunk

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ObjectMissing(f"The folder {self._root} has no such file.") from error
        except PermissionError as error:
            raise StoreRefused(f"A file in {self._root} can't be read: {error.strerror}.") from error
        except OSError as error:
            raise StoreUnavailable(f"The folder {self._root} can't be read: {error.strerror or error}.") from error


def _open(root: Path, name: str) -> tuple[BinaryIO, ObjectInfo]:
    """Never through a link, never a pipe."""
    path = root / name
    if not path.parent.resolve(strict=True).is_relative_to(root.resolve()):
        raise FileNotFoundError(name)
    if path.is_symlink():
        raise FileNotFoundError(name)
    # also one that became a link just now
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise FileNotFoundError(name)
    # a file that is written anew has another time, or is another file
    etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"'
    return file, ObjectInfo(length=status.st_size, type="application/octet-stream", etag=etag)


def _walk(root: Path, prefix: str) -> Iterator[StoredObject]:
    if not root.is_dir():
        raise StoreRefused(f"There is no folder {root}. Make it, or mount its disk.")
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(files):
            path = Path(folder) / name
            relative = path.relative_to(root).as_posix()
            if name.startswith(".") or not relative.startswith(prefix) or not is_name(relative):
                continue
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                written = datetime.fromtimestamp(status.st_mtime, UTC)
                yield StoredObject(key=relative, length=status.st_size, written=written)
