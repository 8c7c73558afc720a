"""What every scene is painted with: colours, gradients, light, mist, noise, outlines. Same chance, same strokes."""

import math
import random
from collections.abc import Callable, Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Size = tuple[int, int]
Point = tuple[float, float]


def rgb(text: str) -> Colour:
    """`#rrggbb` as numbers."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def mix(first: Colour, second: Colour, part: float) -> Colour:
    """`first` at part 0, `second` at 1."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(first, second, strict=True))
    return red, green, blue


def gradient(size: Size, stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    """From top to bottom, through `stops` of (place in 0..1, colour) in ascending order."""
    column = Image.new("RGB", (1, 256))
    column.putdata([_at(stops, y / 255) for y in range(256)])
    return column.resize(size, Image.Resampling.BICUBIC)


def _at(stops: Sequence[tuple[float, Colour]], place: float) -> Colour:
    before = stops[0]
    for stop in stops:
        if stop[0] >= place:
            span = stop[0] - before[0]
            return mix(before[1], stop[1], (place - before[0]) / span if span else 0.0)
        before = stop
    return stops[-1][1]


def ramp(size: Size, top: int, bottom: int) -> Image.Image:
    """A grey mask from `top` to `bottom`."""
    column = Image.new("L", (1, 2))
    column.putdata([top, bottom])
    return column.resize(size, Image.Resampling.BILINEAR)


def light(radius: int, *, falloff: float = 2.0, strength: float = 1.0) -> Image.Image:
    """A round mask, `strength` in the middle and nothing at `radius`."""
    small = Image.radial_gradient("L").point(
        [round(255 * strength * max(0.0, 1 - d / 180) ** falloff) for d in range(256)]
    )
    return small.resize((2 * radius, 2 * radius), Image.Resampling.BICUBIC)


def shine(image: Image.Image, centre: Point, radius: int, colour: Colour, **kind: float) -> None:
    """Add a glow: light adds up, as in the air."""
    mask = light(radius, **kind)
    left, top = round(centre[0]) - radius, round(centre[1]) - radius
    glow = Image.new("RGB", mask.size)
    glow.paste(colour, mask=mask)
    box = (max(0, left), max(0, top), min(image.width, left + 2 * radius), min(image.height, top + 2 * radius))
    if box[0] >= box[2] or box[1] >= box[3]:
        return
    part = glow.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))
    image.paste(ImageChops.screen(image.crop(box), part), box[:2])


def disc(image: Image.Image, centre: Point, radius: float, colour: Colour) -> None:
    """A filled circle with a clean edge."""
    side = math.ceil(radius) * 2 + 2
    mask = Image.new("L", (side * 4, side * 4))
    middle = side * 2
    ImageDraw.Draw(mask).ellipse(
        (middle - radius * 4, middle - radius * 4, middle + radius * 4, middle + radius * 4), fill=255
    )
    image.paste(colour, (round(centre[0] - side / 2), round(centre[1] - side / 2)), mask.reduce(4))


def noise(chance: random.Random, size: Size, across: int, down: int) -> Image.Image:
    """Smooth grey noise with about `across` × `down` spots."""
    spots = Image.frombytes("L", (across, down), chance.randbytes(across * down))
    return spots.resize(size, Image.Resampling.BICUBIC)


def clouds(chance: random.Random, size: Size, across: int, down: int, *, octaves: int = 4) -> Image.Image:
    """Noise on noise, each finer and weaker: mist, clouds, the Milky Way. Made small, then enlarged."""
    small = (max(2, size[0] // 4), max(2, size[1] // 4))
    result = noise(chance, small, across, down)
    for octave in range(1, octaves):
        finer = noise(chance, small, min(small[0], across << octave), min(small[1], down << octave))
        result = Image.blend(result, finer, 0.5 if octave == 1 else 0.3)
    return result.resize(size, Image.Resampling.BICUBIC)


def curve(mask: Image.Image, low: int, high: int, *, top: int = 255) -> Image.Image:
    """Stretch a mask: `low` and below becomes 0, `high` and above becomes `top`, smoothly between."""

    def level(value: int) -> int:
        part = min(1.0, max(0.0, (value - low) / (high - low)))
        return round(top * part * part * (3 - 2 * part))

    return mask.point([level(value) for value in range(256)])


def grain(image: Image.Image, chance: random.Random, amount: int = 9) -> Image.Image:
    """A film's grain, which also hides the steps of a gradient."""
    side = 256
    tile = Image.frombytes("L", (side, side), chance.randbytes(side * side)).filter(ImageFilter.GaussianBlur(0.6))
    tile = tile.point([128 + round((value - 128) * amount / 64) for value in range(256)])
    sheet = Image.new("L", image.size)
    for x in range(0, image.width, side):
        for y in range(0, image.height, side):
            sheet.paste(tile.transpose(chance.choice(tuple(Image.Transpose))), (x, y))
    return ImageChops.overlay(image, Image.merge("RGB", (sheet, sheet, sheet)))


def fade(mask: Image.Image, part: float) -> Image.Image:
    """A mask weakened to `part` of itself."""
    return mask.point([int(value * part) for value in range(256)])


def vignette(image: Image.Image, strength: float = 0.35) -> Image.Image:
    """Darken the corners a little, so that the eye stays inside."""
    mask = Image.radial_gradient("L").point(
        [255 - round(255 * strength * max(0.0, (d - 90) / 165) ** 1.6) for d in range(256)]
    )
    big = mask.resize(image.size, Image.Resampling.BICUBIC)
    return ImageChops.multiply(image, Image.merge("RGB", (big, big, big)))


def ridge(
    chance: random.Random, width: int, level: float, height: float, *, rough: float = 0.5, step: int = 3
) -> list[Point]:
    """A mountain's outline from left to right, by midpoint displacement around `level`."""
    count = 1
    while count * step < width:
        count *= 2
    heights = [0.0] * (count + 1)
    heights[0], heights[count] = chance.uniform(-1, 1), chance.uniform(-1, 1)
    span, size = count, 1.0
    while span > 1:
        half = span // 2
        for at in range(half, count, span):
            heights[at] = (heights[at - half] + heights[at + half]) / 2 + chance.uniform(-size, size)
        span, size = half, size * rough
    return [(at * step, level - value * height) for at, value in enumerate(heights)]


def waves(
    chance: random.Random, width: int, level: float, height: float, *, steep: float = 0.0, step: int = 6
) -> list[Point]:
    """A soft outline of a few slow sines; `steep` leans its crests to one side, as wind does."""
    parts = (
        (chance.uniform(0.5, 1.1), chance.uniform(0, 6.3), 1.0),
        (chance.uniform(1.3, 2.4), chance.uniform(0, 6.3), 0.4),
    )

    def wave(angle: float) -> float:
        return math.sin(angle + steep * math.sin(angle))

    return [
        (x, level - height * sum(size * wave(x / width * pace * 6.3 + start) for pace, start, size in parts))
        for x in range(0, width + step, step)
    ]


def below(size: Size, line: Sequence[Point]) -> Image.Image:
    """The mask of everything under `line`."""
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([(0, size[1]), *line, (size[0], size[1])], fill=255)
    return mask


def firs(
    draw: ImageDraw.ImageDraw,
    chance: random.Random,
    ground: Callable[[float], float],
    width: int,
    tall: float,
    colour: int | Colour,
) -> None:
    """A row of firs along `ground`, from left to right."""
    x = -tall * 0.2
    while x < width + tall * 0.2:
        height = tall * chance.uniform(0.45, 1.0)
        foot = ground(x) + tall * 0.1
        half = height * chance.uniform(0.13, 0.18)
        tiers = 5
        points: list[Point] = [(x, foot - height)]
        right: list[Point] = []
        for tier in range(1, tiers + 1):
            y = foot - height + height * tier / tiers
            reach = half * (tier / tiers) ** 0.85 * chance.uniform(0.8, 1.1)
            points.append((x - reach, y))
            points.append((x - reach * 0.45, y - height * 0.02))
            right.append((x + reach * 0.96, y))
            right.append((x + reach * 0.45, y - height * 0.02))
        draw.polygon([*points, *reversed(right)], fill=colour)
        x += height * chance.uniform(0.16, 0.34)


def birds(image: Image.Image, chance: random.Random, colour: Colour, centre: Point, count: int) -> None:
    """A loose flock, far away."""
    draw = ImageDraw.Draw(image)
    for _ in range(count):
        x, y = centre[0] + chance.gauss(0, image.width * 0.05), centre[1] + chance.gauss(0, image.height * 0.025)
        wing = image.width * chance.uniform(0.004, 0.008)
        lift = wing * chance.uniform(0.3, 0.7)
        draw.line(((x - wing, y - lift), (x, y), (x + wing, y - lift)), fill=colour, width=2, joint="curve")
