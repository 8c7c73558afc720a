"""What a demo picture shows: chosen from its seed, described in words, before anything is drawn."""

import random
from dataclasses import dataclass
from enum import StrEnum


class Subject(StrEnum):
    MOUNTAINS = "mountains"
    DUNES = "dunes"
    SEA = "sea"
    AURORA = "aurora"
    CITY = "city"
    STARS = "stars"
    LEAVES = "leaves"
    SHAPES = "shapes"


# shapes of real cameras and phones, the usual ones more often; pixels
_SIZES: tuple[tuple[int, int], ...] = (
    (1280, 853), (1280, 853), (1280, 960), (1280, 720), (853, 1280), (960, 1280), (1024, 1280), (1080, 1080),
    (1600, 720),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One picture to draw. `mood` picks a palette of the subject; `words` describe it for people who can't see it."""

    seed: str
    subject: Subject
    width: int
    height: int
    mood: int
    words: str


_WORDS: dict[Subject, tuple[str, ...]] = {
    Subject.MOUNTAINS: (
        "Misty mountain ridges, one behind another, at first light",
        "Blue ridges fading into haze below a pale sky",
        "Mountain layers in rose and violet after sunset",
        "Forested hills in morning fog",
    ),
    Subject.DUNES: (
        "Sand dunes with long shadows in the late afternoon",
        "Rose-coloured dunes under a clear evening sky",
        "Golden desert with a low sun",
        "Desert dunes in moonlight",
    ),
    Subject.SEA: (
        "The sun sets over a calm sea and draws a path of light on it",
        "A full moon over a dark sea",
        "Pastel evening over quiet water",
        "A red sun low above the waves",
    ),
    Subject.AURORA: (
        "Green northern lights above dark hills",
        "Violet and green curtains of northern lights over a lake",
        "Teal aurora over snowy ridges",
        "A band of northern lights among the stars",
    ),
    Subject.CITY: (
        "A city skyline at dusk with lit windows",
        "Skyscrapers against an orange evening",
        "A night skyline under a violet sky",
        "City towers in blue haze at the hour before dark",
    ),
    Subject.STARS: (
        "The Milky Way above a row of dark firs",
        "A starry sky over silent hills",
        "Countless stars in a deep blue night",
        "A meteor crosses a violet night sky",
    ),
    Subject.LEAVES: (
        "Overlapping leaves on warm paper",
        "A branch with dark green leaves",
        "Pressed leaves in terracotta and sage",
        "Pale grasses against deep green",
    ),
    Subject.SHAPES: (
        "Arches and circles in terracotta, sand and ink",
        "Overlapping discs in soft colours",
        "A composition of quarter circles on a grid",
        "Calm waves of colour, like cut paper",
    ),
}  # fmt: skip


def scene(seed: str) -> Scene:
    """The picture that `seed` stands for: always the same one. `seed` names its subject when it ends in one."""
    chance = random.Random(seed)  # noqa: S311 - a picture's shape, not a secret
    named = [one for one in Subject if seed.endswith(f"/{one}")]
    subject = (named or [chance.choice(tuple(Subject))])[0]
    width, height = chance.choice(_SIZES)
    mood = chance.randrange(4)
    return Scene(seed=seed, subject=subject, width=width, height=height, mood=mood, words=_WORDS[subject][mood])
