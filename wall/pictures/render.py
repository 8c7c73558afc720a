"""From a file to its renditions, with Pillow; runs inside a worker process and nowhere else.

Decode as small as the largest rendition allows, then orientation, sRGB, flatten on the wall's ground, scale down in a
cascade, encode without any metadata. Only the first frame of an animation is decoded.
"""

import base64
import hashlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from PIL import AvifImagePlugin, Image, ImageCms, ImageFile

from wall.errors import PictureError
from wall.pictures.records import ROLE_SIZES, Measured, Rendered, RenderedImage
from wall.pictures.sniff import check_size, measure
from wall.pictures.thumbhash import thumbhash
from wall.posts import Role

GROUND = (0x0A, 0x0C, 0x10)  # the wall's ground, docs/look: what shows through transparent pixels
QUALITY = 76  # WebP: no visible loss at thumbnail size; 320 px are 10 to 20 kB
_HASH_SIDE = 32  # pixels: a ThumbHash keeps 7 waves a side, more pixels only cost time
_PILLOW = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
}
# EXIF orientation to the turn that undoes it
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_SRGB = ImageCms.createProfile("sRGB")

Image.MAX_IMAGE_PIXELS = None  # our own limits are stricter and come first
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # one picture may not take every core


def render(path: Path, roles: Sequence[Role]) -> Rendered:
    """Make `roles` of the picture at `path`. Raises PictureError, or OSError when the file can't be opened."""
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd metadata; the picture is what counts
        measured = measure(file)
        try:
            return _render(file, measured, roles)
        except MemoryError as error:
            raise PictureError("The picture needs more memory than one picture may have.", code="memory") from error


def _render(file: BinaryIO, measured: Measured, roles: Sequence[Role]) -> Rendered:
    largest = max((ROLE_SIZES[role] for role in roles), default=_HASH_SIDE)
    square = "avatar" in roles
    truncated = False
    try:
        picture, animated, size = _decode(file, measured, largest, square)
    except _Truncated:
        picture, animated, size = _decode_cut_short(file, measured, largest, square)
        truncated = True
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
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return Rendered(
        type=measured.type,
        width=size[0],
        height=size[1],
        bytes=file.tell(),
        sha256=digest.hexdigest(),
        thumbhash=blur,
        animated=animated,
        truncated=truncated,
        renditions=tuple(sorted(renditions, key=lambda one: list(roles).index(one.role))),
    )


class _Truncated(Exception):
    """A JPEG whose end is missing: worth another look with a decoder that forgives."""


def _decode_cut_short(
    file: BinaryIO, measured: Measured, largest: int, square: bool
) -> tuple[Image.Image, bool, tuple[int, int]]:
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        return _decode(file, measured, largest, square)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _decode(
    file: BinaryIO, measured: Measured, largest: int, square: bool
) -> tuple[Image.Image, bool, tuple[int, int]]:
    """An upright RGB picture in sRGB not much larger than `largest`, whether it moves, and its full size upright."""
    file.seek(0)
    try:
        with Image.open(file, formats=[_PILLOW[measured.type]]) as image:
            check_size(measured.type, *image.size)  # the decoder's own opinion counts as well
            size = image.size
            animated = bool(getattr(image, "is_animated", False))
            if animated:
                image.seek(0)
            turn = _orientation(image)
            profile = image.info.get("icc_profile")
            small = _shrink(image, largest, square)
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # a decoder may raise anything at all on a stranger's bytes
        if measured.type == "image/jpeg" and not ImageFile.LOAD_TRUNCATED_IMAGES and "truncated" in str(error):
            raise _Truncated from error
        raise _undecodable(error, measured) from error
    flat = _flatten(_to_srgb(small, profile))
    if turn in _TURNS:
        flat = flat.transpose(_TURNS[turn])
        if turn >= 5:
            size = (size[1], size[0])
    return flat, animated, size


def _undecodable(error: Exception, measured: Measured) -> PictureError:
    name = _PILLOW[measured.type].replace("WEBP", "WebP")
    if "truncated" in str(error) or isinstance(error, EOFError):
        return PictureError(f"The {name} picture is cut off: its end is missing.", code="truncated")
    return PictureError(f"The {name} picture is damaged and can't be decoded.", code="damaged")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata does not make a damaged picture
        return 1


def _shrink(image: Image.Image, largest: int, square: bool) -> Image.Image:
    """Decode and scale to `largest` on the longer side, or the shorter one where a square is cut out of it."""
    width, height = image.size
    side = largest if not square else largest * max(width, height) // min(width, height) + 1
    box = (side, side)
    if image.format == "JPEG":
        image.draft(None, box)  # a JPEG decodes at a half, a quarter or an eighth for less
    image.load()
    image = _full_depth(image)
    image.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return image


def _full_depth(image: Image.Image) -> Image.Image:
    """The same picture in a mode that scales well: L, LA, RGB, RGBA, CMYK or LAB."""
    if image.mode.startswith("I") or image.mode == "F":
        # 16 bits of grey: Pillow's own conversion would clip instead of scale
        deep = image.convert("I")
        return deep.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("P", "PA", "1") or "transparency" in image.info:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK", "LAB"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Through the picture's own colour profile, when it has one that makes sense; RGB or RGBA."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colour = image if alpha is None else image.convert(image.mode[:-1])
    if profile:
        colour = _through_profile(colour, profile)
    if colour.mode != "RGB":
        colour = colour.convert("RGB")
    if alpha is not None:
        colour.putalpha(alpha)
    return colour


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = str(cast("Any", source.profile).xcolor_space).strip()
        if image.mode == "L" and space == "RGB":
            image = image.convert("RGB")
        converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a broken profile: the numbers as they are, which is what browsers do
    return converted if converted is not None else image


def _flatten(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, GROUND)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


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
