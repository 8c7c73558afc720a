"""Every hostile and odd input has the outcome that docs/limits.md states, and the next picture never feels it."""

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.wall.pictures.hostile.inputs import INPUTS, Input
from tests.wall.pictures.samples import encoded, quarters
from wall.errors import PictureError
from wall.pictures.footage import FileFootage
from wall.pictures.records import Filmed, Rendered
from wall.pictures.sniff import HEAD, is_video, recognise
from wall.pictures.studio import PictureStudio
from wall.posts import Role

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[4]
ROLES: tuple[Role, ...] = ("thumbnail-320", "thumbnail-640")


def _head(path: Path) -> tuple[bytes, int]:
    data = path.read_bytes()
    return data[:HEAD], len(data)


async def _look(studio: PictureStudio, path: Path) -> Rendered | Filmed:
    """As ingest does."""
    head, length = _head(path)
    if is_video(recognise(head)):
        return await studio.film(FileFootage(path, length), (*ROLES, "poster"))
    return await studio.render(path, ROLES)


@pytest.mark.parametrize("hostile", INPUTS, ids=lambda one: one.name)
async def test_each_input_has_its_documented_outcome_and_the_next_picture_is_made(
    studio: PictureStudio, tmp_path: Path, hostile: Input
) -> None:
    bad, good = tmp_path / "bad", tmp_path / "good"
    bad.write_bytes(hostile.build())
    good.write_bytes(encoded(quarters(), "JPEG"))
    found: str | None = None
    try:
        rendered = await _look(studio, bad)
    except PictureError as error:
        assert str(error).endswith(".")
        found = error.code
    else:
        for rendition in rendered.renditions:
            assert Image.open(io.BytesIO(rendition.data)).format == "WEBP"
            assert b"secret" not in rendition.data
        if isinstance(rendered, Rendered):
            assert rendered.truncated == ("flagged" in hostile.outcome)
    assert found in hostile.codes
    assert (await studio.render(good, ROLES)).width == 80


async def test_no_input_needed_its_worker_killed(studio: PictureStudio) -> None:
    """Each was refused or shown by a worker that went on; what would hang or crash one is in test_studio.

    Only who asks for more than a poster is worth is cut off, since its worker still waits for an answer.
    """
    assert studio.killed == sum(one.codes == ("reads",) for one in INPUTS)


def test_the_document_has_each_input_with_its_outcome_and_no_other() -> None:
    page = (ROOT / "docs" / "limits.md").read_text()
    table = page[page.index("## Hostile and odd pictures and videos") :].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith(("| input", "| ---"))]
    assert rows == [one.row() for one in INPUTS]


def test_no_input_is_there_twice() -> None:
    assert len({one.name for one in INPUTS}) == len(INPUTS)
