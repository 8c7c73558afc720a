"""Addresses of databases, transactions, and trouble in our words."""

import pytest
from sqlalchemy import func, select, text, update

from wall.catalogue import Catalogue, tables
from wall.catalogue.database import database_url
from wall.errors import CatalogueUnavailable, SettingsError

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sqlite:a/b.db", "sqlite+aiosqlite:///a/b.db"),
        ("sqlite:/a.db", "sqlite+aiosqlite:////a.db"),
        ("sqlite:///a.db", "sqlite+aiosqlite:///a.db"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+asyncpg://u@h:1/d", "postgresql+psycopg://u@h:1/d"),
    ],
)
def test_each_way_to_write_an_address_gets_our_driver(given: str, expected: str) -> None:
    assert database_url(given).render_as_string() == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://u:geheim@h/d",
        "postgresql://u:geheim@h:port/d",
        "postgresql://u:geheim@[::1/d",
        "sqlite:",
        "sqlite://",
        "sqlite::memory:",
    ],
)
def test_an_address_that_is_none_is_refused_by_name_and_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="FRIEZE_DATABASE_URL") as refused:
        database_url(url)
    assert "geheim" not in str(refused.value)


async def test_a_transaction_that_fails_leaves_nothing(catalogue: Catalogue) -> None:
    with pytest.raises(ZeroDivisionError):
        async with catalogue.database.writing() as connection:
            await connection.execute(update(tables.wall).values(title="Changed"))
            raise ZeroDivisionError
    assert (await catalogue.walls.get("main")).title == "Frieze"


async def test_a_reader_sees_one_moment_whatever_is_written_meanwhile(catalogue: Catalogue) -> None:
    count = select(func.count()).select_from(tables.wall)
    async with catalogue.database.reading() as connection:
        before = await connection.scalar(count)
        await catalogue.walls.add("stage", "Stage")
        assert await connection.scalar(count) == before
    assert len(await catalogue.walls.all()) == 2


async def test_what_the_database_can_not_do_is_said_in_our_words(catalogue: Catalogue) -> None:
    broken = (
        "SELECT nothing_like_this()"
        if catalogue.database.is_sqlite
        else "SELECT pg_terminate_backend(pg_backend_pid())"
    )
    with pytest.raises(CatalogueUnavailable, match="The database"):
        async with catalogue.database.reading() as connection:
            await connection.execute(text(broken))
    assert len(await catalogue.walls.all()) == 1
