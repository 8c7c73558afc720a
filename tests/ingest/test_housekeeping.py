"""What is deleted when, and nothing that somebody may still see."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.housekeeping import REMEMBER_WITHDRAWN, Housekeeping
from tests.fakes.beside import beside
from tests.fakes.clock import Clock
from tests.fakes.posts import LEASE, due_search, source_post
from tests.fakes.waiting import until
from wall.catalogue import Catalogue
from wall.catalogue.searches import DueSearch
from wall.catalogue.work import MediaResult, StoredRendition
from wall.errors import MoveRefused, NotFound, StoreUnavailable
from wall.posts import SourceMedia, SourcePost, SourceRemoval
from wall.states import ActionKind, Policy, State
from wall.store.disk import DiskStore
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio

DAY = 24 * 3600.0  # as long as a new wall keeps what was taken off it


class WatchedStore(DiskStore):
    """A disk store that can be away, and that lets somebody in just before it deletes."""

    away = False
    stuck: str | None = None  # this object can't be deleted
    before_delete: asyncio.Event | None = None
    deleting = False

    async def delete(self, key: str) -> None:
        if self.away or key == self.stuck:
            raise StoreUnavailable("The store is away.")
        self.deleting = True
        if self.before_delete is not None:
            await self.before_delete.wait()
        await super().delete(key)

    def names(self) -> set[str]:
        return {path.name for path in self.root.rglob("*") if path.is_file()}


class House:
    """A wall with posts whose bytes are really there."""

    def __init__(self, catalogue: Catalogue, store: WatchedStore, due: DueSearch) -> None:
        self.catalogue = catalogue
        self.store = store
        self.due = due
        self.keeping = Housekeeping(catalogue, store)

    async def find(self, *posts: SourcePost, removals: tuple[SourceRemoval, ...] = ()) -> None:
        await self.catalogue.posts.store(self.due, LEASE, posts=posts, removals=removals, checkpoint={})

    async def work(self) -> set[str]:
        """Do all the work there is; the keys of what was stored."""
        stored: set[str] = set()
        for work in await self.catalogue.work.claim(["demo"], "test", LEASE, 100):
            results: list[MediaResult] = []
            for media in work.media:
                renditions = [await self.made(role) for role in ("thumbnail-320", "original")]
                stored |= {rendition.key for rendition in renditions}
                results.append(
                    MediaResult(
                        media_id=media.id, width=4, height=3, sha256="00", thumbhash="", renditions=tuple(renditions)
                    )
                )
            await self.catalogue.work.finish(work, results)
        return stored

    async def show(self, key: str) -> tuple[str, set[str]]:
        """A post that was found and rendered; its id and the keys of its bytes."""
        await self.find(source_post(key))
        keys = await self.work()
        return await self.id_of(key), keys

    async def id_of(self, key: str) -> str:
        for state in State:
            for post in await self.catalogue.posts.by_state("main", state):
                if (post.post.url or "").endswith(f"/{key}"):
                    return post.post.id
        raise AssertionError(key)

    async def act(self, post_id: str, kind: ActionKind) -> None:
        seen = await self.catalogue.posts.get(post_id)
        await self.catalogue.moderation.act(
            post_id, kind, operator="eve", state=seen.state, revision=seen.post.revision
        )

    async def made(self, role: str) -> StoredRendition:
        """One whose bytes are in the store."""
        key = new_key()
        await self.store.put(key, 5, "image/webp", _bytes())
        return StoredRendition(role=role, width=4, height=3, type="image/webp", bytes=5, key=key)

    def kept_tidy(self) -> AbstractAsyncContextManager[None]:
        return beside(self.keeping.run())


async def _bytes() -> AsyncGenerator[bytes]:
    yield b"bytes"


@pytest.fixture
async def clocked(database_url: str, clock: Clock) -> AsyncGenerator[Catalogue]:
    """On both databases: what may go is decided by queries."""
    opened = Catalogue(database_url, now=clock)
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture
async def house(clocked: Catalogue, tmp_path: Path) -> House:
    store = WatchedStore(tmp_path / "store")
    await store.start()
    return House(clocked, store, await due_search(clocked))


async def test_what_is_on_the_wall_or_waits_keeps_its_bytes_however_old_it_is(house: House, clock: Clock) -> None:
    _, shown = await house.show("shown")
    await house.catalogue.walls.change("main", policy=Policy.HOLD)
    _, pending = await house.show("pending")
    clock.advance(30 * DAY)
    assert await house.keeping.purge() == 0
    assert house.store.names() == shown | pending


@pytest.mark.parametrize("kind", [ActionKind.REMOVE, ActionKind.REJECT])
async def test_what_an_operator_took_away_can_come_back_for_a_day(house: House, clock: Clock, kind: ActionKind) -> None:
    if kind is ActionKind.REJECT:
        await house.catalogue.walls.change("main", policy=Policy.HOLD)
    post_id, keys = await house.show("a")
    await house.act(post_id, kind)
    clock.advance(DAY - 1)
    assert await house.keeping.purge() == 0
    assert house.store.names() == keys
    clock.advance(2)
    assert await house.keeping.purge() == 1
    assert house.store.names() == set()
    assert await house.keeping.purge() == 0
    back = ActionKind.RESTORE if kind is ActionKind.REMOVE else ActionKind.APPROVE
    with pytest.raises(MoveRefused, match="keeps what was taken off it for 24 hours, and then deletes it"):
        await house.act(post_id, back)


async def test_each_wall_keeps_what_was_taken_off_it_for_its_own_time(house: House, clock: Clock) -> None:
    other = await house.catalogue.walls.add("stage", "Stage")
    posts = [await house.show("a")]
    house.due = await due_search(house.catalogue, other.slug)
    await house.find(source_post("b"))
    keys = await house.work()
    [second] = (await house.catalogue.posts.snapshot("stage")).posts
    posts.append((second.id, keys))
    await house.catalogue.walls.change("main", retention=0)
    await house.catalogue.walls.change("stage", retention=48)
    for post_id, _ in posts:
        await house.act(post_id, ActionKind.REMOVE)
    clock.advance(1)
    assert await house.keeping.purge() == 1
    assert house.store.names() == posts[1][1]
    with pytest.raises(MoveRefused, match="for 0 hours"):
        await house.act(posts[0][0], ActionKind.RESTORE)
    clock.advance(2 * DAY - 2)
    assert await house.keeping.purge() == 0
    # what an operator changes counts at once, for what is there already too
    await house.catalogue.walls.change("stage", retention=47)
    assert await house.keeping.purge() == 1
    assert house.store.names() == set()


async def test_what_its_own_source_withdrew_goes_at_once(house: House) -> None:
    _, others = await house.show("other")
    await house.show("a")
    await house.find(removals=(SourceRemoval(key="a"),))
    assert await house.keeping.purge() == 1
    assert house.store.names() == others


async def test_an_edits_older_picture_goes_when_nothing_shows_it_any_more(house: House) -> None:
    post_id, first = await house.show("a")
    await house.catalogue.walls.change("main", policy=Policy.HOLD)
    media = SourceMedia(key="new", kind="image", origin="demo:new")
    await house.find(replace(source_post("a", version=2), media=(media,)))
    second = await house.work()
    # the wall still shows the first one, the console the second
    assert (await house.catalogue.posts.get(post_id)).state is State.PENDING
    assert await house.keeping.purge() == 0
    assert house.store.names() == first | second
    await house.act(post_id, ActionKind.APPROVE)
    assert await house.keeping.purge() == 1
    assert house.store.names() == second


async def test_an_edit_that_keeps_its_picture_keeps_its_bytes(house: House) -> None:
    _, keys = await house.show("a")
    await house.find(source_post("a", version=2, text="Edited"))
    assert await house.work() == set()
    assert await house.keeping.purge() == 0
    assert house.store.names() == keys


async def test_a_post_that_comes_back_while_its_bytes_are_about_to_go_keeps_them_or_is_refused(
    house: House, clock: Clock
) -> None:
    ids_and_keys = [await house.show(key) for key in ("a", "b")]
    for post_id, _ in ids_and_keys:
        await house.act(post_id, ActionKind.REMOVE)
    clock.advance(DAY + 1)
    house.store.before_delete = asyncio.Event()
    purging = asyncio.create_task(house.keeping.purge())
    await until(lambda: house.store.deleting, "the first deletion")
    refused = 0
    for post_id, _ in ids_and_keys:
        try:
            await house.act(post_id, ActionKind.RESTORE)
        except MoveRefused:
            refused += 1
    house.store.before_delete.set()
    await purging
    assert refused == 1
    [shown] = (await house.catalogue.posts.snapshot("main")).posts
    [kept] = [keys for post_id, keys in ids_and_keys if post_id == shown.id]
    assert house.store.names() == kept


async def test_a_rendition_that_is_made_just_before_the_bytes_are_given_up_goes_with_them(
    house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_id, _ = await house.show("a")
    await house.act(post_id, ActionKind.REMOVE)
    clock.advance(DAY + 1)
    media = house.catalogue.media
    purgeable = media.purgeable

    async def and_then_another_is_made(limit: int) -> list[str]:
        [media_id] = await purgeable(limit)
        assert await media.add_renditions(media_id, [await house.made("thumbnail-640")])
        return [media_id]

    monkeypatch.setattr(media, "purgeable", and_then_another_is_made)
    assert await house.keeping.purge() == 1
    assert house.store.names() == set()


async def test_an_object_that_cant_be_deleted_holds_up_no_other(house: House, clock: Clock) -> None:
    one, other = await house.show("a"), await house.show("b")
    for post_id, _ in (one, other):
        await house.act(post_id, ActionKind.REMOVE)
    clock.advance(DAY + 60)
    house.store.stuck = min(one[1])
    with pytest.raises(StoreUnavailable):
        await house.keeping.purge()
    assert not house.store.names() & other[1]
    house.store.stuck = None
    await house.keeping.purge()
    assert house.store.names() == set()


async def test_a_store_that_is_away_loses_track_of_nothing(
    house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.housekeeping.EVERY_SECONDS", 0.01)
    post_id, keys = await house.show("a")
    await house.act(post_id, ActionKind.REMOVE)
    clock.advance(DAY + 1)
    house.store.away = True
    with pytest.raises(StoreUnavailable):
        await house.keeping.purge()
    assert house.store.names() == keys
    async with house.kept_tidy():
        house.store.away = False
        await until(lambda: not house.store.names(), "the bytes to go")


async def test_more_than_one_round_is_tidied_up_at_once(
    house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.housekeeping.AT_ONCE", 2)
    await house.find(*(source_post(f"p{n}") for n in range(5)))
    await house.work()
    for post in await house.catalogue.posts.by_state("main", State.APPROVED):
        await house.act(post.post.id, ActionKind.REMOVE)
    clock.advance(DAY + 1)
    async with house.kept_tidy():
        # one turn: the next would come in a minute
        await until(lambda: not house.store.names(), "all of them to go")


async def test_a_withdrawn_post_is_remembered_until_no_source_can_bring_it_back(house: House, clock: Clock) -> None:
    post_id, _ = await house.show("a")
    await house.find(removals=(SourceRemoval(key="a"),))
    clock.advance(REMEMBER_WITHDRAWN.total_seconds() - 1)
    async with house.kept_tidy():
        await until(lambda: not house.store.names(), "its bytes to go")
    await house.catalogue.posts.get(post_id)
    clock.advance(2)
    async with house.kept_tidy():
        end = asyncio.get_running_loop().time() + 20
        with pytest.raises(NotFound):
            while asyncio.get_running_loop().time() < end:
                await house.catalogue.posts.get(post_id)
                await asyncio.sleep(0.02)
