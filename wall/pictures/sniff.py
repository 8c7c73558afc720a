"""What a file really is, by its first bytes.

The name and the declared type say nothing: only the bytes count. Each refusal is a PictureError whose sentence an
operator, or a guest, reads as it is.
"""

from typing import TypeGuard

from wall.errors import PictureError
from wall.pictures.records import MediaType, VideoType

HEAD = 64 * 1024  # bytes that `recognise` may look at

SHOWN = "Frieze shows JPEG, PNG, GIF, WebP, AVIF and HEIC pictures, and MP4, MOV and WebM videos."
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
# brands that look like MP4 and are no video
_OTHER_BRANDS = {b"M4A ": "an audio file", b"M4B ": "an audio file", b"crx ": "a raw photograph"}
# a QuickTime file of before 2001 has no `ftyp` and begins with one of these
_OLD_QUICKTIME = (b"moov", b"mdat", b"wide")
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
    (b"ffconcat", "a playlist"),
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
    (b"\x1a\x45\xdf\xa3", "a Matroska (MKV) video"),
    (b"OggS", "an Ogg file"),
    (b"\0\0\1\xba", "an MPEG-2 video"),
)


def recognise(head: bytes) -> MediaType:
    """The type of the picture or video that begins with `head`. Raises PictureError for everything that Frieze does
    not show; whether browsers play a video's codec is known only after a look inside."""
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
    if head[4:8] in _OLD_QUICKTIME:
        return "video/quicktime"
    # EBML's DocType, within its header of some 40 bytes
    if head.startswith(b"\x1a\x45\xdf\xa3") and b"\x42\x82\x84webm" in head[:64]:
        return "video/webm"
    raise PictureError(f"This is {_name(head)}. {SHOWN}", code="type")


def is_video(kind: MediaType) -> TypeGuard[VideoType]:
    return kind.startswith("video/")


def _recognise_container(head: bytes) -> MediaType:
    """ISO base media files: AVIF, HEIC, or a video."""
    end = min(int.from_bytes(head[:4], "big"), len(head), 512)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    if b"avif" in brands or b"avis" in brands:
        return "image/avif"
    if _HEIC_BRANDS.intersection(brands):
        return "image/heic"
    if brands[0] in _OTHER_BRANDS:
        raise PictureError(f"This is {_OTHER_BRANDS[brands[0]]}. {SHOWN}", code="type")
    return "video/quicktime" if brands[0] == b"qt  " else "video/mp4"


def _name(head: bytes) -> str:
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    beginning = head[:1024].lower()
    for sign, name in _TEXT_SIGNS:
        if sign in beginning:
            return name
    return "not a picture"
