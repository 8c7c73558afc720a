"""A folder of files as a collection. Links are not followed, so nothing outside of it is ever read."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from wall.errors import ObjectChanged, ObjectMissing, StoreError, StoreRefused, StoreUnavailable
from wall.store.base import CHUNK, ObjectInfo, OpenObject, StoredObject
from wall.store.collections.base import check_name, is_name

_READING = os.O_RDONLY | os.O_CLOEXEC

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
            if error.errno == errno.ELOOP:  # a link where a file or folder was asked for
                raise ObjectMissing(f"The folder {self._root} has no such file.") from error
            raise StoreUnavailable(f"The folder {self._root} can't be read: {error.strerror or error}.") from error


def _open(root: Path, name: str) -> tuple[BinaryIO, ObjectInfo]:
    """Step by step from the root down, each from the folder that is open and none through a link, so one that takes a
    folder's place just now leads nowhere. Never a pipe."""
    *folders, last = name.split("/")
    with ExitStack() as opened:
        # the root itself may be a link: an operator has named it
        at = _opened(opened, root, os.O_DIRECTORY, None)
        for folder in folders:
            at = _opened(opened, folder, os.O_DIRECTORY | os.O_NOFOLLOW, at)
        descriptor = os.open(last, _READING | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise FileNotFoundError(name)
    file = os.fdopen(descriptor, "rb")
    # a file that is written anew has another time, or is another file
    etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"'
    return file, ObjectInfo(length=status.st_size, type="application/octet-stream", etag=etag)


def _opened(opened: ExitStack, path: Path | str, flags: int, at: int | None) -> int:
    descriptor = os.open(path, _READING | flags, dir_fd=at)
    opened.callback(os.close, descriptor)
    return descriptor


def _walk(root: Path, prefix: str) -> Iterator[StoredObject]:
    if not root.is_dir():
        raise StoreRefused(f"There is no folder {root}. Make it, or mount its disk.")
    root = root.resolve()
    for path, folders, files, descriptor in os.fwalk(root):  # goes into no link
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(files):
            relative = (Path(path) / name).relative_to(root).as_posix()
            if name.startswith(".") or not relative.startswith(prefix) or not is_name(relative):
                continue
            try:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError:
                continue  # its owner took it away just now
            if stat.S_ISREG(status.st_mode):
                written = datetime.fromtimestamp(status.st_mtime, UTC)
                yield StoredObject(key=relative, length=status.st_size, written=written)
