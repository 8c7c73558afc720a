"""Decoding with Pillow, and pillow-heif for HEIC: what libvips is not there for, or refuses.

Its answer is the one that counts: which picture is refused and why, and which is shown although its end is missing.
"""

import io
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from PIL import AvifImagePlugin, Image, ImageCms, ImageFile

from wall.errors import PictureError
from wall.pictures.decoded import GROUND, Decoded, Need
from wall.pictures.measure import check_size, name_of
from wall.pictures.records import Measured

_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/heic": "HEIF",
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


def decode(file: BinaryIO, measured: Measured, need: Need) -> Decoded:
    """The picture in `file`. Raises PictureError, or MemoryError when it needs more than the process may have."""
    try:
        return _decode(file, measured, need)
    except _Truncated:
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            found = _decode(file, measured, need)
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        return Decoded(found.image, found.size, animated=found.animated, truncated=True)


class _Truncated(Exception):
    """A JPEG whose end is missing: worth another look with a decoder that forgives."""


def _decode(file: BinaryIO, measured: Measured, need: Need) -> Decoded:
    with opened(file, measured) as image:
        size = image.size
        # a HEIC of several pictures is a burst or a panorama, no animation
        animated = measured.type != "image/heic" and bool(getattr(image, "is_animated", False))
        if animated:
            image.seek(0)
        turn = orientation(image, measured)
        profile = image.info.get("icc_profile")
        small = _shrink(image, need)
        flat = finished(small, profile, turn)
    if turn >= 5:
        size = (size[1], size[0])
    return Decoded(flat, size, animated=animated)


@contextmanager
def opened(file: BinaryIO, measured: Measured) -> Generator[Image.Image]:
    """The picture of `file`, as the decoder of its measured type sees it. What decoding raises becomes PictureError."""
    file.seek(0)
    if measured.type == "image/heic":
        _learn_heic()
    try:
        with Image.open(file, formats=[_FORMATS[measured.type]]) as image:
            check_size(measured.type, *image.size)  # the decoder's own opinion counts as well
            yield image
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # a decoder may raise anything at all on a stranger's bytes
        if measured.type == "image/jpeg" and not ImageFile.LOAD_TRUNCATED_IMAGES and "truncated" in str(error):
            raise _Truncated from error
        raise _undecodable(error, measured) from error


def finished(image: Image.Image, profile: bytes | None, turn: int) -> Image.Image:
    """In sRGB, without transparency, upright."""
    flat = _flatten(_to_srgb(image, profile))
    return flat.transpose(_TURNS[turn]) if turn in _TURNS else flat


def orientation(image: Image.Image, measured: Measured) -> int:
    """EXIF's number of the turn that is still to be undone.

    In HEIC and AVIF the container's own rotation counts and EXIF does not (ISO 23008-12, 6.5.10): pillow-heif has
    applied it already, Pillow's AVIF reader says it in EXIF's place.
    """
    if measured.type == "image/heic":
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata does not make a damaged picture
        return 1


def _learn_heic() -> None:
    """Teach Pillow HEIC, once; loaded only where a HEIC comes, since few do and it takes some 20 MB."""
    try:
        import pillow_heif
    except (ImportError, OSError) as error:
        raise PictureError("HEIC pictures can't be read here: pillow-heif is missing.", code="heic") from error
    library = cast("Any", pillow_heif)
    library.options.DECODE_THREADS = 1
    library.register_heif_opener(thumbnails=False)


def _undecodable(error: Exception, measured: Measured) -> PictureError:
    name = name_of(measured.type)
    if "truncated" in str(error) or isinstance(error, EOFError):
        return PictureError(f"The {name} picture is cut off: its end is missing.", code="truncated")
    return PictureError(f"The {name} picture is damaged and can't be decoded.", code="damaged")


def _shrink(image: Image.Image, need: Need) -> Image.Image:
    """Decode, and scale to what is needed."""
    side = need.longer(*image.size)
    box = (side, side)
    if image.format == "JPEG":
        image.draft(None, box)  # a JPEG decodes at a half, a quarter or an eighth for less
    image.load()
    small = full_depth(image)
    small.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return small


def full_depth(image: Image.Image) -> Image.Image:
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
