"""What a file really is, and how many pixels it claims, found without decoding anything.

The name and the declared type say nothing: only the bytes count. `recognise` looks at the first bytes, `measure` walks
the headers of the five types that Frieze shows and refuses whatever is over a limit of `records`. Each refusal is a
PictureError whose sentence an operator reads as it is.
"""

import struct
from typing import BinaryIO

from wall.errors import PictureError
from wall.pictures import records
from wall.pictures.records import Measured, PictureType

HEAD = 64 * 1024  # bytes that `recognise` may look at

_SHOWN = "Frieze shows JPEG, PNG, GIF, WebP and AVIF pictures."
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_TEXT_SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"<svg", "an SVG drawing"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?php", "a script"),
    (b"<script", "a script"),
)
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document"),
    (b"%!PS", "a PostScript drawing"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript drawing"),
    (b"#!", "a script"),
    (b"#EXTM3U", "a playlist"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"BM", "a BMP picture"),
    (b"8BPS", "a Photoshop document"),
    (b"\0\0\1\0", "an icon"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "a compressed file"),
    (b"\x1a\x45\xdf\xa3", "a WebM video"),
)


def recognise(head: bytes) -> PictureType:
    """The type of the picture that begins with `head`. Raises PictureError for everything Frieze does not show."""
    if not head:
        raise PictureError("The file is empty.", code="empty")
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _recognise_container(head)
    raise PictureError(f"This is {_name(head)}. {_SHOWN}", code="type")


def _recognise_container(head: bytes) -> PictureType:
    """ISO base media files: AVIF is shown, HEIC and video are named and refused."""
    end = min(int.from_bytes(head[:4], "big"), len(head), 512)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    if b"avif" in brands or b"avis" in brands:
        return "image/avif"
    if _HEIC_BRANDS.intersection(brands):
        raise PictureError(f"This is a HEIC picture. {_SHOWN}", code="heic")
    kind = "a QuickTime (MOV) video" if brands[0] == b"qt  " else "an MP4 video"
    raise PictureError(f"This is {kind}, not a picture. {_SHOWN}", code="video")


def _name(head: bytes) -> str:
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    beginning = head[:1024].lower()
    for sign, name in _TEXT_SIGNS:
        if sign in beginning:
            return name
    return "not a picture"


def measure(file: BinaryIO) -> Measured:
    """Type and pixels of the seekable `file`, inside all limits. Raises PictureError; leaves the file anywhere."""
    file.seek(0)
    kind = recognise(file.read(HEAD))
    try:
        width, height = _MEASURES[kind](file)
    except (struct.error, IndexError, ValueError) as error:
        raise _damaged(kind) from error
    check_size(kind, width, height)
    return Measured(type=kind, width=width, height=height)


def check_size(kind: PictureType, width: int, height: int) -> None:
    """Raise PictureError when a picture of this size is not to be decoded."""
    if width < 1 or height < 1:
        raise PictureError(f"The picture says it is {width} × {height} pixels large.", code="size")
    if width > records.MAX_SIDE or height > records.MAX_SIDE:
        raise PictureError(
            f"The picture is {width} × {height} pixels large; a side may have {records.MAX_SIDE:,}.",
            code="side",
        )
    limit = records.MAX_AVIF_PIXELS if kind == "image/avif" else records.MAX_PIXELS
    if width * height > limit:
        raise PictureError(
            f"The picture has {width * height / 1e6:,.0f} megapixels; {limit // 1_000_000} are allowed.",
            code="pixels",
        )


def _damaged(kind: PictureType) -> PictureError:
    name = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WebP"}.get(kind, "AVIF")
    return PictureError(f"The {name} picture is damaged: its header makes no sense.", code="damaged")


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


def _measure_avif(file: BinaryIO) -> tuple[int, int]:
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
    "image/avif": _measure_avif,
}
