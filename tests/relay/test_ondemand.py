"""Larger sizes are made once, of the original, when somebody wants them; what can't be made is not tried for ever."""

import asyncio
import io
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from relay.ondemand import OnDemand
from tests.fakes.away_store import AwayStore
from tests.fakes.posts import LEASE, source_post
from tests.wall.pictures.samples import encoded, png_claiming, quarters
from wall.catalogue import Catalogue
from wall.catalogue.work import MediaResult, StoredRendition
from wall.errors import StoreUnavailable, StudioBusy
from wall.pictures.records import Rendered
from wall.pictures.studio import PictureStudio
from wall.posts import Role
from wall.states import ActionKind, State
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio


class Counting(PictureStudio):
    """A real studio that counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__(workers=1)
        self.asked: list[tuple[Role, ...]] = []

    async def render(self, path: Path, roles: Sequence[Role]) -> Rendered:
        self.asked.append(tuple(roles))
        return await super().render(path, roles)


@pytest.fixture
async def store(tmp_path: Path) -> AwayStore:
    store = AwayStore(tmp_path / "store")
    await store.start()
    return store


@pytest.fixture
async def studio() -> AsyncGenerator[Counting]:
    async with Counting() as studio:
        yield studio


async def _bytes(data: bytes) -> AsyncGenerator[bytes]:
    yield data


async def _picture(
    catalogue: Catalogue, store: AwayStore, data: bytes, size: tuple[int, int], *, kept: bool = True
) -> tuple[str, str]:
    """A post on the wall with that original; its id and its picture's."""
    await catalogue.posts.add("main", "demo", source_post("a"))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 1)
    made: list[StoredRendition] = []
    for role in ("thumbnail-640", "original"):
        key = new_key()
        await store.put(key, len(data), "image/png", _bytes(data))
        one = StoredRendition(role=role, width=size[0], height=size[1], type="image/png", bytes=len(data), key=key)
        made.append(one)
    media_id = work.media[0].id
    renditions = tuple(made if kept else made[:1])
    result = MediaResult(media_id=media_id, width=size[0], height=size[1], renditions=renditions)
    await catalogue.work.finish(work, [result])
    return work.post_id, media_id


LARGE = (3000, 1500)


@pytest.fixture(scope="module")
def large() -> bytes:
    return encoded(quarters(LARGE), "JPEG")


async def test_however_many_ask_one_makes_it_and_all_get_the_same(
    catalogue: Catalogue, store: AwayStore, studio: Counting, large: bytes
) -> None:
    _, media_id = await _picture(catalogue, store, large, LARGE)
    on_demand = OnDemand(catalogue, store, studio, holder="one")
    found = await asyncio.gather(*(on_demand.ensure(media_id, "display-1280") for _ in range(20)))
    assert studio.asked == [("display-1280",)]
    assert found[0] is not None
    assert found[0].public
    assert set(found) == {found[0]}
    opened = await store.open(found[0].key)
    picture = Image.open(io.BytesIO(b"".join([chunk async for chunk in opened.chunks])))
    assert (picture.format, picture.size) == ("WEBP", (1280, 640))
    assert len(store.names()) == 3


async def test_processes_wait_for_each_other(
    catalogue: Catalogue, store: AwayStore, studio: Counting, large: bytes
) -> None:
    _, media_id = await _picture(catalogue, store, large, LARGE)
    several = [OnDemand(catalogue, store, studio, holder=f"node-{number}") for number in range(3)]
    found = await asyncio.gather(*(one.ensure(media_id, "display-1280") for one in several))
    assert len(studio.asked) == 1
    assert found[0] == found[1] == found[2]
    assert await catalogue.claims.held("rendition:") == []


async def test_a_larger_size_brings_the_smaller_one_along_out_of_one_decoding(
    catalogue: Catalogue, store: AwayStore, studio: Counting, large: bytes
) -> None:
    _, media_id = await _picture(catalogue, store, large, LARGE)
    on_demand = OnDemand(catalogue, store, studio, holder="one")
    assert await on_demand.ensure(media_id, "display-2560") is not None
    assert await on_demand.ensure(media_id, "display-1280") is not None
    assert studio.asked == [("display-1280", "display-2560")]


async def test_a_small_picture_is_not_made_larger_than_it_is(
    catalogue: Catalogue, store: AwayStore, studio: Counting
) -> None:
    _, media_id = await _picture(catalogue, store, encoded(quarters((600, 400)), "PNG"), (600, 400))
    on_demand = OnDemand(catalogue, store, studio, holder="one")
    assert await on_demand.ensure(media_id, "display-2560") == await catalogue.media.find(media_id, "thumbnail-640")
    assert studio.asked == []


async def test_a_picture_between_two_sizes_is_served_by_the_smaller(
    catalogue: Catalogue, store: AwayStore, studio: Counting
) -> None:
    _, media_id = await _picture(catalogue, store, encoded(quarters((1000, 400)), "PNG"), (1000, 400))
    found = await OnDemand(catalogue, store, studio, holder="one").ensure(media_id, "display-2560")
    assert found == await catalogue.media.find(media_id, "display-1280")
    assert studio.asked == [("display-1280",)]


async def test_what_cant_be_made_is_tried_twice_and_the_reason_is_kept(
    catalogue: Catalogue, store: AwayStore, studio: Counting
) -> None:
    _, media_id = await _picture(catalogue, store, png_claiming(2000, 1000), (2000, 1000))
    on_demand = OnDemand(catalogue, store, studio, holder="one")
    assert [await on_demand.ensure(media_id, "display-1280") for _ in range(4)] == [None] * 4
    assert len(studio.asked) == 2
    original = await catalogue.media.original(media_id)
    assert original is not None
    tries, why = original.failures["display-1280"]
    assert tries == 2
    assert "PNG" in why
    assert len(store.names()) == 2


async def test_our_own_trouble_is_not_counted(
    catalogue: Catalogue, store: AwayStore, studio: Counting, large: bytes
) -> None:
    _, media_id = await _picture(catalogue, store, large, LARGE)
    on_demand = OnDemand(catalogue, store, studio, holder="one")
    store.away = True
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await on_demand.ensure(media_id, "display-1280")
    store.away = False
    assert await on_demand.ensure(media_id, "display-1280") is not None


async def test_one_that_is_held_elsewhere_for_long_is_answered_later(
    catalogue: Catalogue, store: AwayStore, studio: Counting, large: bytes
) -> None:
    _, media_id = await _picture(catalogue, store, large, LARGE)
    held = await catalogue.claims.take(f"rendition:{media_id}", "another", timedelta(hours=1))
    assert held is not None
    on_demand = OnDemand(catalogue, store, studio, holder="one", wait_seconds=0.3)
    with pytest.raises(StudioBusy):
        await on_demand.ensure(media_id, "display-1280")
    await catalogue.claims.release(held)
    assert await on_demand.ensure(media_id, "display-1280") is not None


async def test_nothing_is_made_of_a_removed_post(
    catalogue: Catalogue, store: AwayStore, studio: Counting, large: bytes
) -> None:
    post_id, media_id = await _picture(catalogue, store, large, LARGE)
    await catalogue.moderation.act(post_id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)
    assert await OnDemand(catalogue, store, studio, holder="one").ensure(media_id, "display-1280") is None
    assert studio.asked == []


async def test_bytes_that_were_given_up_meanwhile_leave_no_rendition(
    catalogue: Catalogue, store: AwayStore, studio: Counting, large: bytes
) -> None:
    _, media_id = await _picture(catalogue, store, large, LARGE)
    one = StoredRendition(role="display-1280", width=1, height=1, type="image/webp", bytes=1, key="k")
    await catalogue.media.purged(media_id)
    assert not await catalogue.media.add_renditions(media_id, [one])


async def test_a_rendition_is_recorded_once(
    catalogue: Catalogue, store: AwayStore, studio: Counting, large: bytes
) -> None:
    _, media_id = await _picture(catalogue, store, large, LARGE)
    one = StoredRendition(role="display-1280", width=1, height=1, type="image/webp", bytes=1, key="first")
    assert await catalogue.media.add_renditions(media_id, [one])
    assert not await catalogue.media.add_renditions(media_id, [replace(one, key="second")])
    found = await catalogue.media.find(media_id, "display-1280")
    assert found is not None
    assert found.key == "first"


@pytest.mark.parametrize("role", ["poster", "display-9999", "original"])
async def test_other_roles_are_only_looked_up(
    catalogue: Catalogue, store: AwayStore, studio: Counting, large: bytes, role: str
) -> None:
    _, media_id = await _picture(catalogue, store, large, LARGE, kept=False)
    on_demand = OnDemand(catalogue, store, studio, holder="one")
    assert await on_demand.ensure(media_id, role) is None
    assert await on_demand.ensure(media_id, "display-1280") is None
    assert await on_demand.ensure("0" * 26, "display-1280") is None
    assert studio.asked == []
