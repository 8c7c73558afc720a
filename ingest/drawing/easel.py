"""Draws what a seed stands for, as a JPEG: the same seed, the same picture."""

import io
import random
from collections.abc import Callable

from PIL import Image, ImageFilter

from ingest.drawing import brushes, compositions, landscapes, nights
from ingest.drawing.brushes import mix, rgb
from ingest.drawing.scenes import Scene, Subject, scene

_QUALITY = 88
_PAINTERS: dict[Subject, Callable[[Scene, random.Random], Image.Image]] = {
    Subject.MOUNTAINS: landscapes.mountains,
    Subject.DUNES: landscapes.dunes,
    Subject.SEA: landscapes.sea,
    Subject.AURORA: nights.aurora,
    Subject.CITY: nights.city,
    Subject.STARS: nights.starry,
    Subject.LEAVES: compositions.leaves,
    Subject.SHAPES: compositions.shapes,
}
# (background, shoulders, skin, hair)
_FACES = (
    ("#e8c7a6", "#3f6470", "#c98d68", "#2a1c1a"),
    ("#a9c4c9", "#c8623f", "#f0c9a8", "#6b3f24"),
    ("#d6c7e0", "#3a4a7a", "#8a5a40", "#15100f"),
    ("#c9d6b4", "#7a3f52", "#e8b890", "#c9a15a"),
    ("#f0d7a0", "#2f5f4f", "#6a4230", "#0f0c0c"),
    ("#f2bfae", "#40345f", "#dba67e", "#8f8a88"),
)


def paint(seed: str) -> bytes:
    """A JPEG of the scene that `seed` stands for."""
    what = scene(seed)
    chance = random.Random(f"{what.seed}/paint")  # noqa: S311 - brush strokes, not secrets
    image = _PAINTERS[what.subject](what, chance)
    flat = what.subject in (Subject.LEAVES, Subject.SHAPES)
    image = brushes.vignette(image, 0.12 if flat else 0.3)
    return _jpeg(brushes.grain(image, chance, 4 if flat else 6))


def paint_avatar(seed: str) -> bytes:
    """A small portrait in flat colours."""
    chance = random.Random(seed)  # noqa: S311 - brush strokes, not secrets
    ground, coat, skin, hair = map(rgb, chance.choice(_FACES))
    side = 256
    image = brushes.gradient((side, side), ((0, mix(ground, (255, 255, 255), 0.25)), (1, ground)))
    long_hair = chance.random() < 0.5
    if long_hair:
        brushes.disc(image, (128, 118), 66, hair)
        brushes.disc(image, (128, 160), 62, hair)
    else:
        brushes.disc(image, (128, 104), 58, hair)
    brushes.disc(image, (128, 268), 92, coat)
    brushes.disc(image, (128, 176), 26, mix(skin, (60, 20, 10), 0.18))
    brushes.disc(image, (128, 124), 50, skin)
    if chance.random() < 0.6:
        fringe = Image.new("L", (side, side))
        fringe.paste(255, (70, 56, 190, chance.randint(92, 104)))
        head = Image.new("RGB", (side, side))
        brushes.disc(head, (128, 122), 54, (255, 255, 255))
        image.paste(hair, mask=Image.composite(fringe, Image.new("L", (side, side)), head.getchannel(0)))
    return _jpeg(image.filter(ImageFilter.GaussianBlur(0.5)))


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
