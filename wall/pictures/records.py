"""The records of a rendering, and the limits that a picture or a video must keep. reference: docs/limits.md."""

from dataclasses import dataclass
from typing import Literal

from wall.blanking import Blank
from wall.posts import Role

PictureType = Literal["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic"]
VideoType = Literal["video/mp4", "video/quicktime", "video/webm"]
MediaType = PictureType | VideoType

# Pixels on the longer side of each still rendition; an avatar is a square of at most this side.
ROLE_SIZES: dict[Role, int] = {
    "thumbnail-320": 320,
    "thumbnail-640": 640,
    "display-1280": 1280,
    "display-2560": 2560,
    "poster": 1280,
    "avatar": 96,
}

MAX_SIDE = 30_000  # pixels; beyond it no camera goes, and several decoders misbehave
MAX_PIXELS = 100_000_000  # twice imgproxy's default; a 100-megapixel camera still passes
MAX_WHOLE_PIXELS = 64_000_000  # AVIF and HEIC are decoded whole, at 9 to 14 bytes a pixel
MAX_SCANS = 100  # of a progressive JPEG; usual ones have 10, a 400 kB scan bomb took 12 s
MAX_METADATA = 16 * 1024 * 1024  # bytes before the pixels; phones put depth maps of some megabytes there
MAX_CHUNKS = 10_000  # PNG chunks and JPEG segments before the pixels

ANIMATED_SIDE = 640  # pixels on the longer side of the role `animated-640`
MAX_FRAMES = 60  # of that role; of a longer animation every second, third, … is kept
MAX_FRAME_PIXELS = 25_000_000  # of an animation's canvas: each frame is decoded whole

MAX_VIDEO_PIXELS = 7680 * 4320  # of a frame: 8K
MAX_VIDEO_READ = 16 * 1024 * 1024  # bytes read of a video for its poster
MAX_VIDEO_READS = 64  # requests to the store for it; reference/media.md §5.5
MAX_DURATION = 24 * 3600.0  # seconds; a header that claims more is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a file's header says: its real type, and its pixels before orientation. `moves`: it is a PNG that says it
    is animated, which some decoders overlook."""

    type: PictureType
    width: int
    height: int
    moves: bool = False


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
    `sha256` the hex of its bytes. `thumbhash`: base64. `phash`: the perceptual hash, None where the picture is too
    flat for one. `animated`: it has more than one frame, of which the stills show the first. `truncated`: its end is
    missing, so a part of the picture is grey.
    """

    type: PictureType
    width: int
    height: int
    bytes: int
    sha256: str
    thumbhash: str
    phash: int | None
    animated: bool
    truncated: bool
    renditions: tuple[RenderedImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filmed:
    """What one video gave: stills of one of its frames, and what a page needs to play it.

    `type`: the file's real media type; `served`: the one under which browsers play it. `width`, `height`: pixels as
    shown, upright; `duration` in seconds, None where the file does not say. `blanks`: what to blank in a copy for
    viewers.
    """

    type: VideoType
    served: str
    width: int
    height: int
    duration: float | None
    codec: str
    thumbhash: str
    phash: int | None
    blanks: tuple[Blank, ...]
    renditions: tuple[RenderedImage, ...]
