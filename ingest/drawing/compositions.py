"""Leaves and geometry, as if cut from paper or printed."""

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ingest.drawing import brushes
from ingest.drawing.brushes import Colour, Point, Size, mix, rgb
from ingest.drawing.scenes import Scene

# the paper, then the inks
_LEAVES = (
    ("#f1e6d2", "#35524a", "#7a9a78", "#c98a55", "#dcb477"),
    ("#e9efe6", "#1e4237", "#2f6650", "#5c9270", "#123028"),
    ("#f4e3d3", "#b5573a", "#8fa283", "#d79a6c", "#5f7760"),
    ("#17362d", "#d9d8b4", "#9fb68c", "#e8c99a", "#6f9a84"),
)
_SHAPES = (
    ("#f2e4cf", "#c8623f", "#22344a", "#e0ac6a", "#7f9a92", "#a63f2d"),
    ("#f6efe6", "#e58f7b", "#6f9fc0", "#f2c879", "#8f7fb0", "#7fb09a"),
    ("#f3ead8", "#1f3b4d", "#d9553f", "#efb84f", "#5f8f8a", "#f0d9c0"),
    ("#0f2740", "#1f4f73", "#3f86a0", "#8fc0b8", "#f0d9a8", "#ef8f62"),
)


def leaves(what: Scene, chance: random.Random) -> Image.Image:
    size = (what.width, what.height)
    paper, *inks = map(rgb, _LEAVES[what.mood])
    image = _paper(size, chance, paper)
    longer = max(size)
    if chance.random() < 0.7:
        centre = (what.width * chance.uniform(0.3, 0.7), what.height * chance.uniform(0.3, 0.6))
        brushes.disc(image, centre, min(size) * chance.uniform(0.22, 0.34), mix(paper, inks[3], 0.4))
    stems = chance.randint(4, 6)
    for number in range(stems):
        ink = inks[number % len(inks)]
        root = (what.width * (number + chance.uniform(0.2, 0.8)) / stems, what.height * chance.uniform(1.0, 1.08))
        lean = chance.uniform(-0.55, 0.55)
        _stem(image, chance, root, lean, longer * chance.uniform(0.42, 0.72), ink, paper)
    return image


def _stem(
    image: Image.Image, chance: random.Random, root: Point, lean: float, long: float, ink: Colour, paper: Colour
) -> None:
    """A bent stem with leaves in pairs, lying on the paper with a soft shadow."""
    mask = Image.new("L", image.size)
    veins = Image.new("L", image.size)
    draw, lines = ImageDraw.Draw(mask), ImageDraw.Draw(veins)
    bend, x, y = chance.uniform(-0.9, 0.9), root[0], root[1]
    steps, direction = 26, -math.pi / 2 + lean
    slender, count = chance.uniform(0.22, 0.5), chance.choice((3, 4))
    path: list[Point] = [(x, y)]
    for step in range(steps):
        t = step / steps
        direction += bend / steps
        x += math.cos(direction) * long / steps
        y += math.sin(direction) * long / steps
        path.append((x, y))
        if step > 4 and step % count == 0:
            size = long * 0.24 * (1 - 0.55 * t) * chance.uniform(0.85, 1.1)
            for side in (-1, 1):
                angle = direction + side * (0.95 - 0.4 * t)
                _leaf(draw, lines, (x, y), angle, size, slender)
    _leaf(draw, lines, (x, y), direction, long * 0.13, slender)
    draw.line(path, fill=255, width=max(2, round(long / 130)), joint="curve")
    box = mask.getbbox()
    if box is None:
        return
    # only the part of the picture that the stem covers is worked on
    margin = 24
    left, top = max(0, box[0] - margin), max(0, box[1] - margin)
    right, bottom = min(image.width, box[2] + margin), min(image.height, box[3] + margin)
    area = (left, top, right, bottom)
    size = (right - left, bottom - top)
    cut = mask.crop(area)
    small = cut.resize((max(1, size[0] // 4), max(1, size[1] // 4))).filter(ImageFilter.GaussianBlur(3))
    shadow = brushes.fade(_moved(small, 3, 4), 0.28).resize(size)
    image.paste(mix(ink, (0, 0, 0), 0.75), area, shadow)
    image.paste(brushes.gradient(size, ((0, mix(ink, paper, 0.14)), (1, mix(ink, (0, 0, 0), 0.12)))), area, cut)
    image.paste(mix(ink, paper, 0.4), area, veins.crop(area))


def _leaf(
    draw: ImageDraw.ImageDraw, lines: ImageDraw.ImageDraw, foot: Point, angle: float, long: float, slender: float
) -> None:
    ahead, aside = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    left: list[Point] = []
    right: list[Point] = []
    for step in range(17):
        t = step / 16
        reach = long * slender * math.sin(math.pi * t**0.8) * 0.75
        x, y = foot[0] + ahead[0] * long * t, foot[1] + ahead[1] * long * t
        left.append((x + aside[0] * reach, y + aside[1] * reach))
        right.append((x - aside[0] * reach, y - aside[1] * reach))
    draw.polygon([*left, *reversed(right)], fill=255)
    tip = (foot[0] + ahead[0] * long * 0.92, foot[1] + ahead[1] * long * 0.92)
    lines.line((foot, tip), fill=190, width=max(1, round(long / 60)))


def shapes(what: Scene, chance: random.Random) -> Image.Image:
    size = (what.width, what.height)
    paper, *inks = map(rgb, _SHAPES[what.mood])
    draw = (_arches, _discs, _quarters, _paper_waves)[what.mood]
    return draw(size, chance, paper, inks)


def _arches(size: Size, chance: random.Random, paper: Colour, inks: list[Colour]) -> Image.Image:
    image = _paper(size, chance, paper)
    width, height = size
    floor = height * chance.uniform(0.8, 0.88)
    unit = min(size)
    sun = (width * chance.uniform(0.3, 0.7), height * chance.uniform(0.22, 0.36))
    _lay(image, _circle(size, sun, unit * chance.uniform(0.15, 0.2)), inks[0])
    count = max(2, round(width / unit * 2.4))
    for number in range(count):
        ink = chance.choice(inks[1:])
        middle = width * (number + 0.5) / count + chance.uniform(-0.04, 0.04) * width
        half, tall = unit * chance.uniform(0.11, 0.2), height * chance.uniform(0.22, 0.46)
        for ring in range(chance.randint(2, 4)):
            part = half * (1 - ring * 0.26)
            tone = ink if ring % 2 == 0 else mix(ink, paper, 0.62)
            mask = Image.new("L", size)
            draw = ImageDraw.Draw(mask)
            top = floor - tall + (half - part)
            draw.ellipse((middle - part, top, middle + part, top + 2 * part), fill=255)
            draw.rectangle((middle - part, top + part, middle + part, floor), fill=255)
            if ring == 0:
                _lay(image, mask, tone)
            else:
                image.paste(tone, mask=mask)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rectangle((0, floor, width, height), fill=255)
    _lay(image, mask, mix(inks[1], inks[4], 0.25))
    return image


def _discs(size: Size, chance: random.Random, paper: Colour, inks: list[Colour]) -> Image.Image:
    """Transparent inks: where two overlap, both show."""
    image = _paper(size, chance, paper)
    unit = min(size)
    chance.shuffle(inks)
    for number in range(chance.randint(6, 8)):
        radius = unit * chance.uniform(0.13, 0.34)
        centre = (size[0] * chance.uniform(0.08, 0.92), size[1] * chance.uniform(0.12, 0.88))
        ink = inks[number % len(inks)]
        mask = _circle(size, centre, radius)
        if number % 3 == 2:
            mask = ImageChops.subtract(mask, _circle(size, centre, radius * 0.62))
        sheet = Image.new("RGB", size, (255, 255, 255))
        sheet.paste(mix(ink, (255, 255, 255), 0.12), mask=mask)
        image = ImageChops.multiply(image, sheet)
    return image


def _quarters(size: Size, chance: random.Random, paper: Colour, inks: list[Colour]) -> Image.Image:
    across = max(3, round(size[0] / min(size) * 4))
    cell = math.ceil(size[0] / across)
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    for row in range(math.ceil(size[1] / cell)):
        for column in range(across):
            x, y = column * cell, row * cell
            ground, ink = chance.sample([paper, *inks], 2)
            draw.rectangle((x, y, x + cell, y + cell), fill=ground)
            kind = chance.random()
            cx, cy = chance.choice(((x, y), (x + cell, y), (x, y + cell), (x + cell, y + cell)))
            if kind < 0.62:
                corner = Image.new("RGB", (cell, cell), ground)
                pen = ImageDraw.Draw(corner)
                for part, tone in ((1.0, ink), *(((0.55, chance.choice(inks)),) if kind < 0.3 else ())):
                    reach = cell * part
                    pen.ellipse((cx - x - reach, cy - y - reach, cx - x + reach, cy - y + reach), fill=tone)
                image.paste(corner, (x, y))
            elif kind < 0.8:
                draw.ellipse((x + cell * 0.18, y + cell * 0.18, x + cell * 0.82, y + cell * 0.82), fill=ink)
            elif kind < 0.92:
                draw.polygon(((x, y), (x + cell, y), (cx, cy if cy != y else y + cell)), fill=ink)
    return ImageChops.multiply(image, _paper(size, chance, (255, 255, 255)))


def _paper_waves(size: Size, chance: random.Random, paper: Colour, inks: list[Colour]) -> Image.Image:
    image = brushes.gradient(size, ((0, mix(paper, inks[3], 0.2)), (1, paper)))
    moon = (size[0] * chance.uniform(0.25, 0.75), size[1] * chance.uniform(0.16, 0.28))
    _lay(image, _circle(size, moon, min(size) * 0.11), inks[3])
    colours = [inks[4], inks[3], inks[2], inks[1], inks[0], paper]
    if chance.random() < 0.5:
        colours = [inks[2], inks[1], inks[0], mix(inks[0], paper, 0.5), paper]
    for number, ink in enumerate(colours):
        level = size[1] * (0.38 + 0.6 * number / len(colours))
        line = brushes.waves(chance, size[0], level, size[1] * 0.06)
        _lay(image, brushes.below(size, line), ink)
    return image


def _circle(size: Size, centre: Point, radius: float) -> Image.Image:
    mask = Image.new("L", size)
    x, y = centre
    ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return mask


def _lay(image: Image.Image, mask: Image.Image, ink: Colour) -> None:
    """Put a cut paper on the picture: a soft shadow, then the paper."""
    small = mask.resize((max(1, image.width // 6), max(1, image.height // 6))).filter(ImageFilter.GaussianBlur(3))
    shadow = brushes.fade(_moved(small, 1, 2), 0.35).resize(image.size)
    image.paste(mix(ink, (20, 12, 16), 0.8), mask=shadow)
    image.paste(ink, mask=mask)


def _paper(size: Size, chance: random.Random, colour: Colour) -> Image.Image:
    """A sheet that is not quite even."""
    sheet = Image.new("RGB", size, colour)
    cast = brushes.fade(brushes.clouds(chance, size, 5, 5, octaves=2), 0.1)
    sheet.paste(mix(colour, (60, 40, 20), 0.5), mask=cast)
    return sheet


def _moved(mask: Image.Image, right: int, down: int) -> Image.Image:
    """A shifted mask; what leaves on one side does not come back on the other."""
    result = Image.new("L", mask.size)
    result.paste(mask, (right, down))
    return result
