"""What a video says besides its pictures and sound, as places to blank.

Phones write where a video was taken into boxes of their own (`udta`, `meta`), and into tracks of a third kind. In a
copy for viewers each becomes free space of the same size, so that no other byte moves and nothing is encoded anew.
Runs inside a worker; the copy is made by the caller, as the bytes pass by.
"""

import struct
from collections.abc import Iterator

from wall.blanking import Blank
from wall.errors import PictureError
from wall.pictures.ranges import RangeFile
from wall.pictures.records import VideoType

MAX_BOXES = 20_000  # boxes looked at in one file
_DEPTH = 2  # `moov`, then `trak`
_SPOKEN = (b"vide", b"soun")  # handlers of the tracks that a viewer sees and hears
_BLANKED = (b"udta", b"meta", b"uuid")
_WEBM_SEGMENT = b"\x18\x53\x80\x67"
# Tags and Attachments
_WEBM_BLANKED = (b"\x12\x54\xc3\x67", b"\x19\x41\xa4\x69")
_WEBM_CLUSTER = b"\x1f\x43\xb6\x75"


def find_blanks(file: RangeFile, kind: VideoType) -> tuple[Blank, ...]:
    """The places to blank, in order, none inside of another. Raises PictureError when the boxes make no sense."""
    try:
        found = _in_webm(file) if kind == "video/webm" else list(_in_boxes(file, 0, file.length, 0, _Budget()))
    except (struct.error, IndexError, ValueError) as error:
        raise PictureError("The video is damaged: its boxes make no sense.", code="damaged") from error
    return tuple(sorted(found, key=lambda blank: blank.start))


class _Budget:
    def __init__(self) -> None:
        self.left = MAX_BOXES

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PictureError(f"The video has more than {MAX_BOXES:,} boxes.", code="metadata")


def _boxes(file: RangeFile, start: int, end: int, budget: _Budget) -> Iterator[tuple[int, int, int, bytes]]:
    """Start, length of the header, end and type of each box (ISO 14496-12, 4.2)."""
    while end - start >= 8:
        budget.spend()
        length, kind = struct.unpack(">I4s", file.exactly(start, 8))
        header = 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.exactly(start + 8, 8))
            header = 16
        elif length == 0:
            length = end - start
        if length < header or start + length > end:
            if start + header > end or length < header:
                raise ValueError("a box is shorter than its header")
            length = end - start  # the last one is cut off
        yield start, header, start + length, kind
        start += length


def _in_boxes(file: RangeFile, start: int, end: int, depth: int, budget: _Budget) -> Iterator[Blank]:
    for at, header, until, kind in _boxes(file, start, end, budget):
        if kind == b"moof":
            return  # a recording in fragments: from here on there is nothing but pictures and sound
        if kind in _BLANKED:
            yield _free(at, until)
        elif (depth, kind) == (0, b"moov"):
            yield from _in_boxes(file, at + header, until, 1, budget)
        elif (depth, kind) == (1, b"trak"):
            if _handler(file, at + header, until, budget) in _SPOKEN:
                yield from _in_boxes(file, at + header, until, _DEPTH, budget)
            else:
                yield _free(at, until)


def _handler(file: RangeFile, start: int, end: int, budget: _Budget) -> bytes:
    """What a track is for: the type in `mdia/hdlr`."""
    for at, header, until, kind in _boxes(file, start, end, budget):
        if kind == b"mdia":
            for inner, inner_header, _, name in _boxes(file, at + header, until, budget):
                if name == b"hdlr":
                    return file.exactly(inner + inner_header + 8, 4)
    return b""


def _free(start: int, end: int) -> Blank:
    length = end - start
    if length < 2**32:
        return Blank(start=start, length=length, head=struct.pack(">I4s", length, b"free"))
    return Blank(start=start, length=length, head=struct.pack(">I4sQ", 1, b"free", length))


def _in_webm(file: RangeFile) -> list[Blank]:
    """Elements of the segment (RFC 9559) up to the first cluster; what stands behind the clusters is not looked for."""
    found: list[Blank] = []
    budget = _Budget()
    at = 0
    end = file.length
    while at < end:
        budget.spend()
        name, data, until = _element(file, at, end)
        if name == _WEBM_SEGMENT:
            at = data
            continue
        if name in _WEBM_BLANKED:
            found.append(_void(at, until))
        if name == _WEBM_CLUSTER:
            break
        at = until
    return found


def _element(file: RangeFile, at: int, end: int) -> tuple[bytes, int, int]:
    """Id, start of the data and end of the EBML element at `at`; one of unknown length ends where its parent does."""
    head = file.exactly(at, 12)
    id_length = _vint_length(head[0])
    size_length = _vint_length(head[id_length])
    size_bytes = head[id_length : id_length + size_length]
    if id_length > 4 or len(size_bytes) != size_length:
        raise ValueError("an element's head is cut off")
    bits = 7 * size_length
    size = int.from_bytes(size_bytes, "big") & (1 << bits) - 1
    data = at + id_length + size_length
    unknown = size == (1 << bits) - 1
    return head[:id_length], data, end if unknown else min(end, data + size)


def _vint_length(first: int) -> int:
    if first == 0:
        raise ValueError("no length begins with a zero byte")
    return 9 - first.bit_length()


def _void(start: int, end: int) -> Blank:
    """An element of the type Void, in the same room."""
    length = end - start
    if length < 9:
        return Blank(start=start, length=length, head=bytes((0xEC, 0x80 | (length - 2))))
    return Blank(start=start, length=length, head=b"\xec\x01" + (length - 9).to_bytes(7, "big"))
