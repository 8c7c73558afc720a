"""Pictures made for a test, whole and hostile."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms, ImageDraw

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 180, 40), (30, 40, 210), (250, 250, 250)


def quarters(size: tuple[int, int] = (80, 60)) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right."""
    image = Image.new("RGB", size, WHITE)
    draw = ImageDraw.Draw(image)
    middle, half = size[0] // 2, size[1] // 2
    draw.rectangle((0, 0, middle - 1, half - 1), fill=RED)
    draw.rectangle((middle, 0, size[0], half - 1), fill=GREEN)
    draw.rectangle((0, half, middle - 1, size[1]), fill=BLUE)
    return image


def encoded(image: Image.Image, kind: str, **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width: int, height: int, *, before: bytes = b"", data: bytes = b"\0" * 100) -> bytes:
    """A PNG whose header claims a size and whose pixels do not follow."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def with_orientation(image: Image.Image, orientation: int, kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, kind, exif=exif.tobytes(), **({"quality": 95} if kind == "JPEG" else {}))


def scan_bomb(scans: int = 200) -> bytes:
    """A progressive JPEG whose last scan is said over and over."""
    data = encoded(quarters(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + b"\xff\xd9"


def display_p3() -> bytes:
    """The system's sRGB profile with the primaries of Display P3 (adapted to D50) in place of its own."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    (count,) = struct.unpack_from(">I", profile, 128)
    for number in range(count):
        name, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if name in primaries:
            struct.pack_into(">3i", profile, offset + 8, *(round(value * 65536) for value in primaries[name]))
    return bytes(profile)


def p3_as_srgb(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """The same colour in sRGB, by the published matrix between the two."""
    red, green, blue = (((v / 255 + 0.055) / 1.055) ** 2.4 for v in colour)
    linear = (
        1.2249 * red - 0.2247 * green,
        -0.0420 * red + 1.0419 * green,
        -0.0197 * red - 0.0786 * green + 1.0979 * blue,
    )
    first, second, third = (round(255 * (1.055 * max(0.0, v) ** (1 / 2.4) - 0.055)) for v in linear)
    return first, second, third
