"""Real photographs: the same one is near, another one is far."""

import io
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from tests.photographs import FOLDER
from wall.catalogue.likeness import NEAR, distance
from wall.pictures.phash import phash

NAMES = ("china.jpg", "flower.jpg", "astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "hubble_deep_field.jpg")


def _photographs() -> list[Path]:
    found = {path.name: path for path in sorted(FOLDER.rglob("*")) if path.name in NAMES}
    assert len(found) >= 4, "script/test-tools installs the photographs"
    return list(found.values())


def _picture(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _hash(image: Image.Image) -> int:
    found = phash(image)
    assert found is not None
    return found


def _compressed(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=35)
    return Image.open(buffer).convert("RGB")


@pytest.mark.parametrize("path", _photographs(), ids=lambda path: path.name)
def test_the_same_photograph_in_another_form_is_near(path: Path) -> None:
    picture = _picture(path)
    small = picture.copy()
    small.thumbnail((160, 160))
    for other in (
        _compressed(picture),
        small,
        picture.resize((picture.width, picture.height * 9 // 10)),
        ImageEnhance.Brightness(picture).enhance(1.1),
        picture.convert("L").convert("RGB"),
    ):
        assert distance(_hash(picture), _hash(other)) <= NEAR


def test_different_photographs_are_far() -> None:
    hashes = [_hash(_picture(path)) for path in _photographs()]
    assert min(distance(one, other) for one, other in combinations(hashes, 2)) > 2 * NEAR


@pytest.mark.parametrize("colour", ["black", "white", "teal"])
def test_a_picture_without_shape_has_no_hash(colour: str) -> None:
    assert phash(Image.new("RGB", (320, 200), colour)) is None


def test_a_hash_fits_into_every_databases_whole_number() -> None:
    assert all(0 <= _hash(_picture(path)) < 2**63 for path in _photographs())


@pytest.mark.parametrize("size", [(1, 300), (320, 1), (3, 3)])
def test_odd_sizes_have_a_hash_or_none(size: tuple[int, int]) -> None:
    phash(Image.effect_noise(size, 60).convert("RGB"))
