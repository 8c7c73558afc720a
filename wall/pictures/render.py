"""From a picture's file to its renditions; runs inside a worker process and nowhere else.

Decode as small as the largest rendition allows (libvips, else Pillow), then orientation, sRGB, flatten on the wall's
ground, scale down in a cascade, encode without any metadata. Stills show the first frame of an animation.
"""

import base64
import hashlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from wall.errors import PictureError
from wall.pictures import by_pillow, by_vips
from wall.pictures.animate import animate
from wall.pictures.decoded import Decoded, Need
from wall.pictures.measure import measure
from wall.pictures.phash import phash
from wall.pictures.records import ROLE_SIZES, Measured, Rendered, RenderedImage
from wall.pictures.thumbhash import thumbhash
from wall.posts import Role

QUALITY = 76  # WebP: no visible loss at thumbnail size; 320 px are 10 to 20 kB
_HASH_SIDE = 32  # pixels: a ThumbHash keeps 7 waves a side, more pixels only cost time


@dataclass(frozen=True, slots=True)
class Stills:
    """Renditions of one image, and the two hashes of the smallest."""

    renditions: tuple[RenderedImage, ...]
    thumbhash: str
    phash: int | None


def render(path: Path, roles: Sequence[Role]) -> Rendered:
    """Make `roles` of the picture at `path`; `animated-640` is left out where nothing moves.

    Raises PictureError, or OSError when the file can't be opened.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd metadata; the picture is what counts
        measured = measure(file)
        try:
            return _render(file, measured, roles)
        except MemoryError as error:
            raise PictureError("The picture needs more memory than one picture may have.", code="memory") from error


def _render(file: BinaryIO, measured: Measured, roles: Sequence[Role]) -> Rendered:
    still_roles: list[Role] = [role for role in roles if role != "animated-640"]
    need = Need(max((ROLE_SIZES[role] for role in still_roles), default=_HASH_SIDE), "avatar" in roles)
    file.seek(0)
    whole = file.read()
    decoded = _decode(file, whole, measured, need)
    stills = make_stills(decoded.image, still_roles)
    renditions = list(stills.renditions)
    if "animated-640" in roles and decoded.animated:
        renditions.append(animate(file, measured))
    return Rendered(
        type=measured.type,
        width=decoded.size[0],
        height=decoded.size[1],
        bytes=len(whole),
        sha256=hashlib.sha256(whole).hexdigest(),
        thumbhash=stills.thumbhash,
        phash=stills.phash,
        animated=decoded.animated,
        truncated=decoded.truncated,
        renditions=tuple(sorted(renditions, key=lambda one: list(roles).index(one.role))),
    )


def _decode(file: BinaryIO, whole: bytes, measured: Measured, need: Need) -> Decoded:
    return by_vips.decode(whole, measured, need) or by_pillow.decode(file, measured, need)


def make_stills(picture: Image.Image, roles: Sequence[Role]) -> Stills:
    """The renditions `roles` of an upright RGB picture, largest first, each made of the one before."""
    renditions: list[RenderedImage] = []
    source = picture
    for role in sorted(roles, key=lambda role: -ROLE_SIZES[role]):
        if role == "avatar":
            small = _square(picture, ROLE_SIZES[role])
        else:
            small = source = _scale(source, ROLE_SIZES[role])
        renditions.append(_encode(role, small))
    tiny = _scale(source, _HASH_SIDE)
    blur = base64.b64encode(thumbhash(*tiny.size, tiny.tobytes())).decode()
    return Stills(tuple(renditions), blur, phash(source))


def _scale(image: Image.Image, side: int) -> Image.Image:
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return small


def _square(image: Image.Image, side: int) -> Image.Image:
    width, height = image.size
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    cut = image.crop((left, top, left + edge, top + edge))
    return _scale(cut, side)


def _encode(role: Role, image: Image.Image) -> RenderedImage:
    bare = Image.new("RGB", image.size)  # a new picture has no metadata that the encoder could copy
    bare.paste(image)
    buffer = io.BytesIO()
    bare.save(buffer, "WEBP", quality=QUALITY, method=4)
    return RenderedImage(role=role, width=bare.width, height=bare.height, type="image/webp", data=buffer.getvalue())
