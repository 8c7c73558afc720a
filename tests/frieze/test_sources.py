"""Which sources and searches an installation has, by its settings."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from frieze.networks import NETWORKS
from frieze.settings import Settings
from frieze.sources import make_sources, query_check, query_checks, start_searches, x_source
from ingest.fetch import Fetcher
from ingest.sources.absent import AbsentSource
from wall.catalogue import Catalogue
from wall.errors import SettingsError, SourceRefused
from wall.store import open_store

pytestmark = pytest.mark.anyio

Made = Callable[..., Settings]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: nothing here depends on the database."""
    return f"sqlite:{tmp_path / 'catalogue.db'}"


async def _searches(catalogue: Catalogue) -> set[tuple[str, str, bool]]:
    return {(search.network, search.query, search.enabled) for search in await catalogue.searches.all("main")}


@pytest.mark.parametrize("token", [None, "token"])
async def test_every_network_has_a_source_and_x_without_a_token_says_what_to_do(
    made: Made, tmp_path: Path, token: str | None
) -> None:
    async with AsyncExitStack() as stack:
        store = await open_store(f"disk:{tmp_path / 'store'}")
        sources = await make_sources(stack, made(x_bearer_token=token), store)
        assert set(sources) >= set(NETWORKS)
        assert all(source.network == name for name, source in sources.items())
        assert isinstance(sources["x"], AbsentSource) == (token is None)
        if token is None:
            with pytest.raises(SourceRefused, match="FRIEZE_X_BEARER_TOKEN"):
                sources["x"].check_query("#frieze")
        else:
            sources["x"].check_query("#frieze")


async def test_x_is_not_made_without_a_token(made: Made) -> None:
    async with Fetcher() as fetcher:
        with pytest.raises(SettingsError, match="FRIEZE_X_BEARER_TOKEN"):
            x_source(made(), fetcher)


async def test_a_first_start_begins_with_the_demo_and_the_folders_and_a_second_adds_nothing(
    catalogue: Catalogue, made: Made
) -> None:
    for _ in range(2):
        await start_searches(catalogue, made(folders=("/photographs",)))
        assert await _searches(catalogue) == {("demo", "everything", True), ("folder", "/photographs", True)}


async def test_a_start_without_the_demo_pauses_it_and_never_begins_with_it(catalogue: Catalogue, made: Made) -> None:
    await start_searches(catalogue, made(demo=False))
    assert await _searches(catalogue) == set()
    await start_searches(catalogue, made())
    await start_searches(catalogue, made(demo=False))
    assert await _searches(catalogue) == {("demo", "everything", False)}


async def test_a_search_that_an_operator_paused_stays_paused_over_a_start(catalogue: Catalogue, made: Made) -> None:
    settings = made(folders=("/photographs",))
    await start_searches(catalogue, settings)
    for search in await catalogue.searches.all("main"):
        await catalogue.searches.enable(search.id, enabled=False)
    await start_searches(catalogue, settings)
    assert await _searches(catalogue) == {("demo", "everything", False), ("folder", "/photographs", False)}


def test_operators_can_look_into_the_installations_own_folders_only(made: Made, tmp_path: Path) -> None:
    allowed, other = tmp_path / "photographs", tmp_path / "photographs-private"
    for folder in (allowed / "2026", other):
        folder.mkdir(parents=True)
    (allowed / "way-out").symlink_to(other)
    check = query_checks(made(folders=(str(allowed),)))["folder"]
    check(str(allowed))
    check(str(allowed / "2026"))
    for query in (other, tmp_path, allowed / ".." / other.name, allowed / "way-out"):
        with pytest.raises(SourceRefused, match="FRIEZE_FOLDERS"):
            check(str(query))


def test_an_unknown_network_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="demo"):
        query_check("myspace")
    for network in NETWORKS:
        query_check(network)
