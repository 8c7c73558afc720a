"""A video's bytes by range, wherever they are: the studio hands a worker only what it asks for."""

import asyncio
from pathlib import Path
from typing import Protocol


class Footage(Protocol):
    """`length` in bytes of the whole."""

    @property
    def length(self) -> int: ...

    async def read(self, start: int, length: int) -> bytes:
        """Exactly these bytes. Raises StoreError, or OSError."""
        ...


class FileFootage:
    """A file of this machine."""

    def __init__(self, path: Path, length: int) -> None:
        self._path = path
        self.length = length

    async def read(self, start: int, length: int) -> bytes:
        return await asyncio.to_thread(self._read, start, length)

    def _read(self, start: int, length: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(start)
            data = file.read(length)
        if len(data) != length:
            raise OSError("the file is shorter than it was")
        return data
