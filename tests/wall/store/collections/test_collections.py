"""Collections on real places: what their owner put there is listed and read as it is, and nothing is ever changed."""

import asyncio
import base64
import os
import secrets
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from tests.fakes.collections import KINDS, Place, folder_place, new_place
from tests.wall.store.conformance import all_of, pieces
from wall.blanking import Blank
from wall.errors import ObjectChanged, ObjectMissing, SettingsError, StoreError, StoreRefused
from wall.store.base import CHUNK
from wall.store.collections import check_apart, open_collection
from wall.store.collections.base import Collection, is_name, look_at
from wall.store.collections.reading import WithCollections
from wall.store.collections.reference import Reference
from wall.store.disk import DiskStore
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio

ID = "c" * 26
NAMES = ("2025/old.jpg", "2026/sea & ﬁne, 100%.jpg", "2026/a: b.png", "2026-notes.txt")


@pytest.fixture(params=KINDS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Place]:
    async with new_place(request.param, request, tmp_path / "photos") as place:
        yield place


@pytest.fixture
async def collection(place: Place) -> AsyncGenerator[Collection]:
    opened = place.opened()
    yield opened
    await opened.close()


@pytest.fixture
async def ours(tmp_path: Path) -> DiskStore:
    store = DiskStore(tmp_path / "store")
    await store.start()
    return store


@pytest.fixture
async def wide(ours: DiskStore, place: Place) -> AsyncGenerator[WithCollections]:
    async def url_of(collection_id: str) -> str | None:
        return place.url if collection_id == ID else None

    store = WithCollections(ours, url_of, lambda _: place.opened())
    yield store
    await store.close()


def _reference(name: str) -> Reference:
    return Reference(collection=ID, name=name)


async def test_everything_is_listed_with_its_length_and_what_a_prefix_leaves(
    place: Place, collection: Collection
) -> None:
    for number, name in enumerate(NAMES):
        await place.put(name, bytes(number + 1))

    async def listed(prefix: str) -> dict[str, int]:
        return {found.key: found.length async for found in collection.listing(prefix)}

    assert await listed("") == {name: number + 1 for number, name in enumerate(NAMES)}
    assert set(await listed("2026/")) == set(NAMES[1:3])
    assert set(await listed("2026")) == set(NAMES[1:])
    assert set(await listed("2026/sea")) == {NAMES[1]}
    assert await listed("nothing/") == {}


async def test_any_range_is_read_as_it_is(place: Place, wide: WithCollections) -> None:
    data = secrets.token_bytes(2 * CHUNK + 17)
    for name in NAMES[:3]:
        await place.put(name, data)
        key = str(_reference(name))
        assert (await wide.head(key)).length == len(data)
        assert await all_of(await wide.open(key)) == data
        for start, length in ((0, 10), (CHUNK - 1, CHUNK), (len(data) - 3, None), (len(data), None)):
            end = None if length is None else start + length
            assert await all_of(await wide.open(key, start, length)) == data[start:end]


async def test_what_its_owner_replaced_is_not_shown_in_its_place(place: Place, wide: WithCollections) -> None:
    await place.put("a.jpg", b"first")
    reference = _reference("a.jpg")
    pinned = str(replace(reference, etag=(await wide.head(str(reference))).etag))
    opened = await wide.open(pinned)
    assert await all_of(opened) == b"first"
    await place.put("a.jpg", b"other")
    for read in (wide.open(pinned), wide.head(pinned)):
        with pytest.raises(ObjectMissing, match="something else"):
            await read
    # who holds an answer open asks for the rest of the very same
    with pytest.raises(ObjectChanged):
        await wide.open(pinned, 2, etag=opened.info.etag)
    assert await all_of(await wide.open(str(reference))) == b"other"
    await place.delete("a.jpg")
    with pytest.raises(ObjectMissing):
        await wide.open(str(reference))


async def test_nothing_of_it_can_be_written_copied_signed_or_deleted(
    place: Place, wide: WithCollections, ours: DiskStore
) -> None:
    await place.put("a.jpg", b"theirs")
    key = str(_reference("a.jpg"))
    await wide.delete(key)
    for write in (
        wide.put(key, 4, "image/png", pieces(b"ours")),
        wide.copy(key, new_key()),
        wide.copy(new_key(), key),
    ):
        with pytest.raises(StoreError, match="never writes"):
            await write
    assert [one async for one in wide.objects()] == []
    assert await place.names() == ["a.jpg"]
    assert await all_of(await wide.open(key)) == b"theirs"
    own = new_key()
    await wide.put(own, 4, "image/png", pieces(b"ours"))
    assert await all_of(await ours.open(own)) == b"ours"
    await wide.delete(own)
    with pytest.raises(ObjectMissing):
        await wide.head(own)


async def test_what_a_camera_noted_is_blank_in_whatever_range_is_read(place: Place, wide: WithCollections) -> None:
    data = secrets.token_bytes(CHUNK + 50)
    await place.put("film.mov", data)
    blanks = (Blank(start=5, length=20, head=b"free"), Blank(start=CHUNK - 3, length=10, head=b"void"))
    shown = bytearray(data)
    for blank in blanks:
        shown[blank.start : blank.start + blank.length] = blank.head.ljust(blank.length, b"\0")
    key = str(replace(_reference("film.mov"), blanks=blanks))
    assert await all_of(await wide.open(key)) == shown
    for start, length in ((0, 7), (6, 3), (7, 30), (24, 1), (25, 9), (CHUNK - 1, 2), (CHUNK, None)):
        assert await all_of(await wide.open(key, start, length)) == shown[start:][:length]
    # a reader that leaves before the first byte holds nothing
    await (await wide.open(key)).chunks.aclose()


@pytest.mark.parametrize("etag", [None, '"a:b,c%-é"'])
@pytest.mark.parametrize("name", [*NAMES, "x:::y", "%2F"])
def test_a_reference_is_read_as_it_was_written(name: str, etag: str | None) -> None:
    blanks = (Blank(start=0, length=8, head=b"\0\1"), Blank(start=10**12, length=16, head=b""))
    for reference in (_reference(name), replace(_reference(name), etag=etag, blanks=blanks)):
        assert Reference.parse(str(reference)) == reference
    assert Reference.parse(new_key()) is None


@pytest.mark.parametrize("key", ["collection:", "collection:a:b:1-2:name", "collection:a:b:x-y-z:name"])
def test_a_reference_that_nobody_wrote_is_refused(key: str) -> None:
    with pytest.raises(StoreError, match="no reference"):
        Reference.parse(key)


async def test_an_unknown_collection_is_missing_and_a_place_that_is_not_there_says_so(
    wide: WithCollections, tmp_path: Path
) -> None:
    with pytest.raises(ObjectMissing, match="not known"):
        await wide.open(str(Reference(collection="x" * 26, name="a.jpg")))
    with pytest.raises(StoreRefused, match="no folder"):
        await anext(open_collection(f"disk:{tmp_path / 'nowhere'}").listing(""))


async def test_a_place_that_is_not_there_is_refused_and_not_made(place: Place) -> None:
    if place.url.startswith("gs:"):  # where Google answers 404, fake-gcs-server answers 500
        return
    if place.service is not None:  # that one must be named there first (tests/frieze/storage/test_service.py)
        return
    absent = open_collection(
        place.url.replace("wall-", "absent-").replace("/photos", "/absent-"), place.user, place.password
    )
    for _ in range(2):
        with pytest.raises(StoreRefused, match=r"absent-\w*.* is not there|There is no \w+ .*absent-"):
            await look_at(absent)
    await absent.close()


async def test_who_may_not_read_there_is_told_which_setting_to_look_at(place: Place) -> None:
    if place.password is None or place.service or place.url.startswith("gs:"):  # nobody asks there who we are
        return
    wrong = open_collection(place.url, place.user, base64.b64encode(b"wrong" * 6).decode())
    with pytest.raises(StoreRefused, match=r"FRIEZE_STORE_(OTHER_)?USER") as refused:
        await look_at(wrong)
    assert place.password not in str(refused.value)
    await wrong.close()


@pytest.mark.parametrize("odd", ["odd/a//b.jpg", "odd/./b.jpg", "odd/a\nb.jpg"])
async def test_a_name_that_nobody_can_show_is_left_alone_or_named(
    place: Place, collection: Collection, odd: str
) -> None:
    if place.url.startswith("disk:") and "\n" not in odd:  # no file can be called so
        return
    await place.put("2026/a.jpg", b"theirs")
    await place.put(odd, b"odd")
    if place.url.startswith(("disk:", "swift:")):
        names = [found.key async for found in collection.listing("")]
        assert [name for name in names if is_name(name)] == ["2026/a.jpg"]
    else:
        with pytest.raises(StoreRefused, match=r"whose name Frieze can't read.*odd/"):
            await look_at(collection)
    await look_at(collection, "2026/")
    assert [found.key async for found in collection.listing("2026/")] == ["2026/a.jpg"]


async def test_no_link_in_a_folder_is_followed_wherever_it_leads(tmp_path: Path) -> None:
    place = folder_place(tmp_path / "photos")
    await place.put("real/a.jpg", b"theirs")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "photos" / "link.jpg").symlink_to(outside / "secret.jpg")
    (tmp_path / "photos" / "media").symlink_to(outside)
    (tmp_path / "photos" / "real" / "up").symlink_to(outside)
    (tmp_path / "photos" / "inside").symlink_to("real")
    os.mkfifo(tmp_path / "photos" / "pipe.jpg")
    collection = open_collection(place.url)
    assert [found.key async for found in collection.listing("")] == ["real/a.jpg"]
    names = ("link.jpg", "media/secret.jpg", "real/up/secret.jpg", "inside/a.jpg", "pipe.jpg", "real", "real/a.jpg/b")
    for name in names:
        with pytest.raises(ObjectMissing):
            await collection.open(name)
    for name in ("../outside/secret.jpg", "/etc/passwd", "", "."):
        with pytest.raises(StoreError):
            await collection.open(name)
    assert await all_of(await collection.open("real/a.jpg")) == b"theirs"


async def test_the_folder_that_was_named_may_itself_be_a_link(tmp_path: Path) -> None:
    place = folder_place(tmp_path / "disk")
    await place.put("2026/a.jpg", b"theirs")
    (tmp_path / "photos").symlink_to(tmp_path / "disk")
    collection = open_collection(f"disk:{tmp_path / 'photos'}")
    assert [found.key async for found in collection.listing("")] == ["2026/a.jpg"]
    assert await all_of(await collection.open("2026/a.jpg")) == b"theirs"


async def test_a_folder_that_becomes_a_link_while_it_is_read_leads_nowhere(tmp_path: Path) -> None:
    place = folder_place(tmp_path / "photos")
    await place.put("2026/a.jpg", b"theirs")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.jpg").write_bytes(b"secret")
    folder, aside, link = (tmp_path / "photos" / name for name in ("2026", ".aside", ".link"))
    link.symlink_to(tmp_path / "outside")
    over = Event()

    def swap() -> None:
        while not over.is_set():
            folder.rename(aside)
            link.rename(folder)
            folder.rename(link)
            aside.rename(folder)

    collection = open_collection(place.url)
    swapping = asyncio.create_task(asyncio.to_thread(swap))
    read = Counter[bytes]()
    try:
        for _ in range(3000):
            with suppress(ObjectMissing):
                read[await all_of(await collection.open("2026/a.jpg"))] += 1
    finally:
        over.set()
        await swapping
    assert set(read) == {b"theirs"}


@pytest.mark.parametrize("name", ["", ".", "a/../b", "a//b", "/a", "a/", "a\nb", "a\0", "é" * 513])
def test_odd_names_are_no_names(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://store:8080", "frieze export"),
        ("ftp://host/folder", "no collection"),
        ("disk:", "no collection"),
        ("swift://host/photos?auth=v1", "FRIEZE_STORE_OTHER_USER"),
        ("s3://", "The collection's URL must be s3://BUCKET"),
        ("gs://user:secret@photos", "without a password"),
        ("gs://photos?region=eu", "gs stores know endpoint"),
        ("az://photos", "account in FRIEZE_STORE_OTHER_USER"),
        ("az://photos?sig=secret", "az stores know endpoint"),
    ],
)
def test_what_can_be_no_collection_is_refused_in_words(url: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        open_collection(url)


def test_our_own_store_is_no_collection(tmp_path: Path) -> None:
    own = f"disk:{tmp_path / 'store'}"
    with pytest.raises(SettingsError, match="own store"):
        check_apart(f"disk:{tmp_path}/photos/../store/", own)
    with pytest.raises(SettingsError, match="own store"):
        check_apart("swift://h/wall?auth=v1&tls=no", "swift://h/wall?auth=v1")
    assert check_apart(f"disk:{tmp_path / 'photos'}", own) == f"disk:{tmp_path / 'photos'}"
