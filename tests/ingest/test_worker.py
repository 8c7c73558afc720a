"""Posts → thumbnails with a real catalogue, studio and disk store: what fails, who goes on, what is left."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from ingest.sources.base import Source
from ingest.sources.command import CommandSource, stored_origin
from ingest.worker import FETCH_ATTEMPTS, LEASE, OWN_PAUSE, UNEXPECTED, Worker
from tests.fakes.away_store import AwayStore
from tests.fakes.beside import beside
from tests.fakes.clock import Clock
from tests.fakes.posts import LEASE as SEARCH_LEASE
from tests.fakes.posts import due_search, source_post
from tests.fakes.sources import ScriptedNetwork
from tests.fakes.waiting import until
from wall.catalogue import Catalogue
from wall.catalogue import tables as t
from wall.catalogue.posts import ConsolePost
from wall.catalogue.searches import DueSearch
from wall.catalogue.work import MediaResult, PostWork
from wall.errors import FetchRefused, FetchUnavailable, StoreRefused
from wall.pictures.studio import PictureStudio
from wall.posts import SourceMedia, SourcePost, SourceRemoval
from wall.states import Policy, State
from wall.store.collections.reference import Reference
from wall.store.disk import DiskStore
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AwayStore:
    store = AwayStore(tmp_path / "store")
    await store.start()
    return store


@pytest.fixture
def network() -> ScriptedNetwork:
    return ScriptedNetwork()


class Workplace:
    """What a worker needs, and what is left when it has stopped."""

    def __init__(self, catalogue: Catalogue, store: AwayStore, studio: PictureStudio, scratch: Path) -> None:
        self.catalogue = catalogue
        self.store = store
        self.studio = studio
        self.scratch = scratch

    @asynccontextmanager
    async def working(self, source: Source, holder: str = "test") -> AsyncGenerator[Worker]:
        worker = Worker(
            self.catalogue, {source.network: source}, self.store, self.studio, holder=holder, folder=self.scratch
        )
        async with beside(worker.run()):
            yield worker

    async def until_state(self, post_id: str, state: State) -> ConsolePost:
        end = asyncio.get_running_loop().time() + 20
        while (found := await self.catalogue.posts.get(post_id)).state is not state:
            assert asyncio.get_running_loop().time() < end, f"{found.state} {found.reason}"
            await asyncio.sleep(0.02)
        return found

    async def until_postponed(self, post_id: str, attempts: int) -> None:
        """The post has been tried that often and waits."""
        query = select(t.post.c.attempts, t.post.c.token).where(t.post.c.id == post_id)
        end = asyncio.get_running_loop().time() + 20
        while True:
            async with self.catalogue.database.reading() as connection:
                row = (await connection.execute(query)).one()
            if tuple(row) == (attempts, None):
                return
            assert asyncio.get_running_loop().time() < end, row
            await asyncio.sleep(0.02)

    async def kept(self) -> set[str]:
        """The keys that the catalogue knows of pictures on the wall."""
        found: set[str] = set()
        for post in (await self.catalogue.posts.snapshot("main")).posts:
            for media in post.media:
                for role in ("thumbnail-320", "thumbnail-640", "original"):
                    served = await self.catalogue.media.find(media.id, role)
                    found |= {served.key} if served else set()
        return found


@pytest.fixture
async def place(
    clocked: Catalogue, store: AwayStore, studio: PictureStudio, scratch: Path
) -> AsyncGenerator[Workplace]:
    yield Workplace(clocked, store, studio, scratch)
    # on every path
    assert not _left(scratch)


def _left(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _jpeg(colour: str = "teal") -> bytes:
    file = BytesIO()
    Image.new("RGB", (400, 300), colour).save(file, "JPEG")
    return file.getvalue()


async def _find(catalogue: Catalogue, *posts: SourcePost) -> DueSearch:
    """Let a search find these posts."""
    due = await due_search(catalogue, network="scripted")
    await catalogue.posts.store(due, SEARCH_LEASE, posts=posts, removals=(), checkpoint={})
    return due


async def _only_post(catalogue: Catalogue, state: State = State.RECEIVED) -> str:
    [post] = await catalogue.posts.by_state("main", state)
    return post.post.id


async def test_pictures_that_fail_are_left_out_and_the_others_are_shown(
    place: Workplace, network: ScriptedNetwork
) -> None:
    await _find(place.catalogue, source_post("a", pictures=3))
    network.pictures = {"demo:a-0": FetchRefused("It is gone."), "demo:a-1": _jpeg(), "demo:a-2": b"%PDF-1.7 no"}
    async with place.working(network):
        found = await place.until_state(await _only_post(place.catalogue), State.APPROVED)
    assert [media.alt for media in found.post.media] == ["Picture 1"]
    assert found.media_errors[0] == "It is gone."
    assert len(found.media_errors) == 2
    assert place.store.names() == await place.kept()


async def test_a_post_whose_pictures_all_fail_says_each_reason_once(place: Workplace, network: ScriptedNetwork) -> None:
    await _find(place.catalogue, source_post("a", pictures=3))
    network.pictures = {
        "demo:a-0": FetchRefused("It is gone."),
        "demo:a-1": FetchRefused("It is gone."),
        "demo:a-2": FetchRefused("It is too large."),
    }
    async with place.working(network):
        found = await place.until_state(await _only_post(place.catalogue), State.FAILED)
    assert found.reason == "It is gone. It is too large."
    assert not place.store.names()


async def test_a_post_that_fits_into_no_event_fails_alone_and_leaves_nothing(
    place: Workplace, network: ScriptedNetwork
) -> None:
    await _find(place.catalogue, replace(source_post("a"), author_name="a" * 40_000), source_post("b"))
    network.pictures = {"demo:a-0": _jpeg(), "demo:b-0": _jpeg()}
    received = await place.catalogue.posts.by_state("main", State.RECEIVED)
    ids = {post.post.author.name: post.post.id for post in received}
    async with place.working(network):
        found = await place.until_state(ids.pop("a" * 40_000), State.FAILED)
        assert found.reason == UNEXPECTED
        await place.until_state(ids.popitem()[1], State.APPROVED)
    assert place.store.names() == await place.kept()


async def test_a_post_that_can_not_even_be_given_up_holds_no_other_up(
    place: Workplace, network: ScriptedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(work: PostWork, reason: str) -> None:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(place.catalogue.work, "fail", failing)
    await _find(place.catalogue, replace(source_post("a"), author_name="a" * 40_000))
    network.pictures = {"demo:a-0": _jpeg(), "demo:b-0": _jpeg()}
    async with place.working(network):
        await until(lambda: network.fetched, "the first post to be tried")
        await place.catalogue.posts.offer("main", "scripted", [source_post("b")])
        await place.until_state(await place.catalogue.posts.known("main", "b") or "", State.APPROVED)


async def test_an_authors_picture_that_fails_costs_nothing_else(place: Workplace, network: ScriptedNetwork) -> None:
    await _find(place.catalogue, source_post("a", avatar=True))
    network.pictures = {"demo:a-0": _jpeg(), "demo-avatar:a": FetchUnavailable("The host is away.")}
    async with place.working(network):
        found = await place.until_state(await _only_post(place.catalogue), State.APPROVED)
    assert found.post.author.avatar is None
    assert found.media_errors == ()


async def test_the_next_address_is_tried_where_one_fails(place: Workplace, network: ScriptedNetwork) -> None:
    media = SourceMedia(key="m", kind="image", origin="demo:large", fallbacks=("demo:medium", "demo:small"))
    await _find(place.catalogue, replace(source_post("a"), media=(media,)))
    network.pictures = {"demo:large": FetchUnavailable("Away."), "demo:medium": _jpeg()}
    async with place.working(network):
        await place.until_state(await _only_post(place.catalogue), State.APPROVED)
    assert network.fetched == ["demo:large", "demo:medium"]


async def test_a_host_that_stays_away_is_given_six_chances_further_and_further_apart(
    place: Workplace, clock: Clock, network: ScriptedNetwork
) -> None:
    await _find(place.catalogue, source_post("a", pictures=2))
    network.pictures = {"demo:a-0": FetchUnavailable("The host is away."), "demo:a-1": _jpeg()}
    post_id = await _only_post(place.catalogue)
    async with place.working(network) as worker:
        for chance in range(1, FETCH_ATTEMPTS + 1):
            await until(lambda n=chance: network.fetched.count("demo:a-0") == n, f"chance {chance}")
            if chance == FETCH_ATTEMPTS:
                break
            await place.until_postponed(post_id, chance)
            longest = min(600, 5 * 3 ** (chance - 1))
            clock.advance(longest / 2 - 1)
            assert await place.catalogue.work.claim(["scripted"], "early", LEASE, 1) == []
            clock.advance(longest / 2 + 1)
            place.catalogue.changed.fire()
        found = await place.until_state(post_id, State.APPROVED)
        assert worker.trouble is None  # a host's trouble is not ours
    assert network.fetched.count("demo:a-1") == 1  # what is done is kept
    assert found.media_errors == ("The host is away.",)


async def test_our_own_trouble_never_costs_a_picture_and_is_said_while_it_lasts(
    place: Workplace, clock: Clock, network: ScriptedNetwork
) -> None:
    await _find(place.catalogue, source_post("a"))
    network.pictures = {"demo:a-0": _jpeg()}
    place.store.away = True
    post_id = await _only_post(place.catalogue)
    async with place.working(network) as worker:
        for times in range(1, FETCH_ATTEMPTS + 3):
            await until(lambda n=times: len(network.fetched) == n, f"attempt {times}")
            await place.until_postponed(post_id, 0)
            # however often it was tried: the end of our trouble is the same for all that wait
            clock.advance(OWN_PAUSE)
            place.catalogue.changed.fire()
        assert worker.trouble == "The disk is full."
        assert (await place.catalogue.posts.get(post_id)).state is State.RECEIVED
        place.store.away = False
        place.catalogue.changed.fire()
        await place.until_state(post_id, State.APPROVED)
        await until(lambda: worker.trouble is None, "the trouble to be over")
    assert place.store.names() == await place.kept()


async def test_a_store_that_takes_no_more_keeps_pictures_waiting_until_an_operator_has_made_room(
    place: Workplace, clock: Clock, network: ScriptedNetwork
) -> None:
    await _find(place.catalogue, source_post("a"))
    network.pictures = {"demo:a-0": _jpeg()}
    place.store.away, place.store.why = True, StoreRefused("A quota is used up; raise it or delete.")
    post_id = await _only_post(place.catalogue)
    async with place.working(network) as worker:
        await until(lambda: worker.trouble, "the trouble to be said")
        assert worker.trouble == "A quota is used up; raise it or delete."
        assert (await place.catalogue.posts.get(post_id)).state is State.RECEIVED
        place.store.away = False
        clock.advance(OWN_PAUSE)
        place.catalogue.changed.fire()
        await place.until_state(post_id, State.APPROVED)


async def test_a_post_that_fails_is_no_sign_that_our_trouble_is_over(
    place: Workplace, network: ScriptedNetwork
) -> None:
    await _find(place.catalogue, source_post("a"))
    network.pictures = {"demo:a-0": _jpeg(), "demo:b-0": FetchRefused("It is gone.")}
    place.store.away = True
    async with place.working(network) as worker:
        await until(lambda: worker.trouble, "the trouble to be said")
        await place.catalogue.posts.offer("main", "scripted", [source_post("b")])
        await place.until_state(await place.catalogue.posts.known("main", "b") or "", State.FAILED)
        assert worker.trouble == "The disk is full."


async def test_somebody_elses_collection_that_refuses_holds_nothing_up(
    place: Workplace, network: ScriptedNetwork
) -> None:
    post = source_post("a")
    theirs = stored_origin(str(Reference(collection="c" * 26, name="a.jpg")))
    await _find(place.catalogue, replace(post, media=(replace(post.media[0], origin=theirs),)))
    async with place.working(network):
        found = await place.until_state(await _only_post(place.catalogue), State.FAILED)
    assert found.reason == "The owner lets nobody in."


async def test_our_own_trouble_takes_no_chance_from_a_pictures_host(
    place: Workplace, clock: Clock, network: ScriptedNetwork
) -> None:
    await _find(place.catalogue, source_post("a"))
    network.pictures = {"demo:a-0": _jpeg()}
    place.store.away = True
    post_id = await _only_post(place.catalogue)
    async with place.working(network):
        for times in range(1, FETCH_ATTEMPTS + 1):
            await until(lambda n=times: len(network.fetched) == n, f"attempt {times}")
            await place.until_postponed(post_id, 0)
            if times == FETCH_ATTEMPTS:
                network.pictures = {"demo:a-0": FetchUnavailable("The host is away.")}
            clock.advance(OWN_PAUSE)
            place.catalogue.changed.fire()
        await place.until_postponed(post_id, 1)
    assert (await place.catalogue.posts.get(post_id)).state is State.RECEIVED


async def test_a_scratch_folder_that_cant_be_used_is_our_own_trouble_too(
    place: Workplace, clock: Clock, network: ScriptedNetwork
) -> None:
    await _find(place.catalogue, source_post("a"))
    network.pictures = {"demo:a-0": _jpeg()}
    place.scratch.rmdir()
    async with place.working(network) as worker:
        await until(lambda: worker.trouble, "the trouble to be said")
        assert worker.trouble is not None
        assert str(place.scratch) in worker.trouble
        place.scratch.mkdir()
        clock.advance(600)
        await place.until_state(await _only_post(place.catalogue), State.APPROVED)


async def test_a_post_that_was_edited_meanwhile_throws_the_older_pictures_away(
    place: Workplace, network: ScriptedNetwork
) -> None:
    due = await _find(place.catalogue, source_post("a", pictures=2))
    network.pictures = {"demo:a-0": _jpeg(), "demo:a-1": _jpeg("red"), "demo:new": _jpeg("blue")}
    network.gates["demo:a-1"] = asyncio.Event()
    post_id = await _only_post(place.catalogue)
    async with place.working(network):
        await until(lambda: "demo:a-1" in network.fetched, "the second picture's turn")
        assert place.store.names()
        edited = replace(
            source_post("a", version=2), media=(SourceMedia(key="n", kind="image", origin="demo:new", alt="New"),)
        )
        await place.catalogue.posts.store(due, SEARCH_LEASE, posts=(edited,), removals=(), checkpoint={})
        await place.until_state(post_id, State.APPROVED)
        network.gates["demo:a-1"].set()
        await until(lambda: not _left(place.scratch), "the older revision to be left alone")
    [shown] = (await place.catalogue.posts.snapshot("main")).posts
    assert (shown.revision, [media.alt for media in shown.media]) == (2, ["New"])
    await until(lambda: len(place.store.names()) == 3, "the older revision's bytes to go")
    assert place.store.names() == await place.kept()


async def test_a_post_that_its_source_withdrew_meanwhile_leaves_no_bytes(
    place: Workplace, network: ScriptedNetwork
) -> None:
    due = await _find(place.catalogue, source_post("a", pictures=2))
    network.pictures = {"demo:a-0": _jpeg(), "demo:a-1": _jpeg("red")}
    network.gates["demo:a-1"] = asyncio.Event()
    post_id = await _only_post(place.catalogue)
    async with place.working(network):
        await until(lambda: "demo:a-1" in network.fetched, "the second picture's turn")
        await place.catalogue.posts.store(
            due, SEARCH_LEASE, posts=(), removals=(SourceRemoval(key="a"),), checkpoint={}
        )
        network.gates["demo:a-1"].set()
        await until(lambda: not place.store.names(), "the bytes to go")
    assert (await place.catalogue.posts.get(post_id)).state is State.REMOVED


async def test_a_stop_in_the_middle_leaves_nothing_and_the_next_one_goes_on_at_once(
    place: Workplace, network: ScriptedNetwork
) -> None:
    await _find(place.catalogue, source_post("a", pictures=2))
    network.pictures = {"demo:a-0": _jpeg(), "demo:a-1": _jpeg("red")}
    network.gates["demo:a-1"] = asyncio.Event()
    post_id = await _only_post(place.catalogue)
    async with place.working(network):
        await until(lambda: "demo:a-1" in network.fetched, "the second picture's turn")
        assert place.store.names()
    assert not place.store.names()
    assert not _left(place.scratch)
    network.gates.clear()
    async with place.working(network, "another"):
        found = await place.until_state(post_id, State.APPROVED)
    assert len(found.post.media) == 2
    assert place.store.names() == await place.kept()


async def test_a_stop_while_its_work_is_committed_takes_nothing_away(
    place: Workplace, network: ScriptedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _find(place.catalogue, source_post("a", pictures=2))
    network.pictures = {"demo:a-0": _jpeg(), "demo:a-1": _jpeg("navy")}
    post_id = await _only_post(place.catalogue)
    finish, committed = place.catalogue.work.finish, asyncio.Event()

    async def without_an_answer(work: PostWork, results: Sequence[MediaResult]) -> None:
        await finish(work, results)
        committed.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(place.catalogue.work, "finish", without_an_answer)
    async with place.working(network):
        await asyncio.wait_for(committed.wait(), 20)
    await place.until_state(post_id, State.APPROVED)
    kept = await place.kept()
    assert len(kept) == 6, "two sizes and the original of each"
    for key in kept:
        assert (await place.store.head(key)).length


async def test_what_a_killed_process_held_is_taken_over_when_its_claim_has_expired(
    place: Workplace, clock: Clock, network: ScriptedNetwork
) -> None:
    await _find(place.catalogue, source_post("a"), source_post("b"))
    network.pictures = {"demo:a-0": _jpeg(), "demo:b-0": _jpeg()}
    [dead] = await place.catalogue.work.claim(["scripted"], "dead", LEASE, 1)
    async with place.working(network):
        [other] = [
            post.post.id
            for post in await place.catalogue.posts.by_state("main", State.RECEIVED)
            if post.post.id != dead.post_id
        ]
        await place.until_state(other, State.APPROVED)
        assert len(network.fetched) == 1
        clock.advance(LEASE.total_seconds() + 1)
        await place.until_state(dead.post_id, State.APPROVED)


async def test_a_wall_that_holds_waits_for_an_operator(place: Workplace, network: ScriptedNetwork) -> None:
    await place.catalogue.walls.change("main", policy=Policy.HOLD)
    await _find(place.catalogue, source_post("a"))
    network.pictures = {"demo:a-0": _jpeg()}
    async with place.working(network):
        await place.until_state(await _only_post(place.catalogue), State.PENDING)
    assert not (await place.catalogue.posts.snapshot("main")).posts


async def test_originals_are_kept_where_the_source_cant_make_them_again(
    place: Workplace, network: ScriptedNetwork
) -> None:
    network.keeps_originals = False
    await _find(place.catalogue, source_post("a"))
    network.pictures = {"demo:a-0": _jpeg()}
    async with place.working(network):
        found = await place.until_state(await _only_post(place.catalogue), State.APPROVED)
    assert await place.catalogue.media.find(found.post.media[0].id, "original") is None
    assert len(place.store.names()) == 2


class SlowCommand(CommandSource):
    """Pictures from the command line, the second of which takes its time."""

    def __init__(self, store: DiskStore) -> None:
        super().__init__(store)
        self.fetched = 0
        self.gate = asyncio.Event()

    async def fetch(self, origin: str, target: Path) -> None:
        self.fetched += 1
        if self.fetched == 2:
            await self.gate.wait()
        await super().fetch(origin, target)


async def _bytes(data: bytes) -> AsyncGenerator[bytes]:
    yield data


async def test_a_stop_never_takes_a_picture_from_the_command_line_away(place: Workplace) -> None:
    uploads = {new_key(): _jpeg(colour) for colour in ("teal", "red")}
    for key, data in uploads.items():
        await place.store.put(key, len(data), "application/octet-stream", _bytes(data))
    media = tuple(SourceMedia(key=key, kind="image", origin=stored_origin(key)) for key in uploads)
    post_id = await place.catalogue.posts.add("main", "command", replace(source_post("a"), media=media))
    source = SlowCommand(place.store)
    async with place.working(source):
        await until(lambda: source.fetched == 2, "the second picture's turn")
    assert place.store.names() == set(uploads)
    async with place.working(CommandSource(place.store), "another"):
        found = await place.until_state(post_id, State.APPROVED)
    assert len(found.post.media) == 2
    assert place.store.names() == await place.kept()
    assert set(uploads) <= place.store.names()
