"""`frieze check`: what is configured and what can be reached, each part in one plain sentence."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from frieze.broker import broker_address
from frieze.direct import check_direct
from frieze.folder import data_folder
from frieze.hello import base_url
from frieze.parts import BUILT_PAGES
from frieze.settings import Settings, unknown_keys
from frieze.sources import check_x
from frieze.store import collection_at, configured_store
from wall.broker.connection import BrokerConnection
from wall.catalogue import Catalogue
from wall.catalogue.migrate import is_current
from wall.errors import BrokerError, BrokerUnavailable, FriezeError, SettingsError, StoreError
from wall.store.collections.base import look_at

CHECK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Result:
    """`ok` is None where the part is not in use."""

    part: str
    ok: bool | None
    sentence: str


async def check_all(settings: Settings) -> list[Result]:
    """Check every part; a broken one does not keep the others from being checked."""
    parts: dict[str, Callable[[Settings], Awaitable[Result]]] = {
        "settings": _settings,
        "page": _page,
        "database": _database,
        "store": _store,
        "collections": _collections,
        "direct": _direct,
        "broker": _broker,
        "x": _x,
    }
    return [await _one(name, check, settings) for name, check in parts.items()]


async def _one(name: str, check: Callable[[Settings], Awaitable[Result]], settings: Settings) -> Result:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check(settings)
    except TimeoutError:
        return Result(name, False, f"No answer within {CHECK_SECONDS:g} s.")
    except FriezeError as error:
        return Result(name, False, str(error))


async def _settings(settings: Settings) -> Result:
    wrong = unknown_keys(os.environ)
    if wrong:
        return Result("settings", False, f"Unknown and ignored: {', '.join(wrong)}.")
    data_folder(settings.data)
    return Result("settings", True, f"All known; data in {settings.data.resolve()}.")


async def _page(_: Settings) -> Result:
    missing = [name for name in ("wall.html", "console.html") if not (BUILT_PAGES / name).is_file()]
    if missing:
        return Result("page", False, "The pages are not built; run script/setup.")
    return Result("page", True, "The wall page and the console are built.")


async def _database(settings: Settings) -> Result:
    async with _catalogue(settings) as catalogue:
        kind = "SQLite" if catalogue.database.is_sqlite else "PostgreSQL"
        if not await is_current(catalogue.database):
            return Result("database", False, f"{kind} answers, but needs `frieze migrate`.")
        walls = await catalogue.walls.all()
        searches = await catalogue.searches.all()
        failing = [search for search in searches if search.error]
        if failing:
            first = failing[0]
            return Result(
                "database", True, f"{kind} answers. {len(failing)} of {len(searches)} searches fail: {first.error}"
            )
        return Result("database", True, f"{kind} answers: {len(walls)} walls, {len(searches)} searches.")


async def _store(settings: Settings) -> Result:
    async with configured_store(settings) as store:
        await store.check()
    return Result("store", True, f"{settings.store.split(':', 1)[0]}: wrote, read and deleted a test object.")


async def _collections(settings: Settings) -> Result:
    try:
        async with _catalogue(settings) as catalogue:
            known = await catalogue.collections.all() if await is_current(catalogue.database) else []
    except FriezeError:
        return Result("collections", None, "Not known while the database is not ready.")
    if not known:
        return Result("collections", None, "No collection is shown; `frieze store import` shows one.")
    for one in known:
        collection = collection_at(settings, one.url)
        try:
            await look_at(collection)
        except StoreError as error:
            return Result("collections", False, f"{one.url.partition('?')[0]}: {error}")
        finally:
            await collection.close()
    return Result("collections", True, f"{len(known)} answer, read in place.")


async def _direct(settings: Settings) -> Result:
    origin = base_url(settings)
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(configured_store(settings))
        except FriezeError:
            return Result("direct", None, "Not looked at, because the store can't be used.")
        host = await check_direct(store, origin)
    if host is None:
        return Result("direct", None, "The store signs no addresses, so all files of guests come through the relay.")
    return Result("direct", True, f"Pages of {origin} may send guests' large files to {host}.")


async def _broker(settings: Settings) -> Result:
    address = broker_address(settings)
    problems: list[BrokerError] = []
    for host in address.hosts:
        try:
            connection = await BrokerConnection.open(host, address)
        except BrokerError as error:
            problems.append(error)
            continue
        await connection.close()
        return Result("broker", True, f"Signed in as {address.user} at {host[0]}:{host[1]}.")
    said = " ".join(str(problem) for problem in problems)
    # one that is not there may just not run; one that refuses us is another program, or has another password
    if settings.embedded and all(isinstance(problem, BrokerUnavailable) for problem in problems):
        return Result("broker", None, f"{said} The embedded broker answers only while `frieze up` runs.")
    return Result("broker", False, said)


async def _x(settings: Settings) -> Result:
    if settings.x_bearer_token is None:
        return Result("x", None, "No FRIEZE_X_BEARER_TOKEN, so X is not searched.")
    return Result("x", True, await check_x(settings))


@asynccontextmanager
async def _catalogue(settings: Settings) -> AsyncGenerator[Catalogue]:
    if settings.database_url is None and not (settings.data / "catalogue.db").exists():
        raise SettingsError(f"There is no catalogue in {settings.data} yet; `frieze up` makes one.")
    catalogue = Catalogue(settings.database)
    try:
        yield catalogue
    finally:
        await catalogue.close()
