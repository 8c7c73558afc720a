"""What a decoder hands on, whichever it was."""

from dataclasses import dataclass

from PIL import Image

GROUND = (0x0A, 0x0C, 0x10)  # the wall's ground, docs/look: what shows through transparent pixels


@dataclass(frozen=True, slots=True)
class Decoded:
    """An upright RGB picture in sRGB, scaled down to what is needed, without metadata.

    `size`: the original's pixels, upright. `animated`: it is the first frame of several. `truncated`: its end is
    missing.
    """

    image: Image.Image
    size: tuple[int, int]
    animated: bool = False
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """How large a decoded picture has to be: `side` pixels on its longer side, or where `square`, on its shorter one,
    so that a square can be cut out of it."""

    side: int
    square: bool = False

    def longer(self, width: int, height: int) -> int:
        """The longer side in pixels of what a picture of this size has to be scaled to."""
        if not self.square:
            return self.side
        return self.side * max(width, height) // min(width, height) + 1
