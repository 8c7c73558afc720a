"""A link signs in once, a session ends by itself, and the database never learns a token."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.fakes.clock import Clock
from wall.catalogue import Catalogue, tables
from wall.catalogue.operators import LINK_LEASE, NAME_CHARACTERS, SESSION_IDLE, SESSION_LIFE
from wall.errors import CatalogueError

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


async def _session(catalogue: Catalogue, name: str = "eve") -> str:
    token = await catalogue.operators.sign_in(await catalogue.operators.link(name))
    assert token is not None
    return token


async def test_a_link_signs_in_once_however_many_use_it_at_once(catalogue: Catalogue) -> None:
    link = await catalogue.operators.link("eve")
    used = await asyncio.gather(*(catalogue.operators.sign_in(link) for _ in range(8)))
    [token] = [one for one in used if one is not None]
    session = await catalogue.operators.session(token)
    assert session is not None
    assert session.operator == "eve"
    assert await catalogue.operators.sign_in(link) is None


async def test_a_link_is_good_for_24_hours(catalogue: Catalogue, clock: Clock) -> None:
    early, late = await catalogue.operators.link("eve"), await catalogue.operators.link("eve")
    clock.advance(LINK_LEASE - MINUTE)
    assert await catalogue.operators.sign_in(early) is not None
    clock.advance(MINUTE * 2)
    assert await catalogue.operators.sign_in(late) is None


async def test_an_idle_session_ends_and_a_used_one_does_not(catalogue: Catalogue, clock: Clock) -> None:
    used, idle = await _session(catalogue), await _session(catalogue)
    for _ in range(2):
        clock.advance(SESSION_IDLE * 0.6)
        assert await catalogue.operators.session(used) is not None
    assert await catalogue.operators.session(idle) is None


async def test_a_session_ends_after_30_days_however_much_it_is_used(catalogue: Catalogue, clock: Clock) -> None:
    token = await _session(catalogue)
    for _ in range(5):
        clock.advance((SESSION_LIFE - MINUTE) / 5)
        assert await catalogue.operators.session(token) is not None
    clock.advance(MINUTE * 2)
    assert await catalogue.operators.session(token) is None


async def test_who_signs_out_ends_this_session_and_no_other(catalogue: Catalogue) -> None:
    one, other = await _session(catalogue), await _session(catalogue)
    await catalogue.operators.sign_out(one)
    assert await catalogue.operators.session(one) is None
    assert await catalogue.operators.session(other) is not None
    assert await catalogue.operators.session("") is None
    assert await catalogue.operators.sign_in("") is None


async def test_sessions_that_are_over_go_with_the_next_sign_in(catalogue: Catalogue, clock: Clock) -> None:
    await _session(catalogue)
    clock.advance(SESSION_LIFE)
    await _session(catalogue)
    async with catalogue.database.reading() as connection:
        assert len((await connection.execute(select(tables.session))).all()) == 1


async def test_the_database_holds_digests_only(catalogue: Catalogue) -> None:
    link, token = await catalogue.operators.link("eve"), await _session(catalogue)
    async with catalogue.database.reading() as connection:
        rows = [
            tuple(row) for table in (tables.sign_in, tables.session) for row in await connection.execute(select(table))
        ]
    assert len(rows) == 2
    assert not any(secret in str(rows) for secret in (link, token))


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b", "x" * (NAME_CHARACTERS + 1), "\ud800"])
async def test_a_name_that_nobody_could_read_is_refused(catalogue: Catalogue, name: str) -> None:
    with pytest.raises(CatalogueError, match="printable"):
        await catalogue.operators.link(name)


async def test_many_links_for_a_new_operator_can_be_made_at_once(catalogue: Catalogue) -> None:
    links = await asyncio.gather(*(catalogue.operators.link(" eve ") for _ in range(5)))
    assert len(set(links)) == 5
