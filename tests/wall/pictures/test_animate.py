"""A light animation of a heavy one."""

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.wall.pictures.samples import BLUE, GREEN, RED, encoded
from wall.errors import PictureError
from wall.pictures.animate import animate
from wall.pictures.measure import measure
from wall.pictures.records import MAX_FRAMES, Measured, RenderedImage
from wall.pictures.render import render


def _animation(kind: str, count: int, *, size: tuple[int, int] = (80, 60), duration: int = 100) -> bytes:
    colours = (RED, GREEN, BLUE)
    frames = [Image.new("RGB", size, tuple((c + number) % 256 for c in colours[number % 3])) for number in range(count)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=duration, loop=0)


def _animated(data: bytes) -> RenderedImage:
    file = io.BytesIO(data)
    return animate(file, measure(file))


def _frames(rendition: RenderedImage) -> tuple[list[int], list[tuple[int, ...]]]:
    """The milliseconds and the middle pixel of each frame."""
    with Image.open(io.BytesIO(rendition.data)) as image:
        durations: list[int] = []
        pixels: list[tuple[int, ...]] = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            pixel = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
            assert isinstance(pixel, tuple)
            durations.append(int(image.info["duration"]))
            pixels.append(pixel)
        return durations, pixels


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_every_kind_of_animation_becomes_a_webp_that_moves_as_it_did(kind: str) -> None:
    rendition = _animated(_animation(kind, 3, duration=120))
    assert (rendition.role, rendition.type, rendition.width, rendition.height) == ("animated-640", "image/webp", 80, 60)
    durations, pixels = _frames(rendition)
    assert durations == [120, 120, 120]
    for pixel, colour in zip(pixels, (RED, GREEN, BLUE), strict=True):
        assert all(abs(a - b) < 25 for a, b in zip(pixel, colour, strict=True))


def test_a_long_one_keeps_its_time_in_fewer_frames() -> None:
    durations, _ = _frames(_animated(_animation("GIF", 150, duration=50)))
    assert len(durations) <= MAX_FRAMES
    assert sum(durations) == 150 * 50


def test_frames_that_claim_no_time_get_what_browsers_give_them() -> None:
    durations, _ = _frames(_animated(_animation("GIF", 4, duration=0)))
    assert sum(durations) == 400


def test_it_is_no_larger_than_640_and_never_enlarged() -> None:
    assert _animated(_animation("GIF", 2, size=(1600, 400))).width == 640
    assert _animated(_animation("GIF", 2, size=(40, 30))).width == 40


def test_a_huge_canvas_is_refused() -> None:
    with pytest.raises(PictureError) as caught:
        animate(io.BytesIO(), Measured(type="image/gif", width=6000, height=6000))
    assert caught.value.code == "frames"


def test_the_role_is_left_out_where_nothing_moves(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(encoded(Image.new("RGB", (40, 40), RED), "GIF"))
    assert [one.role for one in render(path, ("thumbnail-320", "animated-640")).renditions] == ["thumbnail-320"]
    path.write_bytes(_animation("GIF", 3))
    assert [one.role for one in render(path, ("animated-640",)).renditions] == ["animated-640"]
