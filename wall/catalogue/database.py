"""The database behind the catalogue: connections, transactions, and errors in our words.

On SQLite every writer begins with BEGIN IMMEDIATE, so that it waits its turn at the start and never fails half-way;
`synchronous=FULL`, because an event that was published must not vanish from the catalogue with the power.
On PostgreSQL writers run at READ COMMITTED and lock the rows they decide on; a snapshot is one REPEATABLE READ
transaction.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from wall.errors import CatalogueUnavailable, SettingsError

_WRITES = "frieze_writes"
BUSY_SECONDS = 10  # how long a writer waits for another one on SQLite before it gives up
CONNECT_SECONDS = 5
REACH_SECONDS = 12.0  # name, connection and a place in the pool together


def database_url(text: str) -> URL:
    """The SQLAlchemy URL of `FRIEZE_DATABASE_URL`, with the driver that Frieze uses.

    Accepts `sqlite:PATH`, `sqlite:///PATH`, `postgresql://…` and `postgres://…`. Raises SettingsError.
    """
    if text.startswith("sqlite:") and not text.startswith("sqlite://"):
        text = "sqlite:///" + text.removeprefix("sqlite:")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        # ValueError: a port that is no number
        raise SettingsError(
            f"FRIEZE_DATABASE_URL is {text.split(':', 1)[0]!r}…, which is no database address; "
            "use sqlite:PATH or postgresql://user:password@host/name."
        ) from error
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+psycopg",
        "postgres": "postgresql+psycopg",
    }
    name = url.get_backend_name()
    if name not in drivers:
        raise SettingsError(
            f"FRIEZE_DATABASE_URL names {name!r}, which Frieze does not speak; "
            "use sqlite:PATH or postgresql://user:password@host/name."
        )
    if name == "sqlite" and url.database in (None, "", ":memory:"):
        raise SettingsError(
            "FRIEZE_DATABASE_URL names no file; use sqlite:PATH, for example sqlite:/var/lib/frieze/frieze.db."
        )
    return url.set(drivername=drivers[name])


class Database:
    """One pool of connections. `close()` it in the loop that used it."""

    def __init__(self, url: str) -> None:
        self.url = database_url(url)
        self.engine = _engine(self.url)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """One consistent view of everything: an explicit read transaction. Raises CatalogueUnavailable."""
        options: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        async with _in_our_words(), self._connected() as connection:
            await connection.execution_options(**options)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that commits when the block ends well. Raises CatalogueUnavailable."""
        async with _in_our_words(), self._connected() as connection:
            await connection.execution_options(**{_WRITES: True})
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[AsyncConnection]:
        connecting = self.engine.connect()
        try:
            # the driver's own limit does not cover looking the name up, nor a pool whose connections all hang
            async with asyncio.timeout(REACH_SECONDS):
                connection = await connecting.start()
        except TimeoutError as error:
            raise CatalogueUnavailable(f"The database did not answer within {REACH_SECONDS:g} s.") from error
        try:
            yield connection
        finally:
            # shielded, as SQLAlchemy's own exit is: one that is cancelled half-way is lost to the pool
            await asyncio.shield(connection.close())

    async def close(self) -> None:
        await self.engine.dispose()


@asynccontextmanager
async def _in_our_words() -> AsyncGenerator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise CatalogueUnavailable(f"The database does not answer: {_first_line(error)}.") from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise CatalogueUnavailable(f"The database hung up: {_first_line(error)}.") from error
    except OSError as error:
        raise CatalogueUnavailable(f"The database can't be reached: {error}.") from error


def _first_line(error: DBAPIError) -> str:
    text = str(error.orig).strip() or type(error.orig).__name__
    return text.splitlines()[0].rstrip(".")


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(
            url,
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=10,
            pool_timeout=BUSY_SECONDS,
            connect_args={"connect_timeout": CONNECT_SECONDS, "options": "-c statement_timeout=30000"},
        )
    engine = create_async_engine(
        url, pool_size=5, max_overflow=5, pool_timeout=BUSY_SECONDS, connect_args={"timeout": BUSY_SECONDS}
    )
    sqlalchemy_event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sqlalchemy_event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # the driver must not begin transactions by itself: `_begin_sqlite` does
    connection.isolation_level = None
    cursor: sqlite3.Cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
