"""Northern lights, starry skies and cities after sunset."""

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ingest.drawing import brushes
from ingest.drawing.brushes import Colour, mix, rgb
from ingest.drawing.landscapes import stars
from ingest.drawing.scenes import Scene

# (sky above, sky at the horizon, curtain below, curtain above)
_AURORAS = (
    ("#030812", "#0c2a33", "#5dffab", "#1b8f8a"),
    ("#070616", "#1d1d48", "#6dffb8", "#9a4fe0"),
    ("#03101a", "#0e3a4a", "#59f0dc", "#2d6fd0"),
    ("#05070f", "#14243c", "#a6ff9a", "#d0509a"),
)
_SKIES = (
    ("#050a18", "#1b2c4e", "#7d8fd0", "#f0c9a0"),
    ("#040914", "#12324a", "#6f9ac0", "#d8c8b8"),
    ("#030716", "#0f2358", "#5f7fe0", "#b8c8ff"),
    ("#0d0720", "#3a2158", "#a070d8", "#f0a8b8"),
)
# (sky above, middle, horizon, towers far, towers near)
_CITIES = (
    ("#1b2a52", "#6b5f92", "#f0a07c", "#6a6690", "#0e1428"),
    ("#40315f", "#c86a60", "#ffc077", "#9a6070", "#1c1220"),
    ("#0b0a20", "#33235c", "#8a4a8c", "#3c2c62", "#080714"),
    ("#2a4a78", "#7f9fc0", "#e6d2c0", "#6f88a8", "#101c30"),
)
_LAMPS: tuple[Colour, ...] = ((255, 214, 140), (255, 190, 110), (255, 232, 190), (214, 230, 255))


def aurora(what: Scene, chance: random.Random) -> Image.Image:
    size = (what.width, what.height)
    above, low, green, violet = map(rgb, _AURORAS[what.mood])
    image = brushes.gradient(size, ((0, above), (0.72, low), (1, low)))
    stars(image, chance, 420)
    for number in range(chance.randint(2, 3)):
        _curtain(image, chance, green, violet, strength=1.0 - 0.25 * number)
    lake = what.mood in (1, 2) or chance.random() < 0.3
    shore = 0.74 if lake else 0.86
    line = brushes.ridge(chance, what.width, what.height * shore, what.height * 0.07)
    far = brushes.ridge(chance, what.width, what.height * (shore - 0.03), what.height * 0.1, rough=0.52)
    image.paste(mix(low, above, 0.35), mask=brushes.below(size, far))
    if lake:
        _mirror(image, round(what.height * (shore + 0.02)), mix(above, low, 0.3))
    mask = brushes.below(size, line)
    if lake:
        mask.paste(0, (0, round(what.height * (shore + 0.02)), what.width, what.height))
    step = line[1][0]
    brushes.firs(
        ImageDraw.Draw(mask),
        chance,
        lambda x: min(what.height * (shore + 0.01), line[min(len(line) - 1, max(0, round(x / step)))][1]),
        what.width,
        what.height * 0.06,
        255,
    )
    image.paste(mix(above, (0, 0, 0), 0.35), mask=mask)
    return image


def _curtain(image: Image.Image, chance: random.Random, low: Colour, high: Colour, *, strength: float) -> None:
    """A waving band of rays: bright at its lower edge, fading upwards. Painted small and enlarged, light is soft."""
    width, height = image.width // 3, image.height // 3
    rays = list(brushes.noise(chance, (width, 1), 70, 1).tobytes())
    slow = list(brushes.noise(chance, (width, 1), 6, 1).tobytes())
    fade = Image.new("L", (1, 64))
    fade.putdata([round(255 * (t / 63) ** 1.7 * (1 if t < 58 else (63 - t) / 5)) for t in range(64)])
    mask = Image.new("L", (width, height))
    base = height * chance.uniform(0.42, 0.62)
    pace, start, tilt = chance.uniform(0.7, 1.5), chance.uniform(0, 6.3), chance.uniform(-0.25, 0.25)
    for x in range(width):
        place = x / width
        foot = base + height * (
            0.11 * math.sin(place * pace * 6.3 + start) + 0.035 * math.sin(place * 17 + start) + tilt * (place - 0.5)
        )
        tall = max(4, round(height * (0.22 + 0.3 * slow[x] / 255)))
        power = (0.25 + 0.75 * rays[x] / 255) * (0.2 + 0.8 * slow[x] / 255) * strength
        mask.paste(round(255 * power), (x, round(foot) - tall), fade.resize((1, tall)))
    mask = mask.filter(ImageFilter.GaussianBlur(1.6))
    wide = brushes.fade(mask.filter(ImageFilter.GaussianBlur(14)), 0.8)
    mask = ImageChops.add(mask, wide).resize(image.size, Image.Resampling.BICUBIC)
    top, foot = max(0.0, base / height - 0.5), min(1.0, base / height + 0.1)
    colours = brushes.gradient(
        image.size, ((0, high), (top, high), ((top + foot) / 2, mix(high, low, 0.6)), (foot, low), (1, low))
    )
    lit = Image.new("RGB", image.size)
    lit.paste(colours, mask=mask)
    image.paste(ImageChops.screen(image, lit))


def _mirror(image: Image.Image, level: int, dark: Colour) -> None:
    """Still water from `level` down: what is above, upside down, blurred and darker."""
    depth = image.height - level
    upper = image.crop((0, max(0, level - depth), image.width, level)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    small = upper.resize((max(1, image.width // 5), max(1, depth // 10)), Image.Resampling.BILINEAR)
    water = small.resize((image.width, depth), Image.Resampling.BICUBIC)
    image.paste(
        Image.composite(Image.new("RGB", water.size, dark), water, brushes.ramp(water.size, 80, 170)), (0, level)
    )


def starry(what: Scene, chance: random.Random) -> Image.Image:
    size = (what.width, what.height)
    above, low, violet, warm = map(rgb, _SKIES[what.mood])
    image = brushes.gradient(size, ((0, above), (0.8, low), (1, mix(low, warm, 0.25))))
    _milky_way(image, chance, violet, warm)
    stars(image, chance, 1100)
    if what.mood == 3 or chance.random() < 0.2:
        _meteor(image, chance)
    line = brushes.ridge(chance, what.width, what.height * 0.93, what.height * 0.05)
    far = brushes.ridge(chance, what.width, what.height * 0.86, what.height * 0.06)
    image.paste(mix(above, low, 0.45), mask=brushes.below(size, far))
    mask = brushes.below(size, line)
    step = line[1][0]
    tall = what.height * (0.24 if what.mood == 0 else 0.1)
    brushes.firs(
        ImageDraw.Draw(mask),
        chance,
        lambda x: line[min(len(line) - 1, max(0, round(x / step)))][1],
        what.width,
        tall,
        255,
    )
    image.paste(mix(above, (0, 0, 0), 0.5), mask=mask)
    return image


def _milky_way(image: Image.Image, chance: random.Random, violet: Colour, warm: Colour) -> None:
    width, height = image.width // 3, image.height // 3
    longer = int(math.hypot(width, height)) + 2
    band = Image.new("L", (1, longer))
    spread = min(width, height) * 0.19
    band.putdata([round(255 * math.exp(-(((y - longer / 2) / spread) ** 2))) for y in range(longer)])
    angle = chance.choice((-1, 1)) * chance.uniform(28, 62)
    mask = band.resize((longer, longer)).rotate(angle, Image.Resampling.BILINEAR)
    left, top = (longer - width) // 2, (longer - height) // 2
    mask = mask.crop((left, top, left + width, top + height))
    dust = brushes.curve(brushes.clouds(chance, (width, height), 6, 6, octaves=5), 70, 200)
    glow = ImageChops.multiply(mask, dust)
    core = ImageChops.multiply(glow, brushes.curve(brushes.clouds(chance, (width, height), 9, 9, octaves=5), 110, 220))
    for part, colour, power in ((glow, violet, 0.55), (core, warm, 0.6)):
        lit = Image.new("RGB", image.size)
        lit.paste(
            colour,
            mask=brushes.fade(part, power).resize(image.size, Image.Resampling.BICUBIC),
        )
        image.paste(ImageChops.screen(image, lit))


def _meteor(image: Image.Image, chance: random.Random) -> None:
    x, y = image.width * chance.uniform(0.25, 0.75), image.height * chance.uniform(0.12, 0.4)
    long, lean = image.width * chance.uniform(0.12, 0.2), chance.uniform(0.35, 0.7)
    draw = ImageDraw.Draw(image)
    for step in range(40):
        t = step / 40
        size = max(0.6, image.width / 600 * t)
        at = (x - long * (1 - t), y - long * lean * (1 - t))
        draw.ellipse(
            (at[0] - size, at[1] - size, at[0] + size, at[1] + size), fill=mix((60, 70, 120), (255, 255, 255), t * t)
        )
        if step < 39:
            nxt = (at[0] + long / 40, at[1] + long * lean / 40)
            draw.line((at, nxt), fill=mix((50, 55, 95), (255, 255, 255), t * t), width=max(1, round(size)))
    brushes.shine(image, (x, y), image.width // 50, (220, 230, 255), falloff=2.5, strength=0.9)


def city(what: Scene, chance: random.Random) -> Image.Image:
    size = (what.width, what.height)
    above, middle, low, far, near = map(rgb, _CITIES[what.mood])
    water = chance.random() < 0.65
    ground = round(what.height * (0.76 if water else 1.0))
    image = brushes.gradient(size, ((0, above), (0.4, middle), (0.74, low), (1, low)))
    if what.mood in (0, 2):
        stars(image, chance, 150, 0.5)
    clouds = brushes.curve(brushes.clouds(chance, (what.width, ground), 3, 8), 115, 225, top=110)
    image.paste(mix(low, (255, 255, 255), 0.15), (0, 0), clouds)
    spot = (what.width * chance.uniform(0.2, 0.8), ground * 0.9)
    brushes.shine(image, spot, int(max(size) * 0.5), low, falloff=2.2, strength=0.5)
    lamps = Image.new("RGB", size)
    for layer in range(3):
        part = layer / 2
        _towers(image, lamps, chance, ground, mix(far, near, part**0.8), part, low)
    glow = lamps.resize((what.width // 4, what.height // 4)).filter(ImageFilter.GaussianBlur(3))
    lit = ImageChops.add(lamps, glow.resize(size, Image.Resampling.BICUBIC))
    image = ImageChops.screen(image, lit)
    if water:
        _mirror(image, ground, mix(above, near, 0.6))
        mask = Image.new("L", size)
        draw = ImageDraw.Draw(mask)
        for _ in range(260):
            t = chance.random()
            y, x = ground + 2 + t * (what.height - ground), chance.random() * what.width
            draw.ellipse((x, y, x + what.width * (0.01 + 0.05 * t), y + 1 + 3 * t), fill=chance.randint(20, 70))
        image.paste(mix(above, near, 0.5), mask=mask)
    return image


def _towers(
    image: Image.Image,
    lamps: Image.Image,
    chance: random.Random,
    ground: int,
    colour: Colour,
    part: float,
    haze: Colour,
) -> None:
    draw, windows = ImageDraw.Draw(image), ImageDraw.Draw(lamps)
    unit = min(image.width, image.height) / 100
    peak = image.width * chance.uniform(0.3, 0.7)
    x = -unit * 4
    while x < image.width:
        wide = unit * chance.uniform(4.5, 10) * (0.75 + 0.5 * part)
        centre = math.exp(-(((x - peak) / (image.width * 0.28)) ** 2))
        tall = ground * (0.1 + (0.4 - 0.17 * part) * (0.25 + 0.75 * centre) * chance.uniform(0.35, 1.15))
        left, top, right = round(x), round(ground - tall), round(x + wide)
        tint = mix(colour, haze, chance.uniform(0, 0.1) * (1 - part))
        windows.rectangle((left, top, right, ground), fill=(0, 0, 0))  # a nearer house hides the lamps behind it
        draw.rectangle((left, top, right, ground), fill=tint)
        _roof(draw, windows, chance, (left, top, right), unit, tint)
        _windows(windows, chance, (left, top, right, ground), unit, part)
        x += wide * chance.uniform(0.75, 1.12)


def _roof(
    draw: ImageDraw.ImageDraw,
    lamps: ImageDraw.ImageDraw,
    chance: random.Random,
    box: tuple[int, int, int],
    unit: float,
    tint: Colour,
) -> None:
    left, top, right = box
    kind, middle = chance.random(), (left + right) / 2
    if kind < 0.16:
        draw.polygon(((left, top), (middle, top - unit * 4), (right, top)), fill=tint)
        draw.line((middle, top - unit * 9, middle, top - unit * 3), fill=tint, width=max(1, round(unit * 0.25)))
    elif kind < 0.42:
        inset = (right - left) * 0.2
        draw.rectangle((left + inset, top - unit * 2.6, right - inset, top), fill=tint)
        draw.line((middle, top - unit * 7, middle, top - unit * 2), fill=tint, width=max(1, round(unit * 0.22)))
        if kind < 0.28:
            lamps.ellipse(
                (middle - unit * 0.3, top - unit * 7.3, middle + unit * 0.3, top - unit * 6.7), fill=(255, 70, 60)
            )
    elif kind < 0.55:
        draw.polygon(((left, top), (right, top - unit * 3.5), (right, top)), fill=tint)


def _windows(
    lamps: ImageDraw.ImageDraw, chance: random.Random, box: tuple[int, int, int, int], unit: float, part: float
) -> None:
    left, top, right, ground = box
    across, down = unit * (0.85 + 0.35 * part), unit * (1.25 + 0.35 * part)
    share, warm = chance.uniform(0.12, 0.5), chance.choice(_LAMPS)
    power = 0.4 + 0.6 * part
    y = top + down
    while y < ground - down:
        x = left + across * 0.7
        while x < right - across * 0.9:
            if chance.random() < share:
                colour = mix((0, 0, 0), chance.choice((warm, warm, *_LAMPS)), power * chance.uniform(0.45, 1.0))
                lamps.rectangle((x, y, x + across * 0.45, y + down * 0.42), fill=colour)
            x += across
        y += down
