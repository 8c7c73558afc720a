"""Large files go straight to the store, and count only once we have looked at them."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.signing_store import SigningStore, signing_store
from tests.relay.uploads.place import PATIENT, Answer, Place, jpeg, place
from wall.catalogue import Catalogue
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio

LARGE = 200_000
DIRECT = replace(PATIENT, direct=100_000)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SigningStore]:
    async with signing_store(tmp_path / "store") as made:
        yield made


@pytest.fixture
async def here(catalogue: Catalogue, tmp_path: Path, store: SigningStore) -> AsyncGenerator[Place]:
    async with place(catalogue, tmp_path, DIRECT, store) as found:
        yield found


async def _send(here: Place, asked: Answer, data: bytes) -> int:
    fields = asked.fields
    async with here.client.request(fields["method"], fields["url"], data=data, headers=fields["headers"]) as answer:
        return answer.status


async def test_a_large_file_goes_to_the_store_itself_and_is_the_guests_once_it_is_complete(
    here: Place, store: SigningStore
) -> None:
    data = jpeg(LARGE)
    asked = await here.ask(LARGE)
    assert (asked.status, asked.fields["mode"]) == (201, "direct")
    assert asked.fields["url"].startswith(store.base)
    assert len(here.uploads.slots) == 0
    early = await here.call("POST", asked.fields["complete"])
    assert (early.status, early.code) == (409, "missing")
    assert await _send(here, asked, data) == 201
    for _ in range(2):  # whoever lost the first answer asks again
        done = await here.call("POST", asked.fields["complete"])
        assert (done.status, done.fields["state"], done.fields["type"]) == (201, "stored", "image/jpeg")
    upload = await here.catalogue.uploads.get(asked.fields["id"])
    assert store.files() == [upload.key]
    opened = await store.open(upload.key)
    assert b"".join([chunk async for chunk in opened.chunks]) == data
    assert await here.posts() == 1


async def test_a_small_file_comes_through_the_relay(here: Place) -> None:
    asked = await here.ask(1000)
    assert (asked.fields["mode"], asked.fields["complete"]) == ("relay", None)
    answer = await here.call("POST", f"/api/uploads/{asked.fields['id']}/complete")
    assert answer.status == 404


async def test_while_all_slots_are_taken_small_files_go_to_the_store_as_well(
    catalogue: Catalogue, tmp_path: Path, store: SigningStore
) -> None:
    async with place(catalogue, tmp_path, replace(DIRECT, slots=1), store) as busy:
        assert [(await busy.ask(1000)).fields["mode"] for _ in range(2)] == ["relay", "direct"]


async def test_a_store_that_signs_nothing_gets_large_files_through_the_relay(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    async with place(catalogue, tmp_path, DIRECT) as here:
        assert (await here.ask(LARGE)).fields["mode"] == "relay"
        assert (await here.add(jpeg(LARGE))).status == 201


async def test_what_the_wall_refuses_never_gets_to_a_signature(here: Place, store: SigningStore) -> None:
    refused = [await here.ask(LARGE, consent=False), await here.ask(2**40)]
    assert [answer.code for answer in refused] == ["consent", "size"]
    assert store.signed == 0


async def test_who_can_not_reach_the_store_says_so_and_sends_through_the_relay(here: Place) -> None:
    assert (await here.ask(LARGE, direct=False)).fields["mode"] == "relay"


async def test_who_left_addresses_of_the_store_unused_sends_the_next_file_through_the_relay(here: Place) -> None:
    assert [(await here.ask(LARGE)).fields["mode"] for _ in range(3)] == ["direct", "direct", "relay"]


def _another() -> str:
    return new_key() + new_key()


async def test_one_address_has_so_many_of_the_stores_however_many_guests_it_makes_up(here: Place) -> None:
    modes = [(await here.ask(LARGE, guest=_another())).fields["mode"] for _ in range(6)]
    assert modes == ["direct"] * 4 + ["relay"] * 2


async def test_a_process_gives_so_many_of_the_stores_addresses(
    catalogue: Catalogue, tmp_path: Path, store: SigningStore
) -> None:
    async with place(catalogue, tmp_path, replace(DIRECT, direct_slots=1), store) as here:
        assert [(await here.ask(LARGE)).fields["mode"] for _ in range(2)] == ["direct", "relay"]


async def test_an_address_of_the_store_that_is_given_up_still_counts_and_one_that_arrived_does_not(
    catalogue: Catalogue, tmp_path: Path, store: SigningStore
) -> None:
    async with place(catalogue, tmp_path, replace(DIRECT, direct_slots=1), store) as here:
        asked = await here.ask(LARGE)
        assert await _send(here, asked, jpeg(LARGE)) == 201
        assert (await here.call("POST", asked.fields["complete"])).status == 201
        for mode in ("direct", "relay"):
            guest = _another()
            asked = await here.ask(LARGE, guest=guest)
            assert asked.fields["mode"] == mode
            assert (await here.call("DELETE", f"/api/uploads/{asked.fields['id']}", guest=guest)).status == 200


async def test_an_address_of_the_store_whose_file_another_process_completed_is_given_back(
    catalogue: Catalogue, tmp_path: Path, store: SigningStore
) -> None:
    async with (
        place(catalogue, tmp_path, replace(DIRECT, direct_slots=1), store) as here,
        place(catalogue, tmp_path, DIRECT, store) as there,
    ):
        asked = await here.ask(LARGE)
        assert await _send(here, asked, jpeg(LARGE)) == 201
        assert (await here.ask(LARGE, guest=_another())).fields["mode"] == "relay"
        assert (await there.call("POST", asked.fields["complete"])).status == 201
        assert (await here.ask(LARGE, guest=_another())).fields["mode"] == "direct"
        assert len(here.uploads.direct) == 1


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"%PDF-1.7" + bytes(LARGE - 8), 415, "type"),
        (jpeg(LARGE - 1), 400, "length"),
        (jpeg(LARGE + 1), 400, "length"),
    ],
)
async def test_what_is_not_what_was_promised_is_deleted(here: Place, data: bytes, status: int, code: str) -> None:
    asked = await here.ask(LARGE)
    await _send(here, asked, data)
    answer = await here.call("POST", asked.fields["complete"])
    assert (answer.status, answer.code) == (status, code)
    shown = await here.until_nothing_is_left(asked.fields["id"])
    assert shown["state"] == "aborted"
    assert (await here.call("POST", asked.fields["complete"])).code == "used"


async def _complete(here: Place, data: bytes, **fields: Any) -> Answer:
    """All three steps."""
    asked = await here.ask(len(data), **fields)
    assert asked.status == 201, asked
    assert await _send(here, asked, data) == 201
    return await here.call("POST", asked.fields["complete"])


async def test_the_same_file_comes_to_a_wall_once_whichever_way_it_takes(here: Place, store: SigningStore) -> None:
    data = jpeg(LARGE)
    first = await _complete(here, data)
    assert first.status == 201
    [kept] = store.files()
    again = await _complete(here, data)
    assert (again.status, again.code, again.fields["error"]["upload"]) == (409, "already", first.fields["id"])
    # with its hash said beforehand it costs no bytes, and through the relay it is the same file
    promised = await here.ask(LARGE, sha256=hashlib.sha256(data).hexdigest())
    assert (promised.status, promised.code) == (409, "already")
    async with place(here.catalogue, store.root, replace(DIRECT, direct=LARGE), store) as through:
        assert (await through.add(data)).code == "already"
    assert await here.posts() == 1
    assert store.files() == [kept]


async def test_a_promised_hash_is_compared_with_what_came_not_believed(here: Place) -> None:
    answer = await _complete(here, jpeg(LARGE), sha256=hashlib.sha256(b"another picture").hexdigest())
    assert (answer.status, answer.code) == (400, "hash")
    assert await here.left() is None
    data = jpeg(LARGE)
    assert (await _complete(here, data, sha256=hashlib.sha256(data).hexdigest())).status == 201


async def test_a_file_too_large_to_read_back_is_the_same_as_itself_alone(
    catalogue: Catalogue, tmp_path: Path, store: SigningStore
) -> None:
    data = jpeg(LARGE)
    # whatever it promised, nobody has seen it
    promise = hashlib.sha256(b"another picture").hexdigest()
    async with place(catalogue, tmp_path, replace(DIRECT, hash_most=LARGE - 1), store) as here:
        assert [(await _complete(here, data, sha256=promise)).status for _ in range(2)] == [201, 201]
        assert await here.posts() == 2


async def test_a_file_that_comes_back_too_slowly_is_taken_without_its_hash(
    catalogue: Catalogue, tmp_path: Path, store: SigningStore
) -> None:
    async with place(catalogue, tmp_path, replace(DIRECT, hash_within=0.05), store) as here:
        asked = await here.ask(LARGE)
        await _send(here, asked, jpeg(LARGE))
        store.slow_from = LARGE // 2
        assert (await here.call("POST", asked.fields["complete"])).status == 201
        assert (await here.catalogue.uploads.get(asked.fields["id"])).sha256 is None


async def test_a_store_that_breaks_while_it_is_read_back_leaves_it_as_it_was(here: Place, store: SigningStore) -> None:
    data = jpeg(LARGE)
    asked = await here.ask(LARGE)
    await _send(here, asked, data)
    store.breaks_from = LARGE // 2
    answer = await here.call("POST", asked.fields["complete"])
    assert (answer.status, answer.code) == (503, "store")
    store.breaks_from = None
    assert (await here.call("POST", asked.fields["complete"])).status == 201
    upload = await here.catalogue.uploads.get(asked.fields["id"])
    assert upload.sha256 == hashlib.sha256(data).hexdigest()


async def test_what_is_sent_after_the_look_changes_nothing(here: Place, store: SigningStore) -> None:
    data = jpeg(LARGE)
    asked = await here.ask(LARGE)
    await _send(here, asked, data)
    await here.call("POST", asked.fields["complete"])
    await _send(here, asked, jpeg(LARGE))
    upload = await here.catalogue.uploads.get(asked.fields["id"])
    opened = await store.open(upload.key)
    assert b"".join([chunk async for chunk in opened.chunks]) == data
    # and what was sent is found when the address is over
    assert upload.quarantine in store.files()


async def test_a_store_that_is_away_leaves_it_as_it_was(here: Place, store: SigningStore) -> None:
    asked = await here.ask(LARGE)
    await _send(here, asked, jpeg(LARGE))
    store.away = True
    answer = await here.call("POST", asked.fields["complete"])
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "store", "1")
    store.away = False
    assert (await here.call("POST", asked.fields["complete"])).status == 201


async def test_others_can_not_complete_it_and_its_guest_can_withdraw_it(here: Place) -> None:
    asked = await here.ask(LARGE)
    await _send(here, asked, jpeg(LARGE))
    other = "another-guest-of-these-tests-012"
    assert (await here.call("POST", asked.fields["complete"], guest=other)).status == 404
    assert (await here.call("DELETE", f"/api/uploads/{asked.fields['id']}")).fields["state"] == "withdrawn"
    assert await here.left() is None
    assert (await here.call("POST", asked.fields["complete"])).code == "used"
