"""A perceptual hash: 63 bits that hardly change when a picture is scaled, compressed or brightened.

The cosine transform of 32 × 32 grey pixels; of its 8 × 8 lowest waves each but the first, which is the brightness of
the whole, gives a bit: whether it is above their median (C. Zauner, "Implementation and Benchmarking of Perceptual
Image Hash Functions", 2010). Two pictures within a few bits (wall/catalogue/likeness.py) are worth a look by a
person, and no more than that.
"""

import math
from operator import mul
from statistics import median

from PIL import Image

_SIDE = 32
_KEPT = 8
_FLAT = 3.0  # steps of grey around the mean: a sky, a sheet of paper; their hashes are noise and match each other
_WAVES = [[math.cos(math.pi / _SIDE * wave * (at + 0.5)) for at in range(_SIDE)] for wave in range(_KEPT)]


def phash(picture: Image.Image) -> int | None:
    """The hash, a number below 2^63, which every database keeps; None for a picture without any shape in it."""
    grey = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0).tobytes()
    mean = sum(grey) / len(grey)
    if sum(map(mul, grey, grey)) / len(grey) - mean * mean < _FLAT**2:
        return None
    rows = [grey[at : at + _SIDE] for at in range(0, _SIDE * _SIDE, _SIDE)]
    sums = [[sum(map(mul, row, wave)) for row in rows] for wave in _WAVES]
    terms = [sum(map(mul, column, wave)) for column in sums for wave in _WAVES][1:]
    middle = median(terms)
    bits = 0
    for term in terms:
        bits = bits << 1 | (term > middle)
    return bits
