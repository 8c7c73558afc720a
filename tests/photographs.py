"""Real photographs, and what a viewer must see of them."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

FOLDER = Path(__file__).parent.parent / ".tools" / "photographs"
_ORIENTATION = 0x0112
# what turns an upright picture into the pixels that a camera stores with each EXIF orientation; None: as it is
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def photograph(name: str) -> Path:
    """A photograph by its file name, such as `china.jpg`."""
    found = sorted(FOLDER.rglob(name))
    assert found, f"{name} is not there; script/test-tools installs the packages that ship it"
    return found[0]


def turned(source: Path, orientation: int, target: Path) -> None:
    """Write `source` as a camera held that way would: the pixels turned, and EXIF saying how to turn them back."""
    with Image.open(source) as picture:
        upright = picture.convert("RGB")
    turn = TURNS[orientation]
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    stored.save(target, "JPEG", quality=95, exif=exif)


def colours(source: Path, columns: int = 8, rows: int = 8) -> list[tuple[int, int, int]]:
    """The upright picture's average colours in a grid, row by row."""
    with Image.open(source) as picture:
        return colours_of(ImageOps.exif_transpose(picture).convert("RGB"), columns, rows)


def colours_of(upright: Image.Image, columns: int = 8, rows: int = 8) -> list[tuple[int, int, int]]:
    """The same of a picture in memory."""
    small = upright.resize((columns, rows), Image.Resampling.BOX)
    red, green, blue = (band.tobytes() for band in small.split())
    return list(zip(red, green, blue, strict=True))


def difference(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> float:
    """The mean difference of two grids of colours, in steps of 0..255."""
    pairs = [(a, b) for left, right in zip(one, other, strict=True) for a, b in zip(left, right, strict=True)]
    return sum(abs(a - b) for a, b in pairs) / len(pairs)
