"""The page's types (web/ui/src) say exactly what the API's models answer: the same names, nothing optional."""

import re
from pathlib import Path
from types import NoneType
from typing import get_args

import pytest
from pydantic import BaseModel

from web.console.answers import (
    ActionAnswer,
    AuthorAnswer,
    HealthAnswer,
    MediaAnswer,
    PostAnswer,
    PostsAnswer,
    RenditionAnswer,
    SearchAnswer,
    SimilarAnswer,
    StateAnswer,
    StoryAnswer,
    WallAnswer,
)
from web.console.guests import GuestsAnswer

_SOURCE = Path(__file__).parents[3] / "web" / "ui" / "src"
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_FIELD = re.compile(r"readonly (\w+)(\??): ((?:\{[^}]*\}|[^;{])+);")
_MODELS: dict[str, type[BaseModel]] = {
    "Wall": WallAnswer,
    "Guests": GuestsAnswer,
    "Part": HealthAnswer,
    "Overview": StateAnswer,
    "Search": SearchAnswer,
    "Post": PostAnswer,
    "Similar": SimilarAnswer,
    "PostPage": PostsAnswer,
    "Action": ActionAnswer,
    "Story": StoryAnswer,
    "Media": MediaAnswer,
    "Rendition": RenditionAnswer,
}


def _interfaces() -> dict[str, dict[str, tuple[bool, bool]]]:
    """Of each interface its fields, and of these whether they may be null or absent."""
    text = "".join((_SOURCE / name).read_text() for name in ("console/types.ts", "media.ts"))
    found: dict[str, dict[str, tuple[bool, bool]]] = {}
    for name, body in re.findall(r"^export interface (\w+) \{\n(.*?)^\}", _COMMENT.sub("", text), re.M | re.DOTALL):
        found[name] = _fields(body)
    return found


def _fields(body: str) -> dict[str, tuple[bool, bool]]:
    return {
        name: ("null" in re.sub(r"\{.*\}", "", kind), bool(optional)) for name, optional, kind in _FIELD.findall(body)
    }


def _answered(model: type[BaseModel]) -> dict[str, tuple[bool, bool]]:
    return {name: (NoneType in get_args(field.annotation), False) for name, field in model.model_fields.items()}


def test_every_type_of_the_page_is_compared() -> None:
    assert _interfaces().keys() == _MODELS.keys()


@pytest.mark.parametrize("name", _MODELS)
def test_the_page_expects_what_the_api_answers(name: str) -> None:
    assert _interfaces()[name] == _answered(_MODELS[name])


def test_the_page_expects_an_author_as_the_api_answers_it() -> None:
    found = re.search(r"readonly author: \{(.*?)\};", (_SOURCE / "console" / "types.ts").read_text())
    assert found is not None
    assert _fields(f"{found[1]};") == _answered(AuthorAnswer)
