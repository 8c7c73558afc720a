"""Mountains, dunes and seas."""

import random
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

from ingest.drawing import brushes
from ingest.drawing.brushes import Colour, mix, rgb
from ingest.drawing.scenes import Scene


@dataclass(frozen=True, slots=True)
class _Light:
    """The colours of an hour: the sky from top to horizon, the haze far away, the nearest dark, and the sun."""

    sky: tuple[str, str, str]
    haze: str
    dark: str
    sun: str


_MOUNTAINS = (
    _Light(("#5f86ad", "#c9bfb4", "#f8d9b0"), "#efc9a4", "#1c2b3f", "#fff2d0"),
    _Light(("#8fb6d6", "#c6dcea", "#f1f3ee"), "#c9dbe6", "#16324a", "#ffffff"),
    _Light(("#2e2a5a", "#8a4f86", "#f29a86"), "#d98a94", "#1a1336", "#ffd9b8"),
    _Light(("#8fa79d", "#c5d1c6", "#eff0e2"), "#d8e0d3", "#12281f", "#fffbe8"),
)
_DUNES = (
    _Light(("#6fa3c7", "#b9d2da", "#f6e3c4"), "#f0c58e", "#8a4520", "#fff4d6"),
    _Light(("#6a5f9a", "#d79aa8", "#f9d2bd"), "#eab0a0", "#7a3348", "#ffe7d2"),
    _Light(("#d99a4e", "#f0c27a", "#fbe6b6"), "#efb763", "#703812", "#fffae0"),
    _Light(("#0c1830", "#24406a", "#5a7a9c"), "#5d7796", "#111c30", "#eef4ff"),
)
_SEAS = (
    _Light(("#2b3f6b", "#d97f6a", "#ffcf87"), "#f3a374", "#182338", "#fff0c4"),
    _Light(("#060d1f", "#142a4c", "#3a5a80"), "#37557a", "#050b18", "#f4f7ff"),
    _Light(("#8fa8d6", "#d9bfd8", "#ffdfcf"), "#e6c6cf", "#40527a", "#fff6e8"),
    _Light(("#3a1730", "#a8323e", "#f58a4b"), "#d9604a", "#1d0d1e", "#ffd9a0"),
)


def mountains(what: Scene, chance: random.Random) -> Image.Image:
    size = (what.width, what.height)
    hour = _MOUNTAINS[what.mood]
    top, middle, low = map(rgb, hour.sky)
    horizon = chance.uniform(0.42, 0.55)
    image = brushes.gradient(size, ((0, top), (horizon * 0.6, middle), (horizon + 0.08, low), (1, low)))
    sun = (what.width * chance.uniform(0.2, 0.8), what.height * (horizon - chance.uniform(0.05, 0.2)))
    brushes.shine(image, sun, int(max(size) * 0.45), mix(rgb(hour.sun), low, 0.3), falloff=2.4, strength=0.55)
    if what.mood != 3:
        brushes.disc(image, sun, min(size) * chance.uniform(0.026, 0.04), rgb(hour.sun))
    _streaks(image, chance, rgb(hour.sun), horizon)
    haze, dark = rgb(hour.haze), rgb(hour.dark)
    layers = chance.randint(6, 8)
    for layer in range(layers):
        part = layer / (layers - 1)
        level = what.height * (horizon + 0.02 + (1.0 - horizon) * 0.86 * part**1.25)
        height = what.height * (0.12 - 0.045 * part) * chance.uniform(0.8, 1.25)
        line = brushes.ridge(chance, what.width, level, height, rough=0.47 + 0.05 * part)
        mask = brushes.below(size, line)
        near = mix(haze, dark, part**1.15 * 0.95 + 0.06)
        if layer >= layers - 2:
            _plant(mask, chance, line, what.height * (0.035 if layer == layers - 2 else 0.085))
        start = min(0.95, max(0.0, (level - height) / what.height))
        # mist gathers at each ridge's foot
        foot = mix(near, haze, 0.62 * (1 - part) + 0.12)
        paint = brushes.gradient(size, ((0, near), (start, near), (min(1.0, start + 0.3), foot), (1, foot)))
        image.paste(paint, mask=mask)
    if chance.random() < 0.5:
        brushes.birds(image, chance, mix(dark, low, 0.25), (sun[0] + what.width * 0.1, sun[1]), chance.randint(4, 9))
    return image


def _plant(mask: Image.Image, chance: random.Random, line: list[brushes.Point], tall: float) -> None:
    step = line[1][0] - line[0][0]

    def ground(x: float) -> float:
        return line[min(len(line) - 1, max(0, round(x / step)))][1]

    brushes.firs(ImageDraw.Draw(mask), chance, ground, mask.width, tall, 255)


def _streaks(image: Image.Image, chance: random.Random, colour: Colour, horizon: float) -> None:
    """Thin clouds, drawn long by the wind."""
    high = max(8, int(image.height * horizon))
    size = (image.width, high)
    mask = brushes.curve(brushes.clouds(chance, size, 3, 9), 120, 235, top=120)
    mask = ImageChops.multiply(mask, brushes.ramp(size, 40, 255))
    image.paste(colour, (0, 0), mask)


def dunes(what: Scene, chance: random.Random) -> Image.Image:
    size = (what.width, what.height)
    hour = _DUNES[what.mood]
    top, middle, low = map(rgb, hour.sky)
    horizon = chance.uniform(0.36, 0.5)
    image = brushes.gradient(size, ((0, top), (horizon * 0.65, middle), (horizon, low), (1, low)))
    side = chance.choice((-1, 1))
    sun = (what.width * (0.5 + side * chance.uniform(0.15, 0.38)), what.height * horizon * chance.uniform(0.35, 0.75))
    brushes.shine(image, sun, int(max(size) * 0.5), rgb(hour.sun), falloff=3, strength=0.5)
    brushes.disc(image, sun, min(size) * chance.uniform(0.03, 0.05), rgb(hour.sun))
    haze, dark = rgb(hour.haze), rgb(hour.dark)
    layers = 5
    for layer in range(layers):
        part = layer / (layers - 1)
        level = what.height * (horizon + 0.03 + (0.9 - horizon) * part**1.2)
        line = brushes.waves(chance, what.width, level, what.height * (0.03 + 0.05 * part), steep=0.75 * side)
        mask = brushes.below(size, line)
        lit = mix(haze, dark, 0.1 + 0.4 * part)
        shade = mix(lit, dark, 0.5 + 0.15 * part)
        start = max(0.0, (level - what.height * 0.08) / what.height)
        image.paste(
            brushes.gradient(
                size,
                (
                    (0, mix(lit, rgb(hour.sun), 0.3)),
                    (start, mix(lit, rgb(hour.sun), 0.2)),
                    (min(1, start + 0.35), mix(lit, dark, 0.22)),
                    (1, mix(lit, dark, 0.35)),
                ),
            ),
            mask=mask,
        )
        _slip_face(image, chance, line, mask, shade, side)
    return image


def _slip_face(
    image: Image.Image, chance: random.Random, line: list[brushes.Point], mask: Image.Image, shade: Colour, side: int
) -> None:
    """The side that looks away from the sun: from the crest a winding edge runs down, and beyond it lies shadow."""
    inner = line[len(line) // 8 : -len(line) // 8]
    x, y = min(inner, key=lambda point: point[1])
    bend, lean = chance.uniform(0.25, 0.6), chance.uniform(0.35, 1.0)
    drop = image.height - y
    edge = [
        (x + side * drop * (lean * t**1.3 - bend * t * (1 - t) * (1 - 1.6 * t) * 3.2), y + drop * t)
        for t in (step / 24 for step in range(25))
    ]
    end = 0 if side > 0 else image.width
    half = (image.width // 2, image.height // 2)
    face = Image.new("L", half)
    outline = [(x, 0), *edge, (end, image.height), (end, 0)]
    ImageDraw.Draw(face).polygon([(at / 2, height / 2) for at, height in outline], fill=255)
    # the shadow thins out towards the next hollow, and towards the foot
    fall = Image.new("L", (16, 16))
    far, deep = max(1.0, image.width * 0.55), max(1.0, image.height * 0.42)
    fall.putdata(
        [
            max(
                0,
                round(
                    255
                    * (1 - _beyond(-side * (at % 16 / 15 * image.width - x) / far))
                    * (1 - 0.75 * _beyond((at // 16 / 15 * image.height - y) / deep))
                ),
            )
            for at in range(16 * 16)
        ]
    )
    face = ImageChops.multiply(face, fall.resize(half, Image.Resampling.BILINEAR)).resize(image.size)
    image.paste(shade, mask=ImageChops.multiply(face, mask))


def _beyond(part: float) -> float:
    return min(1.0, max(0.0, part))


def sea(what: Scene, chance: random.Random) -> Image.Image:
    size = (what.width, what.height)
    hour = _SEAS[what.mood]
    top, middle, low = map(rgb, hour.sky)
    horizon = chance.uniform(0.5, 0.64)
    level = round(what.height * horizon)
    image = brushes.gradient((what.width, level), ((0, top), (0.55, middle), (1, low)))
    _clouds(image, chance, hour)
    sun = (what.width * chance.uniform(0.25, 0.75), level - what.height * chance.uniform(0.04, 0.24))
    night = what.mood == 1
    if night:
        stars(image, chance, 260, 0.8)
    brushes.shine(image, sun, int(max(size) * 0.42), rgb(hour.sun), falloff=2.6, strength=0.45 if night else 0.6)
    radius = min(size) * chance.uniform(0.035, 0.06)
    brushes.disc(image, sun, radius, rgb(hour.sun))
    whole = Image.new("RGB", size)
    whole.paste(image)
    dark = rgb(hour.dark)
    depth = what.height - level
    mirror = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((max(1, what.width // 24), max(1, depth // 6)))
    water = mirror.resize((what.width, depth), Image.Resampling.BICUBIC)
    water = Image.composite(Image.new("RGB", water.size, dark), water, brushes.ramp(water.size, 70, 205))
    whole.paste(water, (0, level))
    _ripples(whole, chance, level, mix(low, dark, 0.35), dark)
    _path_of_light(whole, chance, level, sun[0], radius, rgb(hour.sun))
    _coast(whole, chance, level, mix(dark, rgb(hour.haze), 0.25))
    if chance.random() < 0.6 and not night:
        _boat(whole, chance, level, mix(dark, (0, 0, 0), 0.3))
    if chance.random() < 0.5 and not night:
        brushes.birds(
            whole, chance, mix(dark, low, 0.2), (sun[0] - what.width * 0.12, sun[1] - radius), chance.randint(3, 7)
        )
    return whole


def _clouds(image: Image.Image, chance: random.Random, hour: _Light) -> None:
    mask = brushes.curve(brushes.clouds(chance, image.size, 3, 8, octaves=5), 112, 215, top=170)
    mask = ImageChops.multiply(mask, brushes.ramp(image.size, 90, 255))
    top, low = rgb(hour.sky[0]), rgb(hour.sky[2])
    image.paste(brushes.gradient(image.size, ((0, mix(top, low, 0.25)), (1, mix(low, rgb(hour.sun), 0.4)))), mask=mask)


def _ripples(image: Image.Image, chance: random.Random, level: int, bright: Colour, dark: Colour) -> None:
    mask = Image.new("L", image.size)
    shadow = Image.new("L", image.size)
    lit, dim = ImageDraw.Draw(mask), ImageDraw.Draw(shadow)
    depth = image.height - level
    for _ in range(420):
        t = chance.random() ** 1.6
        y = level + 2 + t * depth
        long = image.width * (0.006 + 0.07 * t) * chance.uniform(0.5, 1.5)
        x = chance.uniform(-0.1, 1.0) * image.width
        draw = lit if chance.random() < 0.6 else dim
        thick = max(1.0, depth * 0.011 * t)
        draw.ellipse((x, y, x + long, y + thick), fill=chance.randint(20, 85))
    image.paste(bright, mask=mask)
    image.paste(mix(dark, (0, 0, 0), 0.3), mask=shadow)


def _path_of_light(
    image: Image.Image, chance: random.Random, level: int, x: float, radius: float, colour: Colour
) -> None:
    depth = image.height - level
    brushes.shine(image, (x, level), int(image.width * 0.16), colour, falloff=2.2, strength=0.3)
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    for _ in range(520):
        t = chance.random() ** 1.35
        y = level + 1 + t * depth * 0.96
        spread = radius * (0.75 + 3.2 * t)
        middle = x + chance.gauss(0, spread * 0.42)
        long = radius * (0.18 + 1.1 * t) * chance.uniform(0.3, 1.3)
        thick = max(1.2, depth * 0.012 * (0.15 + t))
        strength = round(235 * (1 - 0.72 * t) * chance.uniform(0.45, 1.0))
        draw.ellipse((middle - long, y, middle + long, y + thick), fill=strength)
    image.paste(colour, mask=mask)


def _coast(image: Image.Image, chance: random.Random, level: int, colour: Colour) -> None:
    """Sometimes land on one side of the horizon."""
    if chance.random() < 0.45:
        return
    reach = chance.uniform(0.22, 0.5) * image.width
    left = chance.random() < 0.5
    line = brushes.ridge(chance, int(reach), 0, 1.0, rough=0.45)
    points: list[brushes.Point] = []
    for at, y in line:
        part = min(1.0, at / reach)
        tall = image.height * 0.085 * (1 - part) * (0.75 + 0.25 * -y)
        points.append((at if left else image.width - at, level - max(0.0, tall)))
    ends = (0 if left else image.width, reach if left else image.width - reach)
    ImageDraw.Draw(image).polygon([(ends[0], level), *points, (ends[1], level)], fill=colour)


def _boat(image: Image.Image, chance: random.Random, level: int, colour: Colour) -> None:
    x, tall = image.width * chance.uniform(0.15, 0.85), image.height * chance.uniform(0.03, 0.055)
    draw = ImageDraw.Draw(image)
    foot = level + tall * 0.18
    draw.polygon(
        [
            (x - tall * 0.34, foot - tall * 0.12),
            (x + tall * 0.36, foot - tall * 0.12),
            (x + tall * 0.22, foot),
            (x - tall * 0.24, foot),
        ],
        fill=colour,
    )
    draw.polygon(
        [(x + tall * 0.02, foot - tall), (x + tall * 0.02, foot - tall * 0.17), (x + tall * 0.36, foot - tall * 0.17)],
        fill=colour,
    )
    draw.polygon(
        [
            (x - tall * 0.03, foot - tall * 0.86),
            (x - tall * 0.03, foot - tall * 0.17),
            (x - tall * 0.27, foot - tall * 0.17),
        ],
        fill=colour,
    )


def stars(image: Image.Image, chance: random.Random, count: int, brightness: float = 1.0) -> None:
    """Many faint ones, few bright ones, a little warm or cold."""
    draw = ImageDraw.Draw(image)
    tints = ((255, 255, 255), (214, 226, 255), (255, 238, 214))
    for _ in range(count):
        x, y = chance.random() * image.width, chance.random() * image.height
        power = chance.random() ** 3
        colour = mix((70, 80, 110), chance.choice(tints), min(1.0, brightness * (0.25 + power)))
        if power > 0.93:
            brushes.shine(image, (x, y), max(6, image.width // 130), (190, 205, 255), falloff=3, strength=0.7)
        size = 0.7 + power * image.width / 850
        draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)
