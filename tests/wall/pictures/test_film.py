"""A video's poster, size and duration, out of a few ranges of it."""

import io
from collections.abc import Callable

import pytest
from PIL import Image

from tests.wall.pictures.films import box, film, turned
from tests.wall.pictures.samples import BLUE, GREEN, RED, WHITE, quarters
from wall.errors import PictureError
from wall.pictures import film as subject
from wall.pictures.ranges import RangeFile
from wall.pictures.records import MAX_VIDEO_READ, MAX_VIDEO_READS, Filmed
from wall.posts import Role

ROLES: tuple[Role, ...] = ("thumbnail-320", "poster")
Pixel = tuple[int, int, int]


class _Reads:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ranges: list[tuple[int, int]] = []

    def __call__(self, start: int, length: int) -> bytes:
        self.ranges.append((start, length))
        return self.data[start : start + length]


def _film(data: bytes) -> Filmed:
    return subject.film(RangeFile(len(data), _Reads(data)), ROLES)


def _poster(filmed: Filmed) -> Image.Image:
    return Image.open(io.BytesIO(filmed.renditions[1].data)).convert("RGB")


def _at(image: Image.Image, x: float, y: float) -> Pixel:
    value = image.getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(value, tuple)
    return value[0], value[1], value[2]


def _near(found: Pixel, expected: Pixel) -> bool:
    return all(abs(a - b) <= 40 for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("kind", "codec", "expected", "served"),
    [
        ("mp4", "libx264", "video/mp4", "video/mp4"),
        ("mov", "libx264", "video/quicktime", "video/mp4"),
        ("webm", "libvpx", "video/webm", "video/webm"),
        ("webm", "libvpx-vp9", "video/webm", "video/webm"),
    ],
)
def test_a_video_gives_stills_its_size_and_its_duration(kind: str, codec: str, expected: str, served: str) -> None:
    filmed = _film(film(kind, codec, seconds=3))
    assert (filmed.type, filmed.served, filmed.width, filmed.height) == (expected, served, 160, 120)
    assert filmed.duration == pytest.approx(3, abs=0.2)
    assert [(one.role, one.type) for one in filmed.renditions] == [(role, "image/webp") for role in ROLES]
    assert filmed.thumbhash
    assert filmed.phash is not None
    poster = _poster(filmed)
    for place, colour in (((0.25, 0.25), RED), ((0.75, 0.25), GREEN), ((0.25, 0.75), BLUE), ((0.75, 0.75), WHITE)):
        assert _near(_at(poster, *place), colour)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_poster_stands_as_a_player_would_show_it(degrees: int) -> None:
    lying = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}[degrees]
    filmed = _film(turned(film(image=quarters((160, 120)).transpose(lying)), degrees))
    assert (filmed.width, filmed.height) == (160, 120)
    poster = _poster(filmed)
    assert _near(_at(poster, 0.25, 0.25), RED)
    assert _near(_at(poster, 0.75, 0.25), GREEN)


def test_a_dark_beginning_is_not_the_poster() -> None:
    assert _near(_at(_poster(_film(film(seconds=4, dark=0.8))), 0.25, 0.25), RED)


def test_a_moment_is_enough() -> None:
    filmed = _film(film(seconds=0.2))
    assert filmed.duration == pytest.approx(0.2, abs=0.1)
    assert _near(_at(_poster(filmed), 0.25, 0.25), RED)


@pytest.mark.parametrize("index_first", [True, False])
def test_a_large_video_is_not_read_whole(index_first: bool) -> None:
    whole = film(seconds=30, image=Image.effect_noise((640, 480), 90).convert("RGB"), index_first=index_first)
    data = whole + box(b"free", bytes(20 * 2**20))
    reads = _Reads(data)
    subject.film(RangeFile(len(data), reads), ROLES)
    assert len(reads.ranges) < MAX_VIDEO_READS / 2
    assert sum(length for _, length in reads.ranges) < MAX_VIDEO_READ / 4


def test_where_it_was_taken_is_found_to_be_blanked() -> None:
    data = film("mov", place="+47.3769+008.5417/")
    [blank] = _film(data).blanks
    assert b"+47.3769" in data[blank.start : blank.start + blank.length]
    blanked = data[: blank.start] + blank.head.ljust(blank.length, b"\0") + data[blank.start + blank.length :]
    filmed = _film(blanked)
    assert filmed.blanks == ()
    assert filmed.duration == _film(data).duration


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (lambda: film(codec="libx265"), "codec", "Most Compatible"),
        (lambda: film(codec="mpeg4"), "codec", "Browsers play H.264"),
        (lambda: film(pixels="yuv444p"), "codec", "yuv444p"),
        (lambda: film()[: len(film()) // 2], "damaged", "damaged"),
        (lambda: b"\xff\xd8\xff\xe0picture", "type", "picture"),
    ],
)
def test_what_browsers_dont_play_is_refused_with_a_reason(data: Callable[[], bytes], code: str, words: str) -> None:
    with pytest.raises(PictureError, match=words) as caught:
        _film(data())
    assert caught.value.code == code
