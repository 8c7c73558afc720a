import io

import pytest
from PIL import Image

from tests.wall.pictures.samples import chunk, encoded, png_claiming, quarters, scan_bomb
from wall.errors import PictureError
from wall.pictures.measure import measure


def _refusal(data: bytes) -> PictureError:
    with pytest.raises(PictureError) as caught:
        measure(io.BytesIO(data))
    return caught.value


@pytest.mark.parametrize(
    ("kind", "how", "expected"),
    [
        ("JPEG", {}, "image/jpeg"),
        ("JPEG", {"progressive": True}, "image/jpeg"),
        ("PNG", {}, "image/png"),
        ("GIF", {}, "image/gif"),
        ("WEBP", {}, "image/webp"),
        ("WEBP", {"lossless": True}, "image/webp"),
        ("WEBP", {"exif": b"Exif\0\0", "lossless": False}, "image/webp"),
        ("AVIF", {}, "image/avif"),
    ],
)
def test_type_and_size_come_from_the_bytes(kind: str, how: dict[str, object], expected: str) -> None:
    found = measure(io.BytesIO(encoded(quarters((82, 61)), kind, **how)))
    assert (found.type, found.width, found.height) == (expected, 82, 61)


def test_an_empty_file_is_refused() -> None:
    assert _refusal(b"").code == "empty"


@pytest.mark.parametrize(
    ("width", "height", "code"), [(30_001, 1, "side"), (1, 30_001, "side"), (10_001, 10_000, "pixels"), (0, 5, "size")]
)
def test_a_size_over_the_limits_is_refused_before_decoding(width: int, height: int, code: str) -> None:
    assert _refusal(png_claiming(width, height)).code == code


def test_the_limits_themselves_are_allowed() -> None:
    assert measure(io.BytesIO(png_claiming(30_000, 1))).width == 30_000
    assert measure(io.BytesIO(png_claiming(10_000, 10_000))).height == 10_000


def test_an_avif_has_a_lower_limit() -> None:
    data = bytearray(encoded(quarters(), "AVIF"))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = (9000).to_bytes(4, "big") + (9000).to_bytes(4, "big")
    assert _refusal(bytes(data)).code == "pixels"


def test_a_progressive_picture_with_too_many_scans_is_refused() -> None:
    assert _refusal(scan_bomb()).code == "scans"


def test_an_ordinary_progressive_picture_passes() -> None:
    assert measure(io.BytesIO(encoded(quarters(), "JPEG", progressive=True))).width == 80


def test_too_much_metadata_is_refused() -> None:
    heavy = b"".join(chunk(b"tEXt", b"k\0" + b"v" * (1 << 20)) for _ in range(17))
    assert _refusal(png_claiming(10, 10, before=heavy)).code == "metadata"


def test_too_many_chunks_are_refused() -> None:
    assert _refusal(png_claiming(10, 10, before=chunk(b"tEXt", b"k\0v") * 10_001)).code == "metadata"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
@pytest.mark.parametrize("cut", [3, 9, 13, 21])
def test_a_header_that_is_cut_off_is_refused_and_never_raises_anything_else(kind: str, cut: int) -> None:
    data = encoded(Image.new("RGB", (50, 50)), kind)
    head = data[:cut]
    try:
        found = measure(io.BytesIO(head))
    except PictureError as error:
        assert str(error).endswith(".")
    else:
        assert kind == "GIF", found  # a GIF's size stands in its first ten bytes
