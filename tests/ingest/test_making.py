"""Pictures and videos of posts, with a real catalogue, studio and disk store."""

import struct
from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path

import pytest
from PIL import Image

from ingest.making import MAX_ORIGINAL, Maker
from ingest.sources.command import CommandSource, stored_origin
from tests.fakes.away_store import AwayStore
from tests.fakes.sources import ScriptedNetwork
from tests.wall.pictures.films import box, film
from tests.wall.pictures.samples import BLUE, RED, encoded, quarters
from wall.catalogue.work import MediaResult, MediaWork
from wall.errors import FetchRefused, PictureError, StoreUnavailable
from wall.pictures.studio import PictureStudio
from wall.store.base import CHUNK, ObjectInfo, OpenObject
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio

PLACE = "+47.3769+008.5417/"


class WatchedStore(AwayStore):
    """A store that notes how many bytes of each object were read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read: dict[str, int] = {}
        self.fails_from = 1_000_000
        self.puts = 0

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        opened = await super().open(key, start, length, etag=etag)
        end = opened.info.length if length is None else min(opened.info.length, start + length)
        self.read[key] = self.read.get(key, 0) + end - start
        return opened

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        self.puts += 1
        if self.puts >= self.fails_from:
            raise StoreUnavailable("The disk is full.")
        return await super().put(key, length, media_type, chunks)


@pytest.fixture
async def store(tmp_path: Path) -> WatchedStore:
    store = WatchedStore(tmp_path / "store")
    await store.start()
    return store


@pytest.fixture
def maker(store: WatchedStore, studio: PictureStudio, scratch: Path) -> Maker:
    return Maker(store, studio, scratch)


async def _stored(store: WatchedStore, data: bytes) -> MediaWork:
    """A media whose bytes the store has, as an upload leaves it."""

    async def chunks() -> AsyncGenerator[bytes]:
        yield data

    key = new_key()
    await store.put(key, len(data), "application/octet-stream", chunks())
    return MediaWork(id="m" * 26, kind="video", origins=(stored_origin(key),))


async def _bytes(store: WatchedStore, result: MediaResult, role: str) -> bytes:
    [rendition] = [one for one in result.renditions if one.role == role]
    opened = await store.open(rendition.key)
    data = b"".join([chunk async for chunk in opened.chunks])
    assert len(data) == rendition.bytes
    return data


def _keys(result: MediaResult) -> set[str]:
    return {one.key for one in result.renditions}


async def test_a_video_in_the_store_is_shown_without_copying_it(store: WatchedStore, maker: Maker) -> None:
    data = film("mov", seconds=40, image=quarters((640, 480))) + box(b"free", bytes(4 << 20))
    media = await _stored(store, data)
    result = await maker.make(CommandSource(store), media)
    assert (result.kind, result.width, result.height) == ("video", 640, 480)
    assert result.duration == pytest.approx(40, abs=0.5)
    roles = {one.role: one for one in result.renditions}
    assert list(roles) == ["thumbnail-320", "thumbnail-640", "poster", "original", "video"]
    assert roles["video"].key == roles["original"].key == media.origins[0].removeprefix("store:")
    assert roles["video"].type == "video/mp4"
    assert store.read[roles["video"].key] < len(data) / 2
    assert store.names() == _keys(result)


class HollowStore(WatchedStore):
    """A store with one object that has gigabytes of nothing in its middle, and no file for them."""

    def __init__(self, root: Path, key: str, head: bytes, hole: int, tail: bytes) -> None:
        super().__init__(root)
        self._key = key
        self._head, self._tail = head, tail
        self.length = len(head) + hole + len(tail)
        self.pieces: list[int] = []

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        if key != self._key:
            return await super().open(key, start, length, etag=etag)
        end = self.length if length is None else min(self.length, start + length)
        self.pieces.append(end - start)
        info = ObjectInfo(length=self.length, type="video/mp4", etag='"hollow"')
        return OpenObject(info=info, chunks=self._chunks(start, end))

    async def _chunks(self, start: int, end: int) -> AsyncGenerator[bytes]:
        while start < end:
            stop = min(end, start + CHUNK)
            yield self._bytes(start, stop)
            start = stop

    def _bytes(self, start: int, stop: int) -> bytes:
        first = self._head[start:stop]
        after = self.length - len(self._tail)
        last = self._tail[max(0, start - after) : max(0, stop - after)]
        return first + bytes(stop - start - len(first) - len(last)) + last


async def test_of_three_gigabytes_with_the_index_at_the_end_less_than_two_megabytes_are_read(
    studio: PictureStudio, tmp_path: Path
) -> None:
    data = film("mov", image=quarters((640, 480)))
    index = data.index(b"moov") - 4
    assert index > len(data) // 4, "the index stands behind the pictures"
    hole = 3 << 30
    # the pictures' box has room before it for a length of 64 bits; offsets of the pictures in it stay true
    pictures = data.index(b"mdat") - 12
    assert data[pictures : pictures + 8] == box(b"wide")
    grown = data[:pictures] + struct.pack(">I4sQ", 1, b"mdat", index - pictures + hole) + data[pictures + 16 : index]
    key = new_key()
    store = HollowStore(tmp_path / "store", key, grown, hole, data[index:])
    await store.start()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    media = MediaWork(id="m" * 26, kind="video", origins=(stored_origin(key),))
    result = await Maker(store, studio, scratch).make(CommandSource(store), media)
    assert (result.width, result.height) == (640, 480)
    assert result.duration == pytest.approx(3, abs=0.2)
    assert {one.role: one.bytes for one in result.renditions}["video"] == store.length
    assert sum(store.pieces) < 2 << 20, store.pieces
    assert len(store.pieces) < 20
    # nothing of it was ever a file here
    assert store.names() == _keys(result) - {key}
    assert list(scratch.iterdir()) == []


async def test_a_picture_too_large_to_copy_is_refused_by_its_head(studio: PictureStudio, tmp_path: Path) -> None:
    key = new_key()
    store = HollowStore(tmp_path / "store", key, encoded(quarters((64, 48)), "JPEG"), MAX_ORIGINAL, b"")
    await store.start()
    media = MediaWork(id="m" * 26, kind="image", origins=(stored_origin(key),))
    with pytest.raises(PictureError, match="larger than 600 MiB"):
        await Maker(store, studio, tmp_path).make(CommandSource(store), media)
    assert sum(store.pieces) <= 64 * 1024


async def test_what_a_camera_noted_is_not_in_the_copy_for_viewers(store: WatchedStore, maker: Maker) -> None:
    data = film("mov", place=PLACE)
    media = await _stored(store, data)
    result = await maker.make(CommandSource(store), media)
    assert PLACE.encode() in await _bytes(store, result, "original")
    shown = await _bytes(store, result, "video")
    assert PLACE.encode() not in shown
    assert len(shown) == len(data)
    assert store.names() == _keys(result)


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("place", [PLACE, None])
async def test_a_fetched_video_is_stored_once_or_with_a_clean_copy(
    store: WatchedStore, maker: Maker, keeps: bool, place: str | None
) -> None:
    data = film("mov", place=place)
    network = ScriptedNetwork(keeps_originals=keeps, pictures={"demo:a": data})
    result = await maker.make(network, MediaWork(id="m" * 26, kind="image", origins=("demo:a",)))
    assert result.kind == "video"
    assert result.sha256 is not None
    shown = await _bytes(store, result, "video")
    assert PLACE.encode() not in shown
    assert ("original" in {one.role for one in result.renditions}) is keeps
    assert len(store.names()) == 3 + 1 + (keeps and place is not None)
    assert store.names() == _keys(result)


async def test_an_animation_brings_a_light_one_along(store: WatchedStore, maker: Maker) -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    network = ScriptedNetwork(pictures={"demo:a": data})
    result = await maker.make(network, MediaWork(id="m" * 26, kind="image", origins=("demo:a",)))
    assert result.kind == "animation"
    assert [one.role for one in result.renditions] == ["thumbnail-320", "thumbnail-640", "animated-640", "original"]
    assert (await _bytes(store, result, "animated-640"))[8:12] == b"WEBP"


async def test_an_avatar_is_a_still_whatever_moves_in_it(store: WatchedStore, maker: Maker) -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    network = ScriptedNetwork(pictures={"demo:a": data})
    result = await maker.make(network, MediaWork(id="m" * 26, kind="avatar", origins=("demo:a",)))
    assert [one.role for one in result.renditions] == ["avatar"]
    assert (result.kind, result.phash) == (None, None)


@pytest.mark.parametrize("failing", [1, 3, 4])
async def test_a_store_that_fails_on_the_way_keeps_only_what_it_had(
    store: WatchedStore, maker: Maker, failing: int
) -> None:
    media = await _stored(store, film("mov", place=PLACE))
    before = store.names()
    store.fails_from = store.puts + failing
    with pytest.raises(StoreUnavailable):
        await maker.make(CommandSource(store), media)
    assert store.names() == before


async def test_a_video_that_browsers_dont_play_says_so_and_leaves_nothing(store: WatchedStore, maker: Maker) -> None:
    media = await _stored(store, film(codec="libx265"))
    before = store.names()
    with pytest.raises(PictureError, match="HEVC"):
        await maker.make(CommandSource(store), media)
    assert store.names() == before


async def test_an_upload_that_is_gone_is_said_to_be(store: WatchedStore, maker: Maker) -> None:
    media = MediaWork(id="m" * 26, kind="video", origins=(stored_origin(new_key()),))
    with pytest.raises(FetchRefused, match="no longer"):
        await maker.make(CommandSource(store), media)
