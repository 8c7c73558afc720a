"""Vectors: what the author's own JavaScript (thumbhash 0.1.1) gives for the same pixels."""

import base64

import pytest

from wall.pictures.thumbhash import thumbhash


def _pixels(width: int, height: int) -> bytes:
    return bytes(
        value
        for y in range(height)
        for x in range(width)
        for value in (x * 255 // width, y * 255 // height, (x * 7 + y * 13) % 256)
    )


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (32, 24, "3wcKPZpwh3eBdndYh2eXiINwB/iH"),
        (24, 32, "n/cJNRpwd3B4iHZYlpZ4eJGABvd4"),
        (100, 3, "m1cKMZpwZpNxd3eHoYAH+Ic="),
        (1, 1, "AAgCBwAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ],
)
def test_a_hash_is_the_one_that_the_reference_gives(width: int, height: int, expected: str) -> None:
    assert base64.b64encode(thumbhash(width, height, _pixels(width, height))).decode() == expected


@pytest.mark.parametrize(("width", "height", "data"), [(101, 1, b"\0" * 303), (0, 1, b""), (2, 2, b"\0" * 11)])
def test_a_wrong_size_is_refused(width: int, height: int, data: bytes) -> None:
    with pytest.raises(ValueError, match="100"):
        thumbhash(width, height, data)
