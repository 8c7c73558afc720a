"""One-time addresses and the slots behind them: of several that come at once, and at several relays."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.waiting import until
from tests.relay.uploads.place import MIB, PATIENT, Place, jpeg, place
from wall.catalogue import Catalogue
from wall.catalogue.uploads import Held, Upload
from wall.errors import CatalogueUnavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def here(catalogue: Catalogue, tmp_path: Path) -> AsyncGenerator[Place]:
    async with place(catalogue, tmp_path) as found:
        yield found


async def test_who_asks_for_ever_more_addresses_waits_though_each_was_given_up(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    async with place(catalogue, tmp_path, replace(PATIENT, asks=2, asks_rate=0.01)) as here:
        for number in range(2):
            asked = await here.ask(1000, guest=f"{number}" * 52)
            assert asked.status == 201
            await here.call("DELETE", f"/api/uploads/{asked.fields['id']}", guest=f"{number}" * 52)
        refused = await here.ask(1000)
        assert (refused.status, refused.code) == (503, "busy")
        assert 50 < int(refused.headers["retry-after"]) <= 100


async def test_without_a_slot_a_guest_is_told_when_to_come_back(here: Place) -> None:
    first, _ = await here.address(1000)
    await here.address(1000)
    answer = await here.ask(1000)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "busy", "1")
    await here.call("DELETE", f"/api/uploads/{first}")
    await here.address(1000)


async def test_an_address_used_at_another_relay_gives_its_slot_back(here: Place, tmp_path: Path) -> None:
    async with place(here.catalogue, tmp_path, store=here.store) as there:
        for _ in range(4):
            data = jpeg()
            _, url = await here.address(len(data))
            assert (await there.put(url, data)).status == 201
    assert len(here.uploads.slots) <= 2


async def test_an_address_is_as_good_as_before_where_no_slot_was_free(here: Place, tmp_path: Path) -> None:
    data = jpeg()
    _, url = await here.address(len(data))
    async with place(here.catalogue, tmp_path, replace(PATIENT, slots=0), here.store) as full:
        answer = await full.put(url, data)
        assert (answer.status, answer.code) == (503, "busy")
    assert (await here.put(url, data)).status == 201


async def test_a_wrong_length_that_comes_too_late_frees_nobodys_slot(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = jpeg(MIB)
    upload_id, url = await here.address(len(data))
    seen, go_on = asyncio.Event(), asyncio.Event()
    get = here.catalogue.uploads.get

    async def slow_at_first(upload_id: str) -> Upload:
        upload = await get(upload_id)
        if not seen.is_set():
            seen.set()
            await go_on.wait()
        return upload

    monkeypatch.setattr(here.catalogue.uploads, "get", slow_at_first)
    wrong = await here.wire()
    await wrong.begin(url, len(data) + 1)
    await seen.wait()
    right = await here.wire()
    await right.begin(url, len(data))
    await right.send(data[:-1])
    await until(lambda: here.store.puts == 1, "the store to see some of it")
    go_on.set()
    assert (await wrong.answer()).code == "used"
    assert (len(here.uploads.slots), here.uploads.slots.running) == (1, 1)
    await right.send(data[-1:])
    assert (await right.answer()).status == 201
    assert len(here.uploads.slots) == 0
    for wire in (wrong, right):
        wire.close()
    assert (await here.show(upload_id))["state"] == "stored"


async def test_who_loses_an_address_of_another_relay_takes_nobodys_slot_along(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = jpeg(MIB)
    upload_id, url = await here.address(len(data))
    begin, get = here.catalogue.uploads.begin, here.catalogue.uploads.get
    begun, go_on = asyncio.Event(), asyncio.Event()
    looks = 0

    async def slow_at_first(upload: Upload, **known: Any) -> Held:
        if not begun.is_set():
            begun.set()
            await go_on.wait()
        return await begin(upload, **known)

    async def watched(upload_id: str) -> Upload:
        nonlocal looks
        looks += 1
        return await get(upload_id)

    monkeypatch.setattr(here.catalogue.uploads, "begin", slow_at_first)
    monkeypatch.setattr(here.catalogue.uploads, "get", watched)
    async with place(here.catalogue, tmp_path, store=here.store) as there:
        here.store.confirming.clear()
        puts = [asyncio.create_task(there.put(url, data))]
        await begun.wait()
        puts.append(asyncio.create_task(there.put(url, data)))
        await until(lambda: looks == 2, "the second one to come in")
        for _ in range(5):  # and to get as far as it can
            await there.show(upload_id)
        go_on.set()
        [first], _ = await asyncio.wait(puts, return_when=asyncio.FIRST_COMPLETED)
        assert first.result().code == "used"
        assert (len(there.uploads.slots), there.uploads.slots.running) == (1, 1)
        here.store.confirming.set()
        answers = await asyncio.gather(*puts)
        assert sorted(answer.status for answer in answers) == [201, 409]
        assert len(there.uploads.slots) == 0


async def test_an_address_that_could_not_be_used_keeps_its_slot_for_its_time(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = jpeg()
    _, url = await here.address(len(data))
    with monkeypatch.context() as patch:

        async def failing(upload: Upload, **known: Any) -> Held:
            raise CatalogueUnavailable("The database is away.")

        patch.setattr(here.catalogue.uploads, "begin", failing)
        assert (await here.put(url, data)).code == "busy"
    assert (len(here.uploads.slots), here.uploads.slots.running) == (1, 0)
    assert (await here.put(url, data)).status == 201
