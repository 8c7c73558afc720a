"""Bring the database to the shape of `tables`. Safe to run by several processes at once and at every start.

Alembic is loaded only when there is something to do: it costs a fifth of a second at every start.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue.database import Database
from wall.errors import CatalogueError

# any number, the same in all processes: PostgreSQL's name for "somebody is migrating"
_ADVISORY_LOCK = 0x46726965
_SCRIPTS = Path(__file__).parent / "migrations"


async def migrate(database: Database) -> None:
    """Run the migrations that are missing. Raises CatalogueError when the database is from a newer Frieze."""
    if await is_current(database):
        return
    async with _alone(database) as connection:
        await connection.run_sync(_upgrade)


async def is_current(database: Database) -> bool:
    """Whether the database has exactly the shape this Frieze expects."""
    async with database.reading() as connection:
        return await connection.run_sync(_revision) == newest_revision()


def newest_revision() -> str:
    """The last migration's revision: the files are named `<revision>_<words>.py` and count up."""
    return max(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*.py"))


@asynccontextmanager
async def _alone(database: Database) -> AsyncGenerator[AsyncConnection]:
    # SQLite: BEGIN IMMEDIATE already lets one writer in at a time
    async with database.writing() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        yield connection


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    found = _revision(connection)
    if found is not None and found > newest_revision():
        raise CatalogueError(
            f"This database was migrated by a newer Frieze (revision {found}); "
            "start that version, or restore a backup made before."
        )
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
