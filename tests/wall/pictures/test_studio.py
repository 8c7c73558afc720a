import asyncio
import os
from pathlib import Path

import pytest
import uvloop

from tests.wall.pictures.samples import encoded, png_claiming, quarters, scan_bomb
from wall.errors import FriezeError, PictureError, StudioBusy
from wall.pictures.studio import PictureStudio

pytestmark = pytest.mark.anyio

MISBEHAVING = "tests.wall.pictures.misbehaving"
ROLES = ("thumbnail-320", "thumbnail-640")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.jpg"
    path.write_bytes(encoded(quarters((1000, 500)), "JPEG"))
    return path


def _file(tmp_path: Path, name: str) -> Path:
    path = tmp_path / name
    path.write_bytes(encoded(quarters(), "PNG"))
    return path


async def _refusal(studio: PictureStudio, path: Path) -> PictureError:
    """What the studio says against a picture; where the machine was too busy to judge, once more."""
    for _ in range(30):
        try:
            await studio.render(path, ROLES)
        except PictureError as error:
            return error
        except StudioBusy:
            continue
    raise AssertionError("the picture was never refused")


async def test_a_picture_is_rendered_in_another_process(good: Path) -> None:
    async with PictureStudio(workers=1) as studio:
        rendered = await studio.render(good, ROLES)
    assert (rendered.type, rendered.width, rendered.height) == ("image/jpeg", 1000, 500)
    assert [(one.role, one.width, one.height) for one in rendered.renditions] == [
        ("thumbnail-320", 320, 160),
        ("thumbnail-640", 640, 320),
    ]
    assert all(one.data.startswith(b"RIFF") for one in rendered.renditions)


async def test_a_relative_path_is_found(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(good.parent)
    async with PictureStudio(workers=1) as studio:
        assert (await studio.render(Path(good.name), ROLES)).width == 1000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"<html><body>404</body></html>", "type"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "type"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "damaged"),
        (png_claiming(40_000, 2), "side"),
        (png_claiming(20_000, 20_000), "pixels"),
        (scan_bomb(), "scans"),
    ],
)
async def test_the_worker_survives_a_refused_picture(tmp_path: Path, good: Path, data: bytes, code: str) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(data)
    async with PictureStudio(workers=1) as studio:
        assert (await _refusal(studio, bad)).code == code
        assert (await studio.render(good, ROLES)).width == 1000
        assert studio.killed == 0


@pytest.mark.parametrize(("name", "code"), [("spins", "time"), ("crashes", "crash"), ("eats", "crash")])
async def test_a_picture_that_takes_its_worker_along_is_refused_and_the_next_goes_on(
    tmp_path: Path, good: Path, name: str, code: str
) -> None:
    async with PictureStudio(workers=1, seconds=2, module=MISBEHAVING) as studio:
        await studio.render(good, ROLES)
        assert (await _refusal(studio, _file(tmp_path, name))).code == code
        assert (await studio.render(good, ROLES)).width == 1000
        assert studio.killed >= 1


@pytest.mark.parametrize("name", ["sleeps", "is-killed", "babbles"])
async def test_trouble_that_is_not_the_pictures_can_be_tried_again(tmp_path: Path, good: Path, name: str) -> None:
    async with PictureStudio(workers=1, seconds=2, module=MISBEHAVING) as studio:
        await studio.render(good, ROLES)
        with pytest.raises(StudioBusy) as caught:
            await studio.render(_file(tmp_path, name), ROLES)
        assert caught.value.temporary
        assert (await studio.render(good, ROLES)).width == 1000


async def test_a_file_that_is_not_there_is_no_pictures_fault(tmp_path: Path) -> None:
    async with PictureStudio(workers=1) as studio:
        with pytest.raises(StudioBusy):
            await studio.render(tmp_path / "gone", ROLES)


async def test_a_full_waiting_room_turns_pictures_away(tmp_path: Path, good: Path) -> None:
    async with PictureStudio(workers=1, waiting=1, seconds=1, module=MISBEHAVING) as studio:
        await studio.render(good, ROLES)
        hanging = _file(tmp_path, "sleeps")
        results = await asyncio.gather(*(studio.render(hanging, ROLES) for _ in range(5)), return_exceptions=True)
        turned_away = [one for one in results if isinstance(one, StudioBusy) and "waiting" in str(one)]
        assert len(turned_away) == 3
        assert all(isinstance(one, FriezeError) and one.temporary for one in results)


async def test_a_worker_is_replaced_after_its_share_of_jobs(good: Path) -> None:
    async with PictureStudio(workers=1, jobs_per_worker=2) as studio:
        for _ in range(5):
            assert (await studio.render(good, ROLES)).width == 1000
        assert studio.killed == 0


async def test_a_cancelled_picture_frees_its_place(tmp_path: Path, good: Path) -> None:
    async with PictureStudio(workers=1, waiting=0, module=MISBEHAVING) as studio:
        await studio.render(good, ROLES)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await studio.render(_file(tmp_path, "sleeps"), ROLES)
        assert (await studio.render(good, ROLES)).width == 1000


async def test_closing_leaves_no_process(tmp_path: Path, good: Path) -> None:
    studio = PictureStudio(workers=2, module=MISBEHAVING)
    await asyncio.gather(studio.render(good, ROLES), studio.render(good, ROLES))
    hanging = asyncio.create_task(studio.render(_file(tmp_path, "sleeps"), ROLES))
    await asyncio.sleep(0)  # the task has begun; whether its worker has is no matter
    assert _children()
    await studio.close()
    with pytest.raises(StudioBusy):
        await hanging
    with pytest.raises(StudioBusy):
        await studio.render(good, ROLES)
    assert not _children()


def _children() -> list[str]:
    """Commands of our own child processes that are picture workers."""
    found: list[str] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            command = (status.parent / "cmdline").read_bytes().decode()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and "misbehaving" in command:
            found.append(command)
    return found


def test_it_works_on_uvloop_as_well(good: Path) -> None:
    async def once() -> int:
        async with PictureStudio(workers=1) as studio:
            return (await studio.render(good, ROLES)).width

    assert uvloop.run(once()) == 1000
