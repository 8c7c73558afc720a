"""ThumbHash, a picture in about 25 bytes, by Evan Wallace's published algorithm (evanw.github.io/thumbhash).

Only opaque pictures: Frieze flattens transparency before it hashes.
"""

import math

MAX_SIDE = 100  # pixels; the algorithm's own limit


def thumbhash(width: int, height: int, rgb: bytes) -> bytes:
    """The hash of a picture given as `width * height` RGB triples. Raises ValueError for a wrong size."""
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE) or len(rgb) != width * height * 3:
        raise ValueError("a ThumbHash is made of at most 100 × 100 RGB pixels")
    red, green, blue = rgb[0::3], rgb[1::3], rgb[2::3]
    light = [(r + g + b) / 765 for r, g, b in zip(red, green, blue, strict=True)]
    yellow = [(r + g) / 510 - b / 255 for r, g, b in zip(red, green, blue, strict=True)]
    ruddy = [(r - g) / 255 for r, g in zip(red, green, strict=True)]

    longest = max(width, height)
    across = max(1, _round(7 * width / longest))
    down = max(1, _round(7 * height / longest))
    l_dc, l_ac, l_scale = _channel(light, width, height, max(3, across), max(3, down))
    p_dc, p_ac, p_scale = _channel(yellow, width, height, 3, 3)
    q_dc, q_ac, q_scale = _channel(ruddy, width, height, 3, 3)

    landscape = width > height
    first = (
        _round(63 * l_dc)
        | _round(31.5 + 31.5 * p_dc) << 6
        | _round(31.5 + 31.5 * q_dc) << 12
        | _round(31 * l_scale) << 18
    )
    second = (down if landscape else across) | _round(63 * p_scale) << 3 | _round(63 * q_scale) << 9 | landscape << 15
    digits = [_round(15 * value) for values in (l_ac, p_ac, q_ac) for value in values]
    if len(digits) % 2:
        digits.append(0)
    packed = bytes(low | high << 4 for low, high in zip(digits[0::2], digits[1::2], strict=True))
    return first.to_bytes(3, "little") + second.to_bytes(2, "little") + packed


def _round(value: float) -> int:
    """Half goes up, as in the reference, which is JavaScript."""
    return math.floor(value + 0.5)


def _channel(values: list[float], width: int, height: int, nx: int, ny: int) -> tuple[float, list[float], float]:
    """The cosine transform's mean, its other terms brought to 0..1, and their scale."""
    columns = [[math.cos(math.pi / width * cx * (x + 0.5)) for x in range(width)] for cx in range(nx)]
    rows = [values[y * width : (y + 1) * width] for y in range(height)]
    # separable: each row against each horizontal wave once, then the columns of those sums
    sums = [[sum(map(float.__mul__, row, wave)) for row in rows] for wave in columns]
    mean, terms = 0.0, list[float]()
    for cy in range(ny):
        wave = [math.cos(math.pi / height * cy * (y + 0.5)) for y in range(height)]
        for cx in range(nx):
            if cx * ny >= nx * (ny - cy):
                break
            term = sum(map(float.__mul__, sums[cx], wave)) / (width * height)
            if cx or cy:
                terms.append(term)
            else:
                mean = term
    scale = max(map(abs, terms), default=0.0)
    if scale:
        terms = [0.5 + 0.5 / scale * term for term in terms]
    return mean, terms, scale
