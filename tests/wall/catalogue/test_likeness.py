"""Who looks like whom: found in seven drawers, told to moderators, decided by nobody."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, func, insert, select, text
from sqlalchemy.engine import Connection

from tests.fakes.posts import LEASE, due_search, rendered, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue import tables as t
from wall.catalogue.likeness import BAND_BITS, CANDIDATES, KEPT, NEAR, SHOWN, bands, distance, remember
from wall.catalogue.searches import DueSearch
from wall.states import ActionKind, State

pytestmark = pytest.mark.anyio

HASHES = st.integers(0, 2**63 - 1)


@given(HASHES, st.lists(st.integers(0, 62), max_size=NEAR, unique=True))
def test_two_hashes_that_are_near_share_a_drawer(phash: int, bits: list[int]) -> None:
    other = phash
    for bit in bits:
        other ^= 1 << bit
    assert distance(phash, other) == len(bits)
    assert set(bands(phash)) & set(bands(other))


@given(HASHES)
def test_the_drawers_of_a_hash_are_its_bits(phash: int) -> None:
    places = [divmod(band, 1 << BAND_BITS) for band in bands(phash)]
    assert [place for place, _ in places] == list(range(7))
    assert sum(bits << place * BAND_BITS for place, bits in places) == phash


async def _add(catalogue: Catalogue, due: DueSearch, key: str, phash: int | None, author: str = "Ada") -> str:
    """A post with one picture of that hash; its id."""
    await store(catalogue, due, replace(source_post(key), author_name=author))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 1)
    await catalogue.work.finish(work, [replace(result, phash=phash) for result in rendered(work)])
    return work.post_id


def _flip(phash: int, count: int) -> int:
    return phash ^ ((1 << count) - 1) << 20


async def _similar(catalogue: Catalogue, post_id: str) -> list[tuple[str, str, State, int]]:
    found = (await catalogue.posts.get(post_id)).similar
    return [(one.post_id, one.author, one.state, one.distance) for one in found]


async def test_a_picture_that_looks_the_same_is_told_with_its_author_and_state_both_ways(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    phash = random.Random(1).getrandbits(63)
    first = await _add(catalogue, due, "a", phash, "Ada")
    far = await _add(catalogue, due, "b", _flip(phash, NEAR + 1), "Bo")
    second = await _add(catalogue, due, "c", _flip(phash, 3), "Cy")
    await catalogue.moderation.act(first, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)
    assert await _similar(catalogue, second) == [
        (first, "Ada", State.REMOVED, 3),
        (far, "Bo", State.APPROVED, NEAR + 1 - 3),
    ]
    assert await _similar(catalogue, first) == [(second, "Cy", State.APPROVED, 3)]
    assert (await catalogue.posts.by_state("main", State.APPROVED))[0].similar[0].post_id == first


async def test_the_other_picture_is_told_until_its_bytes_are_gone(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    first, second = [await _add(catalogue, due, key, 12345) for key in "ab"]
    [other] = (await catalogue.posts.get(second)).similar
    theirs = (await catalogue.posts.get(first)).post
    assert (other.picture, other.source, other.received) == (theirs.media[0], theirs.source, theirs.received)
    await catalogue.media.purged(theirs.media[0].id)
    [other] = (await catalogue.posts.get(second)).similar
    assert (other.post_id, other.picture) == (first, None)


async def test_who_has_no_name_is_told_by_their_handle(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await _add(catalogue, due, "a", 12345, author="")
    [other] = (await catalogue.posts.get(await _add(catalogue, due, "b", 12345))).similar
    assert other.author == "@ada"


async def test_nothing_is_decided_by_it(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    posts = [await _add(catalogue, due, key, 12345) for key in "ab"]
    assert [(await catalogue.posts.get(post)).state for post in posts] == [State.APPROVED, State.APPROVED]


async def test_walls_dont_hear_of_each_other(catalogue: Catalogue) -> None:
    await catalogue.walls.ensure("other", "Other")
    await _add(catalogue, await due_search(catalogue), "a", 77)
    there = await _add(catalogue, await due_search(catalogue, "other"), "a", 77)
    assert await _similar(catalogue, there) == []


async def test_pictures_without_a_hash_are_like_nobody(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await _add(catalogue, due, "a", None)
    assert await _similar(catalogue, await _add(catalogue, due, "b", None)) == []


async def test_an_edit_that_keeps_its_picture_is_not_like_itself(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    post_id = await _add(catalogue, due, "a", 99)
    await store(catalogue, due, source_post("a", version=2, text="Edited"))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 1)
    await catalogue.work.finish(work, [])
    assert await _similar(catalogue, post_id) == []


async def test_of_many_copies_the_nearest_are_told(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    for number in range(SHOWN + 2):
        await _add(catalogue, due, f"copy{number}", _flip(0, number % 3))
    found = await _similar(catalogue, await _add(catalogue, due, "last", 0))
    assert len(found) == SHOWN
    assert [one[3] for one in found] == sorted(one[3] for one in found)
    assert found[0][3] == 0


async def test_a_removed_posts_row_takes_its_hash_along(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await _add(catalogue, due, "a", 5)
    await _add(catalogue, due, "b", 5)
    async with catalogue.database.writing() as connection:
        await connection.execute(t.post.delete())
        for table in (t.phash_band, t.likeness):
            assert await connection.scalar(select(func.count()).select_from(table)) == 0


ROWS = 20_000


def _fill(connection: Connection, post_id: str, hashes: Sequence[int]) -> None:
    media = [
        {
            "id": f"m{number:025}",
            "post_id": post_id,
            "key": "k",
            "position": number,
            "kind": "image",
            "alt": "",
            "origin": "demo:x",
            "fallbacks": [],
            "current": False,
            "shown": False,
        }
        for number in range(len(hashes))
    ]
    drawers = [
        {"wall": "main", "band": band, "media_id": f"m{number:025}", "phash": phash}
        for number, phash in enumerate(hashes)
        for band in bands(phash)
    ]
    for table, rows in ((t.media, media), (t.phash_band, drawers)):
        for at in range(0, len(rows), 20_000):
            connection.execute(insert(table), rows[at : at + 20_000])


async def test_among_many_pictures_a_seventieth_are_looked_at(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    catalogue = Catalogue(f"sqlite:{tmp_path_factory.mktemp('many') / 'catalogue.db'}")
    await catalogue.migrate()
    dice = random.Random(5)
    hashes = [dice.getrandbits(63) for _ in range(ROWS)]
    post_id = await catalogue.posts.add("main", "demo", source_post("a"))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 1)
    async with catalogue.database.writing() as connection:
        await connection.run_sync(_fill, post_id, hashes)
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
        asked.append((statement, parameters))

    async with catalogue.database.writing() as connection:
        raw = connection.sync_connection
        event.listen(raw, "before_cursor_execute", note)
        await remember(connection, "main", work.media[0].id, _flip(hashes[777], 5))
        event.remove(raw, "before_cursor_execute", note)
        near = select(t.likeness.c.other_id, t.likeness.c.distance).where(t.likeness.c.media_id == work.media[0].id)
        assert (f"m{777:025}", 5) in [tuple(row) for row in await connection.execute(near)]
        statement, parameters = next(one for one in asked if one[0].startswith("SELECT"))
        looked_at = len((await connection.exec_driver_sql(statement, parameters)).all())
        plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)).all()
    # seven drawers of a 512th each
    assert 6 * ROWS // 512 < looked_at < 8 * ROWS // 512
    assert all("SEARCH" in row[-1] and "INDEX" in row[-1] for row in plan), plan
    await catalogue.close()


async def test_a_drawer_that_everybody_is_in_is_not_read_whole(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    post_id = await _add(catalogue, due, "a", 1)
    async with catalogue.database.writing() as connection:
        await connection.run_sync(_fill, post_id, [0] * (CANDIDATES + 10))
        [(media_id,)] = (await connection.execute(select(t.media.c.id).where(t.media.c.current))).all()
        await connection.execute(text("DELETE FROM likeness"))
        await remember(connection, "main", media_id, 1)
        query = select(func.count()).select_from(t.likeness).where(t.likeness.c.media_id == media_id)
        assert await connection.scalar(query) == KEPT
