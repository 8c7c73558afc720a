"""How many pixels a picture claims, found without decoding anything.

`measure` walks the headers of the types that Frieze shows and refuses whatever is over a limit of `records`.
"""

import struct
from typing import BinaryIO, cast

from wall.errors import PictureError
from wall.pictures import records
from wall.pictures.records import Measured, PictureType
from wall.pictures.sniff import HEAD, is_video, recognise

_NAMES: dict[PictureType, str] = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "image/avif": "AVIF",
    "image/heic": "HEIC",
}


def name_of(kind: PictureType) -> str:
    """The type as people call it."""
    return _NAMES[kind]


def measure(file: BinaryIO) -> Measured:
    """Type and pixels of the seekable `file`, inside all limits. Raises PictureError; leaves the file anywhere."""
    file.seek(0)
    found = recognise(file.read(HEAD))
    if is_video(found):
        raise PictureError("This is a video, not a picture.", code="video")
    kind = cast("PictureType", found)
    try:
        width, height = _MEASURES[kind](file)
    except (struct.error, IndexError, ValueError) as error:
        raise _damaged(kind) from error
    check_size(kind, width, height)
    moves = kind == "image/png" and _is_animated_png(file)
    return Measured(type=kind, width=width, height=height, moves=moves)


def check_size(kind: PictureType, width: int, height: int) -> None:
    """Raise PictureError when a picture of this size is not to be decoded."""
    if width < 1 or height < 1:
        raise PictureError(f"The picture says it is {width} × {height} pixels large.", code="size")
    if width > records.MAX_SIDE or height > records.MAX_SIDE:
        raise PictureError(
            f"The picture is {width} × {height} pixels large; a side may have {records.MAX_SIDE:,}.",
            code="side",
        )
    whole = kind in ("image/avif", "image/heic")
    limit = records.MAX_WHOLE_PIXELS if whole else records.MAX_PIXELS
    if width * height > limit:
        raise PictureError(
            f"The picture has {width * height / 1e6:,.0f} megapixels; {limit // 1_000_000} are allowed.",
            code="pixels",
        )


def _damaged(kind: PictureType) -> PictureError:
    return PictureError(f"The {name_of(kind)} picture is damaged: its header makes no sense.", code="damaged")


def _spend(metadata: int, parts: int) -> None:
    if metadata > records.MAX_METADATA or parts > records.MAX_CHUNKS:
        raise PictureError(
            f"The picture carries more than {records.MAX_METADATA // 2**20} MiB of data besides its pixels.",
            code="metadata",
        )


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise ValueError("the file ends inside its header")
    return data


def _measure_jpeg(file: BinaryIO) -> tuple[int, int]:
    """Walks the segments to the first scan (ITU T.81 annex B), then counts the scans up to the end mark."""
    file.seek(2)
    size: tuple[int, int] | None = None
    metadata = parts = 0
    while True:
        byte = _exactly(file, 1)
        if byte != b"\xff":
            raise ValueError("a marker was expected")
        while (code := _exactly(file, 1)[0]) == 0xFF:
            pass
        if code == 0x01 or 0xD0 <= code <= 0xD7:  # markers without a length
            continue
        if code == 0xD9:
            raise ValueError("the picture ends before its pixels")
        (length,) = struct.unpack(">H", _exactly(file, 2))
        if length < 2:
            raise ValueError("a segment is shorter than its own length field")
        if code == 0xDA:
            break
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            _, height, width = struct.unpack(">BHH", _exactly(file, 5))
            size = (width, height)
            file.seek(length - 7, 1)
            continue
        if code >= 0xE0:
            metadata += length
        parts += 1
        _spend(metadata, parts)
        file.seek(length - 2, 1)
    if size is None:
        raise ValueError("there is no frame header before the first scan")
    _count_scans(file)
    return size


def _count_scans(file: BinaryIO) -> None:
    """In entropy-coded bytes a 0xFF is followed by 0 or a restart marker, so a scan's marker is unmistakable."""
    scans, last = 1, b""
    while block := file.read(1 << 20):
        piece = last + block
        end = piece.find(b"\xff\xd9")
        scans += piece.count(b"\xff\xda", 0, end if end >= 0 else len(piece))
        if scans > records.MAX_SCANS:
            raise PictureError(
                f"The JPEG picture has more than {records.MAX_SCANS} scans; it is made to keep a computer busy.",
                code="scans",
            )
        if end >= 0:
            return
        last = piece[-1:] if piece.endswith(b"\xff") else b""


def _measure_png(file: BinaryIO) -> tuple[int, int]:
    file.seek(8)
    length, kind, width, height = struct.unpack(">I4sII", _exactly(file, 16))
    if kind != b"IHDR" or length != 13:
        raise ValueError("the first chunk is not IHDR")
    file.seek(9, 1)
    metadata = parts = 0
    while True:
        length, kind = struct.unpack(">I4s", _exactly(file, 8))
        if kind == b"IDAT":
            return width, height
        if kind == b"IEND":
            raise ValueError("the picture ends before its pixels")
        metadata += length
        parts += 1
        _spend(metadata, parts)
        file.seek(length + 4, 1)


def _is_animated_png(file: BinaryIO) -> bool:
    """Whether there is an animation's header before the pixels, where it has to be."""
    file.seek(33)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind in (b"acTL", b"IDAT"):
            return kind == b"acTL"
        file.seek(length + 4, 1)
    return False


def _measure_gif(file: BinaryIO) -> tuple[int, int]:
    file.seek(6)
    return struct.unpack("<HH", _exactly(file, 4))


def _measure_webp(file: BinaryIO) -> tuple[int, int]:
    """RFC 9649: a lossy, a lossless, or an extended file."""
    file.seek(12)
    kind = _exactly(file, 4)
    file.seek(4, 1)
    if kind == b"VP8X":
        data = _exactly(file, 10)
        return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    if kind == b"VP8L":
        signature, bits = struct.unpack("<BI", _exactly(file, 5))
        if signature != 0x2F:
            raise ValueError("the lossless signature is missing")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        data = _exactly(file, 10)
        if data[3:6] != b"\x9d\x01\x2a":
            raise ValueError("the start code is missing")
        width, height = struct.unpack("<HH", data[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("unknown first chunk")


def _measure_boxes(file: BinaryIO) -> tuple[int, int]:
    """The largest `ispe` of the first `meta` box: a grid's own size is among them."""
    file.seek(0)
    for _ in range(16):
        length, kind = struct.unpack(">I4s", _exactly(file, 8))
        if kind == b"meta":
            return _largest_extent(_exactly(file, min(length - 8, records.MAX_METADATA)))
        if length < 8:
            break
        file.seek(length - 8, 1)
    raise ValueError("there is no meta box")


def _largest_extent(meta: bytes) -> tuple[int, int]:
    extents: list[tuple[int, int]] = []
    at = meta.find(b"ispe")
    while at >= 0 and len(extents) < 1000:
        extents.append(struct.unpack_from(">II", meta, at + 8))
        at = meta.find(b"ispe", at + 4)
    if not extents:
        raise ValueError("no size is given")
    return max(extents, key=lambda extent: extent[0] * extent[1])


_MEASURES = {
    "image/jpeg": _measure_jpeg,
    "image/png": _measure_png,
    "image/gif": _measure_gif,
    "image/webp": _measure_webp,
    "image/avif": _measure_boxes,
    "image/heic": _measure_boxes,
}
