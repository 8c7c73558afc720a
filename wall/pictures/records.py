"""The records of a rendering, and the limits that a picture must keep. reference: docs/limits.md."""

from dataclasses import dataclass
from typing import Literal

from wall.posts import Role

PictureType = Literal["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"]

# Pixels on the longer side of each rendition; an avatar is a square of at most this side.
ROLE_SIZES: dict[Role, int] = {
    "thumbnail-320": 320,
    "thumbnail-640": 640,
    "display-1280": 1280,
    "display-2560": 2560,
    "avatar": 96,
}

MAX_SIDE = 30_000  # pixels; beyond it no camera goes, and several decoders misbehave
MAX_PIXELS = 100_000_000  # twice imgproxy's default; a 100-megapixel camera still passes
MAX_AVIF_PIXELS = 64_000_000  # AVIF is decoded whole, at 9 to 14 bytes a pixel
MAX_SCANS = 100  # of a progressive JPEG; usual ones have 10, a 400 kB scan bomb took 12 s
MAX_METADATA = 16 * 1024 * 1024  # bytes before the pixels; phones put depth maps of some megabytes there
MAX_CHUNKS = 10_000  # PNG chunks and JPEG segments before the pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a file's header says: its real type, and its pixels before orientation."""

    type: PictureType
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedImage:
    """One rendition: `width` and `height` in pixels, `data` the encoded bytes of media type `type`."""

    role: Role
    width: int
    height: int
    type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What one picture gave.

    `type`: the original's real media type; `width`, `height`: its pixels after orientation; `bytes` its length and
    `sha256` the hex of its bytes. `thumbhash`: base64. `animated`: it has more than one frame, of which the
    renditions show the first. `truncated`: its end is missing, so a part of the picture is grey.
    """

    type: PictureType
    width: int
    height: int
    bytes: int
    sha256: str
    thumbhash: str
    animated: bool
    truncated: bool
    renditions: tuple[RenderedImage, ...]
