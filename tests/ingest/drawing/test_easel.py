import io

import pytest
from PIL import Image, ImageStat

from ingest.drawing.easel import paint, paint_avatar
from ingest.drawing.scenes import Subject, scene


@pytest.mark.parametrize("subject", list(Subject))
def test_every_mood_of_every_subject_is_a_picture_worth_looking_at(subject: Subject) -> None:
    moods: set[int] = set()
    for number in range(40):
        seed = f"{number}/{subject.value}"
        what = scene(seed)
        if what.mood in moods:
            continue
        moods.add(what.mood)
        with Image.open(io.BytesIO(paint(seed))) as image:
            assert image.format == "JPEG"
            assert image.size == (what.width, what.height)
            assert what.subject == subject
            # neither empty nor black
            spread = ImageStat.Stat(image.convert("L")).stddev[0]
            assert spread > 6, seed
    assert moods == {0, 1, 2, 3}


def test_the_same_seed_is_the_same_picture_and_another_is_not() -> None:
    assert paint("a/sea") == paint("a/sea")
    assert paint("a/sea") != paint("b/sea")
    assert paint_avatar("@ada") == paint_avatar("@ada")


def test_all_shapes_occur_and_all_scenes_are_described() -> None:
    scenes = [scene(str(number)) for number in range(400)]
    assert {one.subject for one in scenes} == set(Subject)
    shapes = {(one.width > one.height) - (one.width < one.height) for one in scenes}
    assert shapes == {-1, 0, 1}
    assert all(len(one.words) > 15 for one in scenes)
