"""What an index may say, wherever it comes from."""

import json
from pathlib import Path
from typing import Any

import pytest

from frieze.archive.exporting import Export
from frieze.archive.index import read_index
from tests.fakes.bytes_behind import show_posts
from wall.catalogue import Catalogue
from wall.errors import SettingsError
from wall.store.disk import DiskStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: an index knows of no database."""
    return f"sqlite:{tmp_path / 'catalogue.db'}"


@pytest.fixture
async def index(catalogue: Catalogue, tmp_path: Path) -> Path:
    """That of a wall with one post."""
    store = DiskStore(tmp_path / "store")
    await store.start()
    await show_posts(catalogue, store, 1)
    await Export(catalogue, store, "main", tmp_path / "export").run()
    return tmp_path / "export" / "index.json"


def _said(index: Path) -> dict[str, Any]:
    return json.loads(index.read_text())


def _say(index: Path, fields: dict[str, Any]) -> None:
    index.write_text(json.dumps(fields))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"v": 2}, "version 2"),
        ({"kind": "holiday"}, "no index"),
        ({"posts": [{"key": "a"}]}, r"damaged: posts\.0"),
        ({"exported": "yesterday"}, "damaged: exported"),
    ],
)
async def test_an_index_that_makes_no_sense_is_refused_in_words(
    index: Path, change: dict[str, Any], sentence: str
) -> None:
    _say(index, _said(index) | change)
    with pytest.raises(SettingsError, match=sentence):
        read_index(index.parent)


@pytest.mark.parametrize(
    "change",
    [
        {"author": "a" * 201},
        {"handle": "a" * 201},
        {"text": "a" * 25_001},
        {"text": "a\0"},
        {"text": "\ud800"},
        {"url": "javascript:alert(1)"},
        {"url": "https://wall.example/" + "a" * 2_000},
        {"version": 10**30},
        {"created": "0001-01-01T00:00:00+14:00"},
        {"media.alt": "a" * 1_001},
        {"media.name": "a" * 256},
        {"media.focus": [float("nan"), 0]},
        {"media.focus": [5, 0]},
    ],
    ids=lambda change: " ".join(f"{name}={value!s:.20}" for name, value in change.items()),
)
async def test_a_post_that_no_source_could_have_found_is_refused(index: Path, change: dict[str, Any]) -> None:
    fields = _said(index)
    [post] = fields["posts"]
    for name, value in change.items():
        target, _, field = name.rpartition(".")
        (post["media"][0] if target else post)[field] = value
    _say(index, fields)
    with pytest.raises(SettingsError, match=r"damaged: posts\.0"):
        read_index(index.parent)


async def test_an_index_of_brackets_only_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("[" * 100_000)
    with pytest.raises(SettingsError, match="no JSON"):
        read_index(tmp_path)


async def test_an_index_names_nothing_outside_of_its_folder(index: Path) -> None:
    fields = _said(index)
    fields["posts"][0]["media"][0]["file"]["file"] = "media/../../secret.png"
    _say(index, fields)
    with pytest.raises(SettingsError, match="damaged"):
        read_index(index.parent)
