import io
from pathlib import Path

import pytest
from PIL import Image, ImageCms, ImageDraw

from tests.photographs import TURNS
from tests.wall.pictures.hostile.inputs import heic
from tests.wall.pictures.samples import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    display_p3,
    encoded,
    p3_as_srgb,
    png_claiming,
    quarters,
    with_orientation,
)
from wall.errors import PictureError
from wall.pictures.decoded import GROUND
from wall.pictures.records import Rendered
from wall.pictures.render import render
from wall.posts import Role

Pixel = tuple[int, int, int]


def _render(tmp_path: Path, data: bytes, *roles: Role, name: str = "picture") -> Rendered:
    path = tmp_path / name
    path.write_bytes(data)
    return render(path, roles or ("thumbnail-320",))


def _picture(rendered: Rendered, place: int = 0) -> Image.Image:
    image = Image.open(io.BytesIO(rendered.renditions[place].data))
    image.load()
    return image


def _at(image: Image.Image, x: float, y: float) -> Pixel:
    """The pixel at a place given in parts of the sides."""
    value = image.convert("RGB").getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(value, tuple)
    return value[0], value[1], value[2]


def _near(found: Pixel, expected: Pixel, tolerance: int = 14) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_ends_upright(tmp_path: Path, orientation: int, kind: str) -> None:
    turn = TURNS[orientation]
    lying = quarters((160, 120)) if turn is None else quarters((160, 120)).transpose(turn)
    rendered = _render(tmp_path, with_orientation(lying, orientation, kind))
    image = _picture(rendered)
    assert (rendered.width, rendered.height) == (160, 120) == image.size
    assert _near(_at(image, 0.25, 0.25), RED)
    assert _near(_at(image, 0.75, 0.25), GREEN)
    assert _near(_at(image, 0.25, 0.75), BLUE)
    assert _near(_at(image, 0.75, 0.75), WHITE)


def test_thumbnails_keep_the_shape_and_come_in_the_asked_order(tmp_path: Path) -> None:
    rendered = _render(tmp_path, encoded(quarters((2000, 1000)), "JPEG"), "thumbnail-320", "thumbnail-640")
    assert [(one.role, one.width, one.height) for one in rendered.renditions] == [
        ("thumbnail-320", 320, 160),
        ("thumbnail-640", 640, 320),
    ]
    assert {one.type for one in rendered.renditions} == {"image/webp"}
    assert _picture(rendered).format == "WEBP"
    assert rendered.thumbhash
    assert len(rendered.sha256) == 64


@pytest.mark.parametrize("size", [(1, 1), (200, 100), (30_000, 1), (1, 900)])
def test_nothing_is_enlarged_and_no_side_vanishes(tmp_path: Path, size: tuple[int, int]) -> None:
    rendered = _render(tmp_path, encoded(Image.new("RGB", size, RED), "PNG"))
    one = rendered.renditions[0]
    assert (rendered.width, rendered.height) == size
    assert 1 <= one.width <= min(320, size[0])
    assert 1 <= one.height <= min(320, size[1])


def test_an_avatar_is_a_square_from_the_middle(tmp_path: Path) -> None:
    image = Image.new("RGB", (900, 300), RED)
    ImageDraw.Draw(image).rectangle((300, 0, 599, 299), fill=GREEN)
    rendered = _render(tmp_path, encoded(image, "PNG"), "avatar")
    avatar = _picture(rendered)
    assert avatar.size == (96, 96)
    assert _near(_at(avatar, 0.05, 0.5), GREEN)
    assert _near(_at(avatar, 0.95, 0.5), GREEN)


def test_no_metadata_survives(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8825)[2] = (47.0, 22.0, 0.0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(quarters(), "JPEG", exif=exif.tobytes(), icc_profile=profile, comment=b"secret")
    thumbnail = _render(tmp_path, data).renditions[0].data
    assert not {b"EXIF", b"ICCP", b"XMP "} & {thumbnail[at : at + 4] for at in range(len(thumbnail))}
    assert b"secret" not in thumbnail


def test_cmyk_becomes_the_colours_it_means(tmp_path: Path) -> None:
    image = _picture(_render(tmp_path, encoded(quarters().convert("CMYK"), "JPEG", quality=95)))
    assert _near(_at(image, 0.25, 0.25), RED, 20)
    assert _near(_at(image, 0.75, 0.75), WHITE, 20)


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    deep = Image.new("I;16", (40, 40), 32_768)
    image = _picture(_render(tmp_path, encoded(deep, "PNG")))
    assert _near(_at(image, 0.5, 0.5), (128, 128, 128), 4)


def test_a_palette_and_one_bit_come_out_in_colour(tmp_path: Path) -> None:
    palette = quarters().quantize(8)
    assert _near(_at(_picture(_render(tmp_path, encoded(palette, "PNG"))), 0.25, 0.25), RED)
    assert _near(_at(_picture(_render(tmp_path, encoded(palette, "GIF"))), 0.25, 0.75), BLUE)
    bits = Image.new("1", (40, 40), 1)
    assert _near(_at(_picture(_render(tmp_path, encoded(bits, "PNG"))), 0.5, 0.5), (255, 255, 255), 4)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF"])
def test_what_is_transparent_shows_the_walls_ground(tmp_path: Path, kind: str) -> None:
    image = Image.new("RGBA", (80, 80), (255, 255, 255, 0))
    ImageDraw.Draw(image).rectangle((40, 0, 80, 80), fill=(*RED, 255))
    found = _picture(_render(tmp_path, encoded(image, kind)))
    assert _near(_at(found, 0.2, 0.5), GROUND, 8)
    assert _near(_at(found, 0.8, 0.5), RED, 16)


def test_a_grey_picture_with_alpha_is_flattened(tmp_path: Path) -> None:
    found = _picture(_render(tmp_path, encoded(Image.new("LA", (40, 40), (200, 0)), "PNG")))
    assert _near(_at(found, 0.5, 0.5), GROUND, 4)


def test_a_wide_gamut_profile_changes_the_numbers_to_srgb(tmp_path: Path) -> None:
    wide = (120, 190, 110)
    found = _picture(_render(tmp_path, encoded(Image.new("RGB", (40, 40), wide), "PNG", icc_profile=display_p3())))
    expected = p3_as_srgb(wide)
    assert not _near(expected, wide, 12)
    assert _near(_at(found, 0.5, 0.5), expected, 4)


def test_a_broken_profile_is_passed_over(tmp_path: Path) -> None:
    found = _picture(_render(tmp_path, encoded(quarters(), "PNG", icc_profile=b"not a profile" * 20)))
    assert _near(_at(found, 0.25, 0.25), RED)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_of_an_animation_is_the_still(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in (RED, GREEN, BLUE)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, loop=0)
    rendered = _render(tmp_path, data)
    assert rendered.animated
    assert _near(_at(_picture(rendered), 0.5, 0.5), RED)


def test_a_still_picture_is_not_called_animated(tmp_path: Path) -> None:
    assert not _render(tmp_path, encoded(quarters(), "GIF")).animated


def test_a_jpeg_without_its_end_is_shown_and_flagged(tmp_path: Path) -> None:
    whole = encoded(quarters((800, 600)).effect_spread(3), "JPEG", quality=95)
    rendered = _render(tmp_path, whole[: len(whole) // 2])
    assert rendered.truncated
    assert _near(_at(_picture(rendered), 0.2, 0.1), RED)
    assert not _render(tmp_path, whole).truncated


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "AVIF"])
def test_others_without_their_end_are_refused(tmp_path: Path, kind: str) -> None:
    noisy = Image.effect_noise((300, 300), 80).convert("RGB")
    whole = encoded(noisy, kind)
    with pytest.raises(PictureError) as caught:
        _render(tmp_path, whole[: len(whole) // 2])
    assert caught.value.code in ("truncated", "damaged")


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [("a.jpg", "PNG", "image/png"), ("a.gif", "JPEG", "image/jpeg"), ("a", "WEBP", "image/webp")],
)
def test_the_bytes_count_and_not_the_name(tmp_path: Path, name: str, kind: str, expected: str) -> None:
    assert _render(tmp_path, encoded(quarters(), kind), name=name).type == expected


def test_pixels_that_are_no_pixels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError) as caught:
        _render(tmp_path, png_claiming(100, 100))
    assert caught.value.code in ("truncated", "damaged")


def test_a_decompression_bomb_is_refused_by_its_claim(tmp_path: Path) -> None:
    with pytest.raises(PictureError) as caught:
        _render(tmp_path, png_claiming(65_000, 65_000, data=b"\0" * 1_000_000))
    assert caught.value.code == "side"


def test_in_a_heic_the_containers_rotation_counts_and_exif_does_not(tmp_path: Path) -> None:
    lying = quarters((160, 120)).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = heic(lying, exif=exif.tobytes())
    found = _render(tmp_path, turned)
    assert (found.type, found.width, found.height) == ("image/heic", 160, 120)
    assert _near(_at(_picture(found), 0.25, 0.25), RED, 30)
    # the same pixels and the same EXIF, but a container that turns nothing
    assert turned.count(b"irot") == 1
    place = turned.index(b"irot") + 4
    flat = _render(tmp_path, turned[:place] + b"\0" + turned[place + 1 :])
    assert (flat.width, flat.height) == (120, 160)
    assert _near(_at(_picture(flat), 0.25, 0.75), RED, 30)
