"""A light animation of a heavy one: at most 60 frames of at most 640 pixels, as WebP."""

import io
from typing import BinaryIO

from PIL import Image

from wall.errors import PictureError
from wall.pictures import by_pillow
from wall.pictures.records import ANIMATED_SIDE, MAX_FRAME_PIXELS, MAX_FRAMES, Measured, RenderedImage

QUALITY = 60  # moving pictures forgive more than still ones
EFFORT = 2  # of 6; 4 takes twice the time for a tenth of the bytes
_SHORTEST = 20  # milliseconds; what browsers take shorter frames for
_INSTEAD = 100


def animate(file: BinaryIO, measured: Measured) -> RenderedImage:
    """The role `animated-640` of an animated picture. Raises PictureError, also for a canvas that is too large."""
    if measured.width * measured.height > MAX_FRAME_PIXELS:
        raise PictureError(
            f"The animation's frames have more than {MAX_FRAME_PIXELS // 1_000_000} megapixels.", code="frames"
        )
    frames, durations = _frames(file, measured)
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        quality=QUALITY,
        method=EFFORT,
    )
    width, height = frames[0].size
    return RenderedImage(role="animated-640", width=width, height=height, type="image/webp", data=buffer.getvalue())


def _frames(file: BinaryIO, measured: Measured) -> tuple[list[Image.Image], list[int]]:
    """Upright frames and how many milliseconds each is shown; those left out lengthen the one before."""
    frames: list[Image.Image] = []
    durations: list[int] = []
    with by_pillow.opened(file, measured) as image:
        count = int(getattr(image, "n_frames", 1))
        every = -(-count // MAX_FRAMES)
        turn = by_pillow.orientation(image, measured)
        profile = image.info.get("icc_profile")
        for number in range(count):
            image.seek(number)
            if number % every == 0:
                image.load()
                small = by_pillow.full_depth(image).copy()
                small.thumbnail((ANIMATED_SIDE, ANIMATED_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
                frames.append(by_pillow.finished(small, profile, turn))
                durations.append(0)
            shown = int(image.info.get("duration") or 0)
            durations[-1] += shown if shown >= _SHORTEST else _INSTEAD
    return frames, durations
