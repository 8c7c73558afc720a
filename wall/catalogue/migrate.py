"""Bring the database to the shape of `tables`. Safe to run by several processes at once and at every start."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue.database import Database
from wall.errors import CatalogueError

# any number, the same in all processes: PostgreSQL's name for "somebody is migrating"
_ADVISORY_LOCK = 0x46726965


async def migrate(database: Database) -> None:
    """Run the migrations that are missing. Raises CatalogueError when the database is from a newer Frieze."""
    async with _alone(database) as connection:
        await connection.run_sync(_upgrade)


async def is_current(database: Database) -> bool:
    """Whether the database has exactly the shape this Frieze expects."""
    async with database.reading() as connection:
        return await connection.run_sync(_revision) == _newest()


@asynccontextmanager
async def _alone(database: Database) -> AsyncGenerator[AsyncConnection]:
    # SQLite: BEGIN IMMEDIATE already lets one writer in at a time
    async with database.writing() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        yield connection


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _newest() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> None:
    config = _config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = _revision(connection)
    if found is not None and found not in known:
        raise CatalogueError(
            f"This database was migrated by a newer Frieze (revision {found}); "
            "start that version, or restore a backup made before."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
