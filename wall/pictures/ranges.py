"""A file that is not there: each piece is asked for when it is needed, and the last few are remembered.

Runs inside a worker. A demuxer reads in pieces of some kilobytes and jumps between index and pixels, so pieces come in
blocks, larger ones where it reads on without jumping.
"""

import io
from collections import OrderedDict
from collections.abc import Callable

BLOCK = 64 * 1024  # bytes; the unit in which anything is asked for
LARGEST = 16  # blocks asked for at once, when reading goes on where it stopped
KEPT = 128  # blocks remembered: 8 MiB


class RangeFile(io.RawIOBase):
    """`ask(start, length)` gives exactly these bytes of a file of `length` bytes."""

    def __init__(self, length: int, ask: Callable[[int, int], bytes]) -> None:
        self.length = length
        self._ask = ask
        self._at = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next = -1  # the block after the last answer
        self._stride = 1

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, and never across the end of a block: a demuxer asks again."""
        if self._at >= self.length or size == 0:
            return b""
        number, within = divmod(self._at, BLOCK)
        block = self._block(number)
        piece = block[within:] if size < 0 else block[within : within + size]
        self._at += len(piece)
        return piece

    def exactly(self, start: int, length: int) -> bytes:
        """These bytes, or fewer at the end of the file."""
        self.seek(start)
        pieces: list[bytes] = []
        while length > 0 and (piece := self.read(length)):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)

    def _block(self, number: int) -> bytes:
        known = self._blocks.get(number)
        if known is not None:
            self._blocks.move_to_end(number)
            return known
        self._stride = min(LARGEST, self._stride * 2) if number == self._next else 1
        start = number * BLOCK
        data = self._ask(start, min(self._stride * BLOCK, self.length - start))
        for at in range(0, len(data), BLOCK):
            self._blocks[number + at // BLOCK] = data[at : at + BLOCK]
        self._next = number + self._stride
        while len(self._blocks) > KEPT:
            self._blocks.popitem(last=False)
        return self._blocks[number]
