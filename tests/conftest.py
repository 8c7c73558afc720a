"""Fixtures for every test: one event loop, and a catalogue on each database."""

import os
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.postgres import Postgres
from wall.catalogue import Catalogue

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
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database; each test that uses it runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'catalogue.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
async def catalogue(database_url: str) -> AsyncGenerator[Catalogue]:
    """A migrated catalogue with the wall `main`."""
    opened = Catalogue(database_url)
    await opened.migrate()
    yield opened
    await opened.close()
