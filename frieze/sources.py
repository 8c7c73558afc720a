"""The sources of this installation, made from its settings."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from frieze.networks import NETWORKS
from frieze.settings import Settings
from ingest.fetch import Fetcher
from ingest.sources.absent import AbsentSource
from ingest.sources.base import Source
from ingest.sources.collection import CollectionSource
from ingest.sources.command import CommandSource
from ingest.sources.demo import DemoSource
from ingest.sources.folder import FolderSource
from ingest.sources.guest import GuestSource
from ingest.sources.x_query import full_query
from wall.catalogue import Catalogue
from wall.errors import SettingsError, SourceRefused
from wall.store.base import Store

if TYPE_CHECKING:
    from ingest.sources.x import XSource

_WALL = "main"
_DEMO_QUERY = "everything"
_NO_X = "X is not set up here: put a bearer token into FRIEZE_X_BEARER_TOKEN and start Frieze again."

Check = Callable[[str], None]


async def make_sources(stack: AsyncExitStack, settings: Settings, store: Store) -> dict[str, Source]:
    """Every source that is configured, by network; the stack closes them."""
    fetcher = await stack.enter_async_context(Fetcher(allow=settings.fetch_allow))
    demo = DemoSource(pace=settings.demo_pace, pictures=settings.demo_pictures)
    made: list[Source] = [CommandSource(store), GuestSource(store), CollectionSource(store), FolderSource(), demo]
    made.append(x_source(settings, fetcher) if settings.x_bearer_token is not None else AbsentSource("x", _NO_X))
    for source in made:
        stack.push_async_callback(source.close)
    return {source.network: source for source in made}


def x_source(settings: Settings, fetcher: Fetcher) -> "XSource":
    """X as the settings say. Raises SettingsError without a token."""
    if settings.x_bearer_token is None:
        raise SettingsError("X needs FRIEZE_X_BEARER_TOKEN.")
    # tweepy and what it needs cost a quarter of a second at every start of those who don't use X
    from ingest.sources.x import XSource

    return XSource(
        settings.x_bearer_token.get_secret_value(),
        fetcher,
        api_url=settings.x_api_url,
        daily_posts=settings.x_daily_posts,
    )


async def check_x(settings: Settings) -> str:
    """Ask X something small; what its answer means, in one sentence. Raises SourceError."""
    async with Fetcher(allow=settings.fetch_allow) as fetcher:
        source = x_source(settings, fetcher)
        try:
            return await source.check()
        finally:
            await source.close()


def query_checks(settings: Settings) -> dict[str, Check]:
    """By network, what raises SourceRefused for a query that operators can't use."""
    folder = FolderSource()

    def check_folder(query: str) -> None:
        folder.check_query(query)
        wanted = Path(query).resolve()
        if not any(wanted.is_relative_to(Path(allowed).resolve()) for allowed in settings.folders):
            raise SourceRefused(
                f"{query} is not among the folders of this installation; "
                "whoever runs it can add it to FRIEZE_FOLDERS or start with --folder."
            )

    return {"x": _check_x, "folder": check_folder, "demo": DemoSource().check_query}


def query_check(network: str) -> Check:
    """What raises SourceRefused for a query that this network would not take. Raises SettingsError."""
    checks: dict[str, Check] = {
        "x": _check_x,
        "folder": FolderSource().check_query,
        "demo": DemoSource().check_query,
    }
    if network not in checks:
        raise SettingsError(f"{network!r} is no network Frieze can search; it knows {', '.join(NETWORKS)}.")
    return checks[network]


async def start_searches(catalogue: Catalogue, settings: Settings) -> None:
    """The searches that `frieze up` begins with: the demo, unless it was switched off, and the given folders."""
    known = {(search.network, search.query): search for search in await catalogue.searches.all(_WALL)}
    demo = known.get(("demo", _DEMO_QUERY))
    if settings.demo and demo is None:
        await catalogue.searches.add(_WALL, "demo", _DEMO_QUERY)
    elif not settings.demo and demo is not None and demo.enabled:
        await catalogue.searches.enable(demo.id, enabled=False)
    for folder in settings.folders:
        if ("folder", folder) not in known:
            await catalogue.searches.add(_WALL, "folder", folder)


def _check_x(query: str) -> None:
    full_query(query)
