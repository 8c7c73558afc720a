"""The migrations build exactly the tables of `tables`, on both databases."""

from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection

from tests.fakes.posts import due_search, finish_all, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue.database import Database, database_url
from wall.catalogue.gallery import Wanted
from wall.catalogue.migrate import is_current, migrate, newest_revision
from wall.catalogue.tables import metadata
from wall.errors import CatalogueError, CatalogueUnavailable, SettingsError

pytestmark = pytest.mark.anyio


async def test_the_migrations_build_the_tables_and_nothing_else(empty_database_url: str) -> None:
    def compare(connection: Connection) -> list[Any]:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    catalogue = Catalogue(empty_database_url)
    await catalogue.migrate()
    async with catalogue.database.reading() as connection:
        assert await connection.run_sync(compare) == []
    await catalogue.close()


async def test_migrating_again_changes_nothing_and_the_wall_main_is_there(catalogue: Catalogue) -> None:
    await catalogue.migrate()
    assert [wall.slug for wall in await catalogue.walls.all()] == ["main"]
    assert await is_current(catalogue.database)


async def test_a_database_of_a_newer_frieze_is_refused(catalogue: Catalogue) -> None:
    async with catalogue.database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CatalogueError, match="newer Frieze"):
        await migrate(catalogue.database)


async def test_walls_of_the_first_catalogue_stay_public(empty_database_url: str) -> None:
    def first(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", "wall/catalogue/migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    catalogue = Catalogue(empty_database_url)
    async with catalogue.database.writing() as connection:
        await connection.run_sync(first)
        await connection.execute(
            text(
                "INSERT INTO wall (slug, title, policy, settings, epoch, seq, confirmed, created_at) "
                "VALUES ('old', 'Old', 'open', '{}', 'aaaa', 3, 3, '2026-01-01')"
            )
        )
    await catalogue.migrate()
    old = await catalogue.walls.get("old")
    assert (old.secret, old.seq) == (False, 3)
    await catalogue.close()


async def test_what_stood_on_walls_before_there_were_lists_is_listed(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a", text="Hello"), source_post("b"))
    await finish_all(catalogue)
    before = await catalogue.gallery.page("main", Wanted(words=("hello",)), None, 10)
    async with catalogue.database.writing() as connection:
        # back to where 0006 was
        await connection.execute(text("DROP TABLE listing"))
        await connection.execute(text("DROP TABLE showing"))
        await connection.execute(text("DROP TABLE collection"))
        for index in ("ix_upload_wall_state", "ix_upload_wall_signed_until"):
            await connection.execute(text(f"DROP INDEX {index}"))
        await connection.execute(text("ALTER TABLE upload DROP COLUMN looked_at"))
        await connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    await catalogue.migrate()
    after = await catalogue.gallery.page("main", Wanted(words=("hello",)), None, 10)
    assert after == before
    assert after is not None
    assert len(after.posts) == 2


def test_the_newest_revision_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", "wall/catalogue/migrations")
    config.set_main_option("path_separator", "os")
    assert newest_revision() == ScriptDirectory.from_config(config).get_current_head()


async def test_a_database_that_is_not_there_is_said_in_one_sentence() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(CatalogueUnavailable, match=r"does not answer|can.t be reached"):
        await is_current(database)
    await database.close()


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense"])
def test_an_address_of_another_kind_is_refused_by_name(url: str) -> None:
    with pytest.raises(SettingsError, match="FRIEZE_DATABASE_URL"):
        database_url(url)
