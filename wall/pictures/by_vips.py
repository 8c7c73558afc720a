"""Decoding with libvips, where it is there and the faster one, in worker processes only.

It declines (None) whatever is not plain, and Pillow then decides what becomes of it; so a refusal, and a picture that
is shown although its end is missing, come from one place. Which loaders may run is fixed here, besides
`VIPS_BLOCK_UNTRUSTED`: libvips picks its loader from the bytes, and several were never meant for strangers' files
(CVE-2026-66066).
"""

from typing import Any, cast

from PIL import Image

from wall.pictures.decoded import GROUND, Decoded, Need
from wall.pictures.measure import check_size
from wall.pictures.records import Measured, PictureType

# Processor time for 320 and 640 px of one photograph, libvips against Pillow: PNG 0.14 s to 0.17, WebP 0.12 to 0.16;
# but JPEG of 12 megapixels 0.12 to 0.08, GIF 0.12 to 0.11. AVIF took 2.8 GB against 1.7 (reference/media.md §0.8).
_LOADERS: dict[PictureType, tuple[str, str]] = {
    "image/png": ("VipsForeignLoadPng", "pngload_buffer"),
    "image/webp": ("VipsForeignLoadWebp", "webpload_buffer"),
}
# a keyword `fail_on` has no effect on `thumbnail_buffer`, only one in the loader's own options has
_OPTIONS = "[fail_on=error]"


def _load() -> Any:
    """The library with nothing allowed but our loaders, or None."""
    try:
        import pyvips
    except (ImportError, OSError):
        return None
    library = cast("Any", pyvips)
    library.cache_set_max(0)
    library.operation_block_set("VipsForeignLoad", True)
    for name, _ in _LOADERS.values():
        library.operation_block_set(name, False)
    return library


_vips = _load()


def is_there() -> bool:
    return _vips is not None


def forget() -> None:
    """Go on as where libvips is missing: for tests and figures of that case."""
    global _vips
    _vips = None


def decode(data: bytes, measured: Measured, need: Need) -> Decoded | None:
    """The picture in `data`, or None where this is not for libvips. Raises PictureError for an absurd size."""
    if _vips is None or measured.type not in _LOADERS or measured.moves:
        return None
    try:
        header = _vips.Image.new_from_buffer(data, "", access="sequential")
        if header.get("vips-loader") != _LOADERS[measured.type][1] or header.interpretation == "cmyk":
            return None
        width, height = header.width, header.height
        check_size(measured.type, width, height)  # the decoder's own opinion counts as well
        side = need.longer(width, height)
        small = _vips.Image.thumbnail_buffer(
            data, side, height=side, size="down", output_profile="srgb", option_string=_OPTIONS
        )
        image = _plain(small)
    except _vips.Error:
        return None
    if image is None:
        return None
    turned = header.get_typeof("orientation") != 0 and header.get("orientation") >= 5
    animated = header.get_typeof("n-pages") != 0 and header.get("n-pages") > 1
    return Decoded(image, (height, width) if turned else (width, height), animated=animated)


def _plain(small: Any) -> Image.Image | None:
    """Three bands of eight bits on the wall's ground."""
    if small.interpretation != "srgb":
        small = small.colourspace("srgb")
    if small.hasalpha():
        small = small.flatten(background=list(GROUND))
    if small.format != "uchar":
        small = small.cast("uchar")
    if small.bands != 3:
        return None
    return Image.frombytes("RGB", (small.width, small.height), small.write_to_memory())
