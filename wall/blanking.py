"""The copy of a video for viewers: its bytes as they pass by, with what its camera noted made blank."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """`length` bytes of a video from byte `start` on, to be replaced by `head` and zeros: a box that says where the
    video was taken, and what else its camera knew, made into free space of the same size."""

    start: int
    length: int
    head: bytes


async def blanked(chunks: AsyncIterable[bytes], blanks: Sequence[Blank], at: int = 0) -> AsyncIterator[bytes]:
    """The same number of bytes, with `blanks` (in order, none in another) replaced by their heads and zeros.

    `at`: which byte of the video is the first one that comes.
    """
    waiting = list(reversed(blanks))
    async for chunk in chunks:
        end = at + len(chunk)
        while waiting and waiting[-1].start + waiting[-1].length <= at:
            waiting.pop()
        touched = [blank for blank in waiting if blank.start < end]
        yield _written_over(chunk, at, touched) if touched else chunk
        at = end


def _written_over(chunk: bytes, at: int, blanks: Sequence[Blank]) -> bytes:
    """`chunk`, which begins at byte `at` of the video."""
    changed = bytearray(chunk)
    for blank in blanks:
        first = max(at, blank.start)
        last = min(at + len(chunk), blank.start + blank.length)
        within = first - blank.start
        head = blank.head[within : within + last - first]
        changed[first - at : last - at] = head.ljust(last - first, b"\0")
    return bytes(changed)
