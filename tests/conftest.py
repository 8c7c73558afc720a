"""Fixtures for every test: one event loop, and a catalogue on each database."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.postgres import Postgres
from wall.catalogue import Catalogue
from wall.catalogue.database import Database
from wall.catalogue.migrate import migrate

pytest_plugins = ["tests.fakes.fixtures", "tests.integration.fixtures"]


def pytest_report_header() -> str:
    asked = os.environ.get("FRIEZE_TEST_STORES")
    return "on MinIO, fake-gcs-server and Azurite: " + (
        "yes" if asked else "no; script/test --stores runs those as well"
    )


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Generator[Postgres]:
    """A real PostgreSQL of our own, for the whole run."""
    with Postgres.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def kind_of_database(request: pytest.FixtureRequest) -> str:
    """Each test that uses a database runs on both kinds."""
    return str(request.param)


@pytest.fixture
def database_url(kind_of_database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A database with all its tables and nothing in them, a copy: a tenth of what the migrations take."""
    if kind_of_database == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        yield f"sqlite:{shutil.copy(template, tmp_path / 'catalogue.db')}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.new_database(template=request.getfixturevalue("postgres_template"))
    yield url
    server.drop(url)


@pytest.fixture
def empty_database_url(kind_of_database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A database without tables, for tests of what makes them."""
    if kind_of_database == "sqlite":
        yield f"sqlite:{tmp_path / 'catalogue.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.new_database()
    yield url
    server.drop(url)


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
    database = Database(url)
    await migrate(database)
    await database.close()


@pytest.fixture
async def catalogue(database_url: str) -> AsyncGenerator[Catalogue]:
    """A migrated catalogue with the wall `main`."""
    opened = Catalogue(database_url)
    await opened.migrate()
    yield opened
    await opened.close()
