import io
import random

from hypothesis import given
from hypothesis import strategies as st

from wall.pictures.ranges import BLOCK, KEPT, LARGEST, RangeFile

WHOLE = random.Random(7).randbytes(3 * BLOCK + 1234)


class _Asked:
    def __init__(self, data: bytes = WHOLE) -> None:
        self.data = data
        self.ranges: list[tuple[int, int]] = []

    def __call__(self, start: int, length: int) -> bytes:
        assert 0 <= start < len(self.data)
        assert 0 < length <= len(self.data) - start
        self.ranges.append((start, length))
        return self.data[start : start + length]


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) + 10), st.integers(0, 2 * BLOCK)), max_size=12))
def test_every_range_is_what_a_file_would_give(reads: list[tuple[int, int]]) -> None:
    file = RangeFile(len(WHOLE), _Asked())
    assert [file.exactly(start, length) for start, length in reads] == [
        WHOLE[start : start + length] for start, length in reads
    ]


def test_seeking_counts_from_the_start_from_here_and_from_the_end() -> None:
    file = RangeFile(len(WHOLE), _Asked())
    assert file.seek(-4, io.SEEK_END) == len(WHOLE) - 4
    assert file.read(10) == WHOLE[-4:]
    assert file.read(10) == b""
    file.seek(100)
    assert file.seek(5, io.SEEK_CUR) == file.tell() == 105
    assert file.read(3) == WHOLE[105:108]


def test_what_was_read_is_not_asked_for_again() -> None:
    asked = _Asked()
    file = RangeFile(len(WHOLE), asked)
    for _ in range(5):
        file.exactly(10, 20)
        file.exactly(2 * BLOCK + 1, 7)
    assert asked.ranges == [(0, BLOCK), (2 * BLOCK, BLOCK)]


def test_reading_on_asks_for_more_at_once() -> None:
    data = bytes(40 * BLOCK)
    asked = _Asked(data)
    file = RangeFile(len(data), asked)
    while file.read(4096):
        pass
    assert [length // BLOCK for _, length in asked.ranges] == [1, 2, 4, 8, 16, 9]
    assert max(length for _, length in asked.ranges) == LARGEST * BLOCK


def test_memory_is_bounded() -> None:
    data = bytes((KEPT + 50) * BLOCK)
    asked = _Asked(data)
    file = RangeFile(len(data), asked)
    for block in range(0, KEPT + 50, 2):
        file.exactly(block * BLOCK, 1)
        file.exactly((block + 1) * BLOCK, 1)
    before = len(asked.ranges)
    file.exactly(0, 1)
    assert len(asked.ranges) == before + 1
