"""The catalogue of these tests tells the time by a clock that they move; its tables are migrated once and copied."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import psycopg
import pytest

from tests.fakes.clock import TICK, Clock
from tests.postgres import Postgres
from wall.catalogue import Catalogue


@pytest.fixture
def clock() -> Clock:
    return Clock(TICK)


@pytest.fixture
async def catalogue(migrated_url: str, clock: Clock) -> AsyncGenerator[Catalogue]:
    """A migrated catalogue with the wall `main`, on each database."""
    opened = Catalogue(migrated_url, now=clock)
    yield opened
    await opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of one's own as `migrate` leaves it, a tenth of a migration's cost."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        return f"sqlite:{shutil.copy(template, tmp_path / 'catalogue.db')}"
    server: Postgres = request.getfixturevalue("postgres")
    name = f"frieze_{secrets.token_hex(6)}"
    statement = f'CREATE DATABASE "{name}" TEMPLATE "{request.getfixturevalue("postgres_template")}"'
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())
    return server.url(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "catalogue.db"
    asyncio.run(_migrate(f"sqlite:{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    url = postgres.new_database()
    asyncio.run(_migrate(url))
    return url.rpartition("/")[2]


async def _migrate(url: str) -> None:
    catalogue = Catalogue(url, now=Clock(TICK))
    await catalogue.migrate()
    await catalogue.close()
