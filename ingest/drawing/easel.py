"""Draws a scene as a JPEG, the same bytes for the same seed."""

import io
import random

from PIL import Image, ImageDraw, ImageFilter

from ingest.drawing.scenes import Scene, scene

SKIES = (("#1d2b4f", "#f2b8a0"), ("#8fb3d9", "#f5efe6"), ("#3a2a5e", "#f08a7a"), ("#7f9a92", "#e9efe8"))


def paint(seed: str) -> bytes:
    """A JPEG of the scene that `seed` stands for; takes up to 0.15 s of processor time."""
    what = scene(seed)
    chance = random.Random(what.seed + "/paint")  # noqa: S311 - brush strokes, not secrets
    image = _ridges(what, chance)
    return _jpeg(image)


def paint_avatar(seed: str) -> bytes:
    chance = random.Random(seed)  # noqa: S311 - brush strokes, not secrets
    hue = chance.randrange(360)
    image = Image.new("RGB", (256, 256), f"hsl({hue},45%,62%)")
    draw = ImageDraw.Draw(image)
    draw.ellipse((88, 60, 168, 140), fill=f"hsl({(hue + 30) % 360},40%,88%)")
    draw.ellipse((48, 156, 208, 340), fill=f"hsl({(hue + 30) % 360},40%,88%)")
    return _jpeg(image.filter(ImageFilter.GaussianBlur(0.6)))


def _ridges(what: Scene, chance: random.Random) -> Image.Image:
    top, bottom = SKIES[what.mood]
    column = Image.new("RGB", (1, 2))
    column.putpixel((0, 0), _rgb(top))
    column.putpixel((0, 1), _rgb(bottom))
    image = column.resize((what.width, what.height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    near, far = _rgb(top), _rgb(bottom)
    for layer in range(6):
        part = layer / 5
        colour = _mix(far, near, part)
        height = what.height * (0.4 + 0.1 * layer)
        points = [(0.0, float(what.height))]
        level = height
        for x in range(0, what.width + 17, 16):
            level += chance.uniform(-9, 9) + (height - level) * 0.04
            points.append((float(x), level))
        points.append((float(what.width), float(what.height)))
        draw.polygon(points, fill=colour)
    return image


def _mix(far: tuple[int, int, int], near: tuple[int, int, int], part: float) -> tuple[int, int, int]:
    red, green, blue = (int(f + (n * 0.6 - f) * part) for f, n in zip(far, near, strict=True))
    return red, green, blue


def _rgb(text: str) -> tuple[int, int, int]:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
