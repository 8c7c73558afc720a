"""`frieze store serve` as its users start it."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.fakes.store_service import TOKEN
from tests.fakes.waiting import until
from tests.processes import Frieze, frieze, run
from wall.errors import StoreError
from wall.store import open_store
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio


def _settings(folder: Path, port: int = 0, **more: str) -> dict[str, str]:
    return {
        "FRIEZE_DATA": str(folder / "data"),
        "FRIEZE_STORE_URL": f"disk:{folder / 'store'}",
        "FRIEZE_STORE_TOKEN": TOKEN,
        "FRIEZE_PORT": str(port),
        **more,
    }


def _files(folder: Path) -> list[str]:
    return [path.name for path in (folder / "store").rglob("*") if path.is_file()]


def _url(service: Frieze) -> str:
    return "http://" + service.until_log(r"the store is served.*?(127\.0\.0\.1:\d+)")[1]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"FRIEZE_STORE_TOKEN": ""}, "FRIEZE_STORE_TOKEN"),
        ({"FRIEZE_STORE_TOKEN": "short"}, "FRIEZE_STORE_TOKEN"),
        ({"FRIEZE_STORE_URL": "http://other:8080"}, "FRIEZE_STORE_URL"),
        ({"FRIEZE_STORE_COLLECTIONS": "disk:/srv/a,nonsense"}, "names no collection"),
        ({"FRIEZE_STORE_COLLECTIONS": "swift://host/photos?auth=v1"}, "FRIEZE_STORE_OTHER_USER"),
        ({"FRIEZE_STORE_URL": "disk:/srv/store", "FRIEZE_STORE_COLLECTIONS": "disk:/srv/store"}, "own store"),
    ],
)
def test_it_refuses_to_start_without_a_token_or_a_store_of_its_own(
    tmp_path: Path, changed: dict[str, str], named: str
) -> None:
    done = run("store", "serve", settings={**_settings(tmp_path), **changed}, check=False)
    assert done.returncode == 1
    assert named in done.stderr


async def test_other_parts_use_it_by_its_address_and_check_says_so(tmp_path: Path) -> None:
    with frieze("store", "serve", settings=_settings(tmp_path), folder=tmp_path) as service:
        url = _url(service)
        done = run("check", settings=_settings(tmp_path, FRIEZE_STORE_URL=url), check=False)
        [line] = [line for line in done.stdout.splitlines() if line.split()[1:2] == ["store"]]
        assert line.startswith("ok")
        assert "wrote, read and deleted" in line
        alive = run("alive", "store", settings=_settings(tmp_path, int(url.rpartition(":")[2])))
        assert "Ready" in alive.stdout
        assert service.stop() == 0


async def test_collections_are_imported_through_it_where_it_names_them(tmp_path: Path) -> None:
    """The part that imports knows no user and needs no way to the place."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "private").mkdir()
    named, unnamed = f"disk:{tmp_path / 'photos'}", f"disk:{tmp_path / 'private'}"
    serving = _settings(tmp_path, FRIEZE_STORE_COLLECTIONS=f"{named}, disk:{tmp_path / 'more'}")
    with frieze("store", "serve", settings=serving, folder=tmp_path) as service:
        settings = _settings(tmp_path, FRIEZE_STORE_URL=_url(service))
        refused = run("store", "import", unnamed, "--wall", "main", settings=settings, check=False)
        assert refused.returncode == 1
        assert "name it in FRIEZE_STORE_COLLECTIONS there" in refused.stderr
        assert run("store", "collections", settings=settings).stdout == "None yet.\n", "nothing is remembered"
        done = run("store", "import", named, "--wall", "main", settings=settings)
        assert "0 pictures and videos there" in done.stdout
        absent = run("store", "import", f"disk:{tmp_path / 'more'}", "--wall", "main", settings=settings, check=False)
        assert "There is no folder" in absent.stderr
        said = run("check", settings=settings, check=False).stdout
        [line] = [line for line in said.splitlines() if line.split()[1:2] == ["collections"]]
        assert "1 answer, read in place." in line


async def test_an_upload_under_way_when_it_stops_leaves_nothing(tmp_path: Path) -> None:
    with frieze("store", "serve", settings=_settings(tmp_path), folder=tmp_path) as service:
        store = await open_store(_url(service), None, TOKEN)

        async def stalls() -> AsyncIterator[bytes]:
            yield b"x" * 100_000
            await until(lambda: _files(tmp_path), "the first bytes")
            service.process.send_signal(signal.SIGTERM)
            await anyio.sleep(60)

        with pytest.raises(StoreError):
            await store.put(new_key(), 200_000, "image/png", stalls())
        assert service.process.wait(20) == 0
        assert not _files(tmp_path)
        await store.close()
