"""Every hostile and odd input, built in code, with the outcome that docs/limits.md states.

`outcome` is the words in the document. `code` is the refusal's, None where the picture or video is shown; several where
it depends on which decoder is there.
"""

import io
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pillow_heif
from PIL import Image

from tests.wall.pictures.films import FTYP, box, film, track
from tests.wall.pictures.hostile.boxes import endless_index, heic_grid, nested
from tests.wall.pictures.samples import (
    chunk,
    display_p3,
    encoded,
    png_claiming,
    quarters,
    scan_bomb,
    with_orientation,
)


@dataclass(frozen=True, slots=True)
class Input:
    name: str
    build: Callable[[], bytes]
    outcome: str
    codes: tuple[str | None, ...]

    def row(self) -> str:
        return f"| {self.name} | {self.outcome} |"


INPUTS: list[Input] = []


def _add(name: str, build: Callable[[], bytes], outcome: str, *codes: str | None) -> None:
    INPUTS.append(Input(name, build, outcome, codes or (None,)))


def heic(image: Image.Image, **how: Any) -> bytes:
    buffer = io.BytesIO()
    cast("Any", pillow_heif).from_pillow(image).save(buffer, **how)
    return buffer.getvalue()


def _noise(size: int = 300) -> Image.Image:
    return Image.effect_noise((size, size), 80).convert("RGB")


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _most(data: bytes) -> bytes:
    return data[: len(data) * 9 // 10]


def _claiming(data: bytes, width: int, height: int) -> bytes:
    """An AVIF or HEIC that says another size."""
    changed = bytearray(data)
    at = changed.index(b"ispe") + 8
    changed[at : at + 8] = struct.pack(">II", width, height)
    return bytes(changed)


def _gif_of(frames: int, size: int = 16) -> bytes:
    """One small frame said over and over, after the first."""
    one = Image.new("P", (size, size), 1)
    data = encoded(one, "GIF", save_all=True, append_images=[Image.new("P", (size, size), 2)], duration=50, loop=0)
    frame = data.rindex(b"\x21\xf9")
    return data[:frame] + data[frame:-1] * (frames - 1) + b";"


def _gif_canvas(width: int, height: int) -> bytes:
    data = encoded(Image.new("P", (16, 16), 1), "GIF")
    return data[:6] + struct.pack("<HH", width, height) + data[10:]


def _webp_claiming(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    body = b"WEBPVP8L" + struct.pack("<I", 10) + b"\x2f" + struct.pack("<I", bits) + bytes(5)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _flipped(data: bytes, seed: int) -> bytes:
    """One bit in a thousand bytes is wrong, after the header."""
    dice = random.Random(seed)
    changed = bytearray(data)
    for at in range(700, len(changed) - 2, 1000):
        changed[at] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _compressed_text(name: bytes, megabytes: int) -> bytes:
    return chunk(name, b"k\0\0" + zlib.compress(bytes(megabytes * 2**20), 9))


def _png_with(before: bytes) -> bytes:
    data = encoded(quarters(), "PNG")
    return data[:33] + before + data[33:]


def _png_16_bits() -> bytes:
    row = b"\0" + struct.pack(">HHH", 0x8000, 0x4000, 0xFFFF) * 40
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(row * 40)) + chunk(b"IEND", b"")


def _wrong_checksum() -> bytes:
    data = bytearray(encoded(_noise(), "PNG"))
    data[-20] ^= 0xFF
    return bytes(data)


def _clear_palette() -> bytes:
    return encoded(quarters().quantize(8), "PNG", transparency=0)


def _patched(video: bytes, kind: bytes, at: int, value: bytes) -> bytes:
    """The video with other bytes `at` places behind the name of its first box of that kind."""
    place = video.index(kind) + 4 + at
    return video[:place] + value + video[place + len(value) :]


_PLAYLIST = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
_SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
_REFUSED_SIZE = "refused by its header: more pixels than allowed"
_REFUSED_DAMAGED = "refused: damaged"
_REFUSED_CUT = "refused: its end is missing"
_REFUSED_TYPE = "refused by its first bytes, named"
_SHOWN = "shown"

# bombs
_add(
    "PNG that claims 65,000 × 65,000",
    lambda: png_claiming(65_000, 65_000),
    "refused by its header: a side too long",
    "side",
)
_add("PNG of 20,000 × 20,000 pixels", lambda: png_claiming(20_000, 20_000), _REFUSED_SIZE, "pixels")
_add("PNG of 49 megapixels in 50 KB", lambda: encoded(Image.new("L", (7000, 7000)), "PNG"), _SHOWN)
_add("interlaced PNG header of 0 × 5", lambda: png_claiming(0, 5), "refused by its header: no pixels", "size")
_add("AVIF of 192 megapixels", lambda: _claiming(encoded(quarters(), "AVIF"), 16_000, 12_000), _REFUSED_SIZE, "pixels")
_add("HEIC of 192 megapixels", lambda: _claiming(heic(quarters()), 16_000, 12_000), _REFUSED_SIZE, "pixels")
_add("WebP of 16,384 × 16,384 pixels", lambda: _webp_claiming(16_384, 16_384), _REFUSED_SIZE, "pixels")
_add("GIF with a canvas of 30,000 × 30,000", lambda: _gif_canvas(30_000, 30_000), _REFUSED_SIZE, "pixels")
_add("progressive JPEG with 200 scans", scan_bomb, "refused: too many scans", "scans")
_add(
    "GIF of 5,000 frames",
    lambda: _gif_of(5_000),
    "shown; animated with 60 frames, or as a still where that takes over 5 s",
)
_add(
    "PNG with 17 MiB of text",
    lambda: _png_with(chunk(b"tEXt", b"k\0" + bytes(2**20)) * 17),
    "refused: too much metadata",
    "metadata",
)
_add(
    "PNG with 10,001 chunks",
    lambda: _png_with(chunk(b"tEXt", b"k\0v") * 10_001),
    "refused: too much metadata",
    "metadata",
)
_add(
    "PNG whose text unpacks to 512 MiB",
    lambda: _png_with(_compressed_text(b"zTXt", 512)),
    "shown, or refused as damaged",
    None,
    "damaged",
)
_add(
    "PNG whose colour profile unpacks to 512 MiB",
    lambda: _png_with(_compressed_text(b"iCCP", 512)),
    "shown, or refused as damaged",
    None,
    "damaged",
    "memory",
)
# truncation and damage
_add("empty file", lambda: b"", "refused: empty", "empty")
_add("file of one byte", lambda: b"\xff", _REFUSED_TYPE, "type")
_add("JPEG without its second half", lambda: _half(encoded(_noise(), "JPEG")), "shown and flagged, the rest grey")
_add("JPEG without its pixels", lambda: encoded(_noise(), "JPEG")[:300], _REFUSED_DAMAGED, "damaged", "truncated")
_add("PNG without its second half", lambda: _half(encoded(_noise(), "PNG")), _REFUSED_CUT, "truncated", "damaged")
_add("GIF without its second half", lambda: _half(encoded(_noise(), "GIF")), _REFUSED_CUT, "truncated", "damaged")
_add("WebP without its second half", lambda: _half(encoded(_noise(), "WEBP")), _REFUSED_CUT, "truncated", "damaged")
_add("AVIF without its second half", lambda: _half(encoded(_noise(), "AVIF")), _REFUSED_CUT, "truncated", "damaged")
_add("HEIC without its second half", lambda: _half(heic(_noise())), _REFUSED_CUT, "truncated", "damaged")
_add(
    "JPEG with wrong bits",
    lambda: _flipped(encoded(_noise(600), "JPEG"), 1),
    "shown as far as it makes sense, or refused as damaged",
    None,
    "damaged",
)
_add("PNG with a wrong checksum", _wrong_checksum, "shown, or refused as damaged", None, "damaged", "truncated")
_add(
    "JPEG with a megabyte behind its end",
    lambda: encoded(quarters(), "JPEG") + random.Random(3).randbytes(1 << 20),
    _SHOWN,
)
# what is no picture
_add("SVG that names a file", lambda: _SVG, _REFUSED_TYPE, "type")
_add("EPS", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n", _REFUSED_TYPE, "type")
_add("PDF", lambda: b"%PDF-1.7\n1 0 obj <</Type/Catalog>> endobj\n", _REFUSED_TYPE, "type")
_add("playlist that names a file", lambda: _PLAYLIST, _REFUSED_TYPE, "type")
_add("web page", lambda: b"<!DOCTYPE html><script>alert(1)</script>", _REFUSED_TYPE, "type")
_add("ZIP archive", lambda: b"PK\3\4" + bytes(100), _REFUSED_TYPE, "type")
_add("TIFF", lambda: encoded(quarters(), "TIFF"), _REFUSED_TYPE, "type")
_add(
    "web page behind a JPEG's first bytes",
    lambda: b"\xff\xd8\xff\xe0<html><script>",
    _REFUSED_DAMAGED,
    "damaged",
    "truncated",
)
_add(
    "script that is a GIF too",
    lambda: b"GIF89a/*" + bytes(40) + b"*/=1;alert(1)",
    "refused by its header: no pixels",
    "damaged",
    "truncated",
    "size",
)
_add(
    "JPEG that is a ZIP archive too",
    lambda: encoded(quarters(), "JPEG") + b"PK\3\4secret" + bytes(40),
    "shown; its renditions are pictures and nothing else",
)
_add(
    "PNG with a web page in its text",
    lambda: _png_with(chunk(b"tEXt", b"k\0<script>secret</script>")),
    "shown; its renditions are pictures and nothing else",
)
_add("PNG in a WebP's clothes", lambda: b"RIFF\0\0\0\0WEBP" + encoded(quarters(), "PNG"), _REFUSED_DAMAGED, "damaged")
_add(
    "AVIF that calls itself HEIC",
    lambda: encoded(quarters(), "AVIF").replace(b"avif", b"heic", 1),
    "refused as damaged, or shown",
    None,
    "damaged",
    "type",
)
# orientation and colour
for _number in range(1, 9):
    _add(f"JPEG with orientation {_number}", lambda n=_number: with_orientation(quarters(), n), "shown upright")
_add("CMYK JPEG", lambda: encoded(quarters().convert("CMYK"), "JPEG"), "shown in the colours it means")
_add("PNG of 16 bits a colour", _png_16_bits, "shown, scaled to 8 bits")
_add("PNG of 16 bits of grey", lambda: encoded(Image.new("I;16", (40, 40), 32_768), "PNG"), "shown, scaled to 8 bits")
_add("palette with transparency", _clear_palette, "shown on the wall's ground")
_add("PNG in Display P3", lambda: encoded(quarters(), "PNG", icc_profile=display_p3()), "shown in sRGB")
_add(
    "PNG with a broken colour profile",
    lambda: encoded(quarters(), "PNG", icc_profile=b"no profile" * 30),
    "shown as if it had none",
)
# odd sizes
_add("1 × 1", lambda: encoded(Image.new("RGB", (1, 1)), "PNG"), _SHOWN)
_add("30,000 × 1", lambda: encoded(Image.new("RGB", (30_000, 1)), "PNG"), _SHOWN)
_add("1 × 30,000", lambda: encoded(Image.new("RGB", (1, 30_000)), "JPEG"), _SHOWN)
_add("30,001 × 1", lambda: png_claiming(30_001, 1), "refused by its header: a side too long", "side")
# containers
_add(
    "HEIC grid of 65,025 tiles that claims 64 pixels",
    lambda: heic_grid(255, 255, 4096, 64),
    _REFUSED_DAMAGED,
    "damaged",
    "pixels",
    "side",
    "truncated",
)
_add("HEIC grid whose tiles are empty", lambda: heic_grid(2, 2, 64, 128), _REFUSED_DAMAGED, "damaged", "truncated")
_add("HEIC without a picture", lambda: box(b"ftyp", b"heic", bytes(4), b"heic"), _REFUSED_DAMAGED, "damaged")
# video
_add("MP4, H.264", film, "shown with its poster, plays")
_add("WebM, VP9", lambda: film("webm", "libvpx-vp9"), "shown with its poster, plays")
_add("MP4, HEVC", lambda: film("mp4", "libx265"), "refused: browsers don't play it; says what to do", "codec")
_add(
    "MP4, MPEG-4 part 2", lambda: film("mp4", "mpeg4"), "refused: browsers don't play it; says what they play", "codec"
)
_add("H.264 of finer colours", lambda: film(pixels="yuv444p"), "refused: few browsers play it", "codec")
_add("MP4 without its second half", lambda: _half(film(seconds=8)), _REFUSED_DAMAGED, "damaged")
_add(
    "MP4 whose index stands in front, without its last tenth",
    lambda: _most(film(seconds=8, index_first=True)),
    "shown with its poster; plays as far as it goes",
)
_add("playlist in an MP4's clothes", lambda: FTYP + _PLAYLIST, _REFUSED_DAMAGED, "damaged")
_add(
    "MP4 with nothing but an index of tracks",
    lambda: FTYP + box(b"moov", track(b"vide")),
    _REFUSED_DAMAGED,
    "damaged",
    "track",
)
_add(
    "MP4 with 20,001 boxes",
    lambda: FTYP + box(b"moov", *[box(b"free")] * 20_001),
    "refused: too many boxes",
    "metadata",
)
_add("MP4 with boxes 10,000 deep", lambda: nested(10_000), _REFUSED_DAMAGED, "damaged", "track", "metadata")
_add(
    "MP4 with a box of 2^63 bytes",
    lambda: FTYP + b"\0\0\0\1moov" + b"\x7f" + b"\xff" * 7 + bytes(64),
    _REFUSED_DAMAGED,
    "damaged",
    "track",
)
_add(
    "MP4 that claims 65,535 × 65,535",
    lambda: _patched(film(), b"avc1", 24, b"\xff" * 4),
    "refused, or shown at its real size",
    None,
    "pixels",
    "damaged",
)
_add(
    "MP4 that claims four billion samples",
    lambda: _patched(film(), b"stsz", 8, b"\xff" * 4),
    "refused as damaged, or shown",
    None,
    "damaged",
    "memory",
    "reads",
)
_add("MP4 with an index of 24 MiB", lambda: endless_index(24), "refused: more than 16 MiB to read", "reads")
