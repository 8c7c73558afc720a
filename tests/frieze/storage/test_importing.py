"""`frieze store import`: pictures and films of somebody else on a wall, in place, from real places."""

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from frieze.made import until_made
from frieze.server import bind, http_server
from frieze.settings import load
from frieze.storage import commands
from frieze.storage.commands import forget_and_say, import_and_say
from frieze.storage.copying import StoreCopy
from frieze.storage.importing import CollectionImport, Taken, called
from frieze.storage.reconciling import reconcile
from frieze.store import credentials
from ingest.housekeeping import Housekeeping
from ingest.sources.collection import CollectionSource
from ingest.worker import Worker
from relay.media import MediaServer
from relay.settings import MediaSettings
from tests.fakes.beside import beside
from tests.fakes.collections import KINDS, Place, folder_place, new_place
from tests.fakes.waiting import until
from tests.processes import run
from tests.wall.pictures.films import film
from tests.wall.store.conformance import all_of
from wall.catalogue import Catalogue
from wall.pictures.studio import PictureStudio
from wall.states import ActionKind, State
from wall.store.collections.reading import WithCollections
from wall.store.disk import DiskStore

pytestmark = pytest.mark.anyio

LOCATION = "+47.3769+008.5417/"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what differs by database is in tests/wall/catalogue."""
    return f"sqlite:{tmp_path / 'catalogue.db'}"


@pytest.fixture(params=KINDS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Place]:
    async with new_place(request.param, request, tmp_path / "photos") as place:
        yield place


@pytest.fixture
async def ours(tmp_path: Path) -> DiskStore:
    store = DiskStore(tmp_path / "store")
    await store.start()
    return store


@pytest.fixture
async def store(ours: DiskStore, catalogue: Catalogue, place: Place) -> AsyncGenerator[WithCollections]:
    wide = WithCollections(ours, catalogue.collections.url, lambda _: place.opened())
    yield wide
    await wide.close()


@pytest.fixture
async def worker(catalogue: Catalogue, store: WithCollections, tmp_path: Path) -> AsyncGenerator[None]:
    source = CollectionSource(store)
    async with PictureStudio(workers=1) as studio:
        worker = Worker(catalogue, {source.network: source}, store, studio, holder="test", folder=tmp_path)
        async with beside(worker.run()):
            yield


def _picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (800, 600), colour).save(file, "jpeg")
    return file.getvalue()


async def _import(catalogue: Catalogue, place: Place, prefix: str = "") -> Taken:
    collection = place.opened()
    try:
        showing = await catalogue.collections.show(place.url, "main")
        importing = CollectionImport(catalogue, collection, showing, prefix=prefix)
        fresh, taken = await importing.look()
        await importing.take(fresh, taken, lambda _: None)
    finally:
        await collection.close()
    states = await until_made(catalogue, "main", taken.keys, lambda: None)
    assert not states[State.RECEIVED]
    return taken


@pytest.mark.usefixtures("worker")
async def test_pictures_and_films_are_shown_without_being_copied_or_touched(
    catalogue: Catalogue, place: Place, store: WithCollections, ours: DiskStore
) -> None:
    data = {
        "2026/the sea.jpg": _picture("teal"),
        "2026/clip.mov": await asyncio.to_thread(film, "mov", place=LOCATION),
        "2026/notes.txt": b"not a picture",
        "2025/old.jpg": _picture("red"),
    }
    for name, content in data.items():
        await place.put(name, content)
    taken = await _import(catalogue, place, "2026/")
    assert (taken.objects, taken.new, taken.others) == (2, 2, 1)
    posts = {post.text: post for post in (await catalogue.posts.snapshot("main")).posts}
    assert set(posts) == {"the sea", "clip"}
    assert {(post.source, post.author.name) for post in posts.values()} == {("collection", "2026")}
    # only what Frieze made itself lies in its store: two thumbnails each, and the film's poster
    own = {one.key: one.length async for one in ours.objects()}
    assert len(own) == 5
    for text, name in (("the sea", "2026/the sea.jpg"), ("clip", "2026/clip.mov")):
        original = await catalogue.media.find(posts[text].media[0].id, "original")
        assert original is not None
        assert (original.bytes, original.name) == (len(data[name]), name.partition("/")[2])
        assert await all_of(await store.open(original.key)) == data[name]
    video = await catalogue.media.find(posts["clip"].media[0].id, "video")
    assert video is not None
    shown = await all_of(await store.open(video.key))
    assert LOCATION.encode() in data["2026/clip.mov"]
    assert LOCATION.encode() not in shown
    assert len(shown) == video.bytes == len(data["2026/clip.mov"])
    # again: nothing new, nothing twice
    assert (await _import(catalogue, place)).new == 1
    again = await _import(catalogue, place)
    assert (again.objects, again.new, again.edited) == (3, 0, 0)
    assert await place.names() == sorted(data)


@pytest.mark.usefixtures("worker")
async def test_what_leaves_the_wall_is_never_deleted_at_its_owners(
    catalogue: Catalogue, place: Place, store: WithCollections, ours: DiskStore
) -> None:
    await place.put("a.jpg", _picture("teal"))
    await _import(catalogue, place)
    [post] = (await catalogue.posts.snapshot("main")).posts
    await catalogue.walls.change("main", retention=0)
    await catalogue.moderation.act(post.id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)
    await Housekeeping(catalogue, store).purge()
    assert [one async for one in ours.objects()] == []
    assert await place.names() == ["a.jpg"]
    assert (await catalogue.media.served([post.media[0].id]))[post.media[0].id].renditions == {}
    # what an operator removed does not come back
    await _import(catalogue, place)
    assert (await catalogue.posts.snapshot("main")).posts == ()


@pytest.mark.usefixtures("worker")
async def test_originals_and_films_are_streamed_from_their_owner_and_never_replaced_by_others(
    catalogue: Catalogue, place: Place, store: WithCollections
) -> None:
    clip = await asyncio.to_thread(film, "mov", place=LOCATION)
    await place.put("clip.mov", clip)
    await place.put("a.jpg", _picture("teal"))
    await _import(catalogue, place)
    await catalogue.walls.change("main", downloads=True)
    posts = {post.text: post.media[0].id for post in (await catalogue.posts.snapshot("main")).posts}
    # nothing from memory: each answer is read at the place
    async with (
        _served(MediaServer(catalogue, store, MediaSettings(small=0))) as base,
        aiohttp.ClientSession() as client,
    ):
        async with client.get(f"{base}/{posts['a']}/original") as answer:
            assert (answer.status, await answer.read()) == (200, _picture("teal"))
            assert answer.content_type == "image/jpeg"
        async with client.get(f"{base}/{posts['clip']}/video") as answer:
            shown = await answer.read()
        assert len(shown) == len(clip)
        assert LOCATION.encode() not in shown
        at = clip.index(LOCATION.encode())
        async with client.get(f"{base}/{posts['clip']}/video", headers={"range": f"bytes={at}-{at + 9}"}) as answer:
            assert (answer.status, await answer.read()) == (206, bytes(10))
        await place.put("a.jpg", _picture("red"))
        async with client.get(f"{base}/{posts['a']}/original") as answer:
            assert answer.status == 404


@asynccontextmanager
async def _served(media: MediaServer) -> AsyncGenerator[str]:
    listening = bind("127.0.0.1", 0, "tests", "nothing")
    server = http_server(media, None, ())
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/media"
    finally:
        media.streams.stop()
        server.should_exit = True
        await task
        listening.close()


@pytest.mark.usefixtures("worker")
async def test_copying_and_reconciling_the_store_leave_collections_alone(
    catalogue: Catalogue, place: Place, ours: DiskStore, tmp_path: Path
) -> None:
    await place.put("a.jpg", _picture("teal"))
    await _import(catalogue, place)
    found = await reconcile(catalogue, ours, catalogue.now())
    assert (found.objects, found.unknown, found.missing) == (2, [], [])
    other = DiskStore(tmp_path / "other")
    await other.start()
    copied = await StoreCopy(catalogue, ours, other).run()
    assert (copied.copied, copied.complete) == (2, True)


@pytest.mark.usefixtures("worker")
async def test_an_object_that_is_written_anew_is_an_edit_of_its_post(catalogue: Catalogue, place: Place) -> None:
    await place.put("a.jpg", _picture("teal"))
    await _import(catalogue, place)
    [before] = (await catalogue.posts.snapshot("main")).posts
    async with asyncio.timeout(30):
        while True:  # a place whose clock counts whole seconds tells two writes apart only then
            await place.put("a.jpg", _picture("red"))
            taken = await _import(catalogue, place)
            if taken.edited:
                break
            await asyncio.sleep(0.2)
    [after] = (await catalogue.posts.snapshot("main")).posts
    assert (after.id, after.revision) == (before.id, 2)
    assert after.media[0].id != before.media[0].id
    original = await catalogue.media.find(after.media[0].id, "original")
    assert original is not None
    assert original.bytes == len(_picture("red"))


@pytest.mark.usefixtures("worker")
async def test_watching_shows_what_comes_later(
    catalogue: Catalogue, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "WATCH_SECONDS", 0.05)
    await place.put("a.jpg", _picture("teal"))
    collection = place.opened()
    showing = await catalogue.collections.show(place.url, "main")
    importing = CollectionImport(catalogue, collection, showing, author="Ada")
    said: list[str] = []
    async with beside(_unending(import_and_say(catalogue, importing, "main", watch=True, say=said.append))):
        await until(lambda: len(said) >= 2, "the first look to be over")
        await place.put("b.jpg", _picture("red"))
        await until(lambda: "1 new, 0 changed." in said, "the second picture to be seen")
    await collection.close()
    assert said[0].startswith("1 pictures and videos there: 1 new")
    keys = [f"collection:{hashlib.sha256(f'{showing.id}/{name}'.encode()).hexdigest()}" for name in ("a.jpg", "b.jpg")]
    assert await until_made(catalogue, "main", keys, lambda: None) == {State.APPROVED: 2, State.RECEIVED: 0}
    assert {post.author.name for post in (await catalogue.posts.snapshot("main")).posts} == {"Ada"}


@pytest.mark.usefixtures("worker")
async def test_a_forgotten_collection_leaves_the_wall_ends_watching_and_can_be_imported_again(
    catalogue: Catalogue,
    place: Place,
    store: WithCollections,
    ours: DiskStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands, "WATCH_SECONDS", 0.05)
    await place.put("a.jpg", _picture("teal"))
    await place.put("b.jpg", _picture("red"))
    taken = await _import(catalogue, place)
    assert (taken.new, len([one async for one in ours.objects()])) == (2, 4)
    collection = place.opened()
    showing = await catalogue.collections.show(place.url, "main")
    importing = CollectionImport(catalogue, collection, showing)
    said: list[str] = []
    watching = asyncio.create_task(import_and_say(catalogue, importing, "main", watch=True, say=said.append))
    await until(lambda: len(said) >= 2, "the first look to be over")
    await forget_and_say(catalogue, place.url, "main", say=said.append)
    assert await watching
    await collection.close()
    # in whichever order
    assert f"The wall main was told to forget {place.url}. Watching ends." in said
    assert any(f"forgotten {place.url}: 2 posts taken off it; no wall shows it any more." in one for one in said)
    assert (await catalogue.posts.snapshot("main")).posts == ()
    # what Frieze made is deleted, what is its owner's stays
    await Housekeeping(catalogue, store).purge()
    assert [one async for one in ours.objects()] == []
    assert await place.names() == ["a.jpg", "b.jpg"]
    assert (await _import(catalogue, place)).new == 2
    assert {post.text for post in (await catalogue.posts.snapshot("main")).posts} == {"a", "b"}


async def _unending(work: Coroutine[object, object, bool]) -> None:
    await work


def test_the_command_says_what_it_did_and_what_is_wrong(tmp_path: Path) -> None:
    place = folder_place(tmp_path / "photos")
    place.write("a.jpg", _picture("teal"))
    settings = {"FRIEZE_DATA": str(tmp_path / "data")}
    wrong = run("store", "import", "disk:/nowhere/at/all", "--wall", "main", settings=settings, check=False)
    assert (wrong.returncode, "There is no folder /nowhere/at/all" in wrong.stderr) == (1, True)
    assert "No collection is shown" in run("check", settings=settings, check=False).stdout, "nothing is remembered"
    absent = run("store", "import", place.url, "--wall", "nowhere", settings=settings, check=False)
    assert "no wall named nowhere" in absent.stderr


def test_collections_are_listed_and_forgotten_by_their_address(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    url, link = folder_place(photos).url, tmp_path / "link"
    link.symlink_to(photos)
    settings = {"FRIEZE_DATA": str(tmp_path / "data")}
    # with nothing in it there is nothing to wait for
    run("store", "import", url, "--wall", "main", settings=settings)
    [listed] = run("store", "collections", "--json", settings=settings).stdout.splitlines()
    assert {"wall": "main", "url": url, "posts": 0}.items() <= json.loads(listed).items()
    unknown = run("store", "forget", "disk:/nowhere", "--wall", "main", settings=settings, check=False)
    assert (unknown.returncode, "`frieze store collections`" in unknown.stderr) == (1, True)
    absent = run("store", "forget", url, "--wall", "nowhere", settings=settings, check=False)
    assert "no wall named nowhere" in absent.stderr
    done = run("store", "forget", f"disk:{link}", "--wall", "main", settings=settings)
    assert f"The wall main has forgotten {url}: 0 posts" in done.stdout
    assert run("store", "collections", settings=settings).stdout == "None yet.\n"


def test_a_password_is_told_to_no_other_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRIEZE_STORE_URL", "swift://here.example/wall?auth=v1")
    monkeypatch.setenv("FRIEZE_STORE_USER", "wall")
    monkeypatch.setenv("FRIEZE_STORE_PASSWORD", "secret")
    settings = load(data=tmp_path)
    assert credentials(settings, "swift://here.example/photos?auth=v1") == ("wall", "secret")
    assert credentials(settings, "swift://there.example/photos?auth=v1") == (None, None)
    assert credentials(settings, "s3://photos") == (None, None)
    monkeypatch.setenv("FRIEZE_STORE_OTHER_USER", "other")
    monkeypatch.setenv("FRIEZE_STORE_OTHER_PASSWORD", "theirs")
    assert credentials(load(data=tmp_path), "swift://there.example/photos?auth=v1") == ("other", "theirs")


@pytest.mark.parametrize(
    ("url", "name"),
    [("disk:/srv/photos", "photos"), ("swift://host/v3/party?auth=v1", "party"), ("s3://bucket", "bucket")],
)
def test_a_collection_is_called_by_its_last_name(url: str, name: str) -> None:
    assert called(url) == name
