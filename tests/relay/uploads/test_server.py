"""Guests add pictures: a real server, plain sockets, a real folder; and after every trouble nothing is left."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.uploads import open_wall
from tests.fakes.waiting import until
from tests.relay.uploads.place import MIB, PATIENT, TOKEN, Place, jpeg, place
from wall.catalogue import Catalogue
from wall.catalogue.uploads import Held, Upload
from wall.errors import CatalogueUnavailable
from wall.states import State

pytestmark = pytest.mark.anyio

OTHER = "another-guest-of-these-tests-012"


@pytest.fixture
async def here(catalogue: Catalogue, tmp_path: Path) -> AsyncGenerator[Place]:
    async with place(catalogue, tmp_path) as found:
        yield found


# ── what goes well ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [1000, 64 * 1024, 3 * MIB + 7])
async def test_a_picture_goes_whole_from_the_guest_to_the_store_and_the_wall(here: Place, size: int) -> None:
    data = jpeg(size)
    asked = await here.ask(size, author="Ada", caption="At last!", sha256=hashlib.sha256(data).hexdigest())
    assert (asked.status, asked.fields["mode"], asked.fields["method"]) == (201, "relay", "PUT")
    assert asked.headers["location"] == f"/api/uploads/{asked.fields['id']}"
    answer = await here.put(asked.fields["url"], data)
    assert answer.status == 201
    assert answer.fields["state"] == "stored"
    assert answer.fields["type"] == "image/jpeg"
    upload = await here.catalogue.uploads.get(asked.fields["id"])
    opened = await here.store.open(upload.key)
    assert b"".join([chunk async for chunk in opened.chunks]) == data
    assert upload.sha256 == hashlib.sha256(data).hexdigest()
    post = await here.catalogue.posts.get(answer.fields["post"])
    assert (post.post.author.name, post.post.text, post.state) == ("Ada", "At last!", State.RECEIVED)
    assert len(here.uploads.slots) == 0


async def test_what_the_bytes_are_counts_and_not_what_the_browser_says(here: Place) -> None:
    answer = await here.add(jpeg(), type="", name="IMG_0001.HEIC")
    assert (answer.status, answer.fields["type"]) == (201, "image/jpeg")
    video = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100_000)
    answer = await here.add(video, type="image/jpeg")
    assert (answer.status, answer.fields["type"]) == (201, "video/mp4")


async def test_a_guest_sees_their_uploads_and_nobody_elses(here: Place) -> None:
    added = (await here.add(jpeg())).fields
    listed = await here.call("GET", "/api/walls/main/uploads")
    assert [upload["id"] for upload in listed.fields["uploads"]] == [added["id"]]
    assert (await here.call("GET", "/api/walls/main/uploads", guest=OTHER)).fields == {"uploads": []}
    path, key = f"/api/uploads/{added['id']}", added["receipt"].partition("#key=")[2]
    assert added["receipt"].startswith(f"/u/{added['id']}#")
    shown = await here.call("GET", path, guest=None, Authorization=f"Bearer {key}")
    assert (shown.status, shown.fields["id"], shown.headers["cache-control"]) == (200, added["id"], "no-store")
    for method in ("GET", "DELETE"):
        assert (await here.call(method, path, guest=OTHER)).status == 404
        assert (await here.call(method, path, guest=None)).status == 404
        assert (await here.call(method, path, guest=None, Authorization="Bearer " + "a" * 26)).status == 404


async def test_a_receipts_key_is_compared_in_a_time_that_says_nothing_about_it(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = (await here.add(jpeg())).fields
    key = added["receipt"].partition("#key=")[2]
    compared: list[object] = []
    compare = hmac.compare_digest

    def watched(given: bytes, expected: bytes) -> bool:
        compared.append(expected)
        return compare(given, expected)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    path = f"/api/uploads/{added['id']}"
    for wrong in ("a" * 26, key[:-1], "\u00e9" * 26):
        assert (await here.call("GET", path, guest=None, Authorization=f"Bearer {wrong}")).status == 404
    assert compared.count(key.encode()) == 3


async def test_a_withdrawn_picture_is_gone_at_once_as_often_as_one_asks(here: Place) -> None:
    added = (await here.add(jpeg())).fields
    for _ in range(2):
        answer = await here.call("DELETE", f"/api/uploads/{added['id']}")
        assert (answer.status, answer.fields["state"], answer.fields["final"]) == (200, "withdrawn", True)
        assert await here.left() is None
    assert (await here.catalogue.posts.get(added["post"])).state is State.REMOVED
    assert await here.catalogue.media.purgeable(10) == []


# ── what is refused before a byte ────────────────────────────────────────────────────────────────────────────────


async def test_who_may_not_add_is_told_why(here: Place) -> None:
    answers = {
        "guest": await here.ask(1000, guest=None),
        "request": await here.ask(0),
        "consent": await here.ask(1000, consent=False),
        "type": await here.ask(1000, type="application/pdf"),
        "size": await here.ask(200 * MIB),
        "not-found": await here.ask(1000, wall="none"),
        "origin": await here.call("POST", "/api/walls/main/uploads", {}, Origin="https://evil.example"),
    }
    assert {code: answer.status for code, answer in answers.items()} == {
        "guest": 400,
        "request": 400,
        "consent": 403,
        "type": 415,
        "size": 413,
        "not-found": 404,
        "origin": 403,
    }
    assert {code: answer.code for code, answer in answers.items()} == {code: code for code in answers}
    assert "HEIC" in answers["type"].fields["error"]["sentence"]
    assert answers["size"].fields["error"]["limit"] == 100 * MIB
    absurd = await here.ask(10**400)
    assert (absurd.status, absurd.code) == (413, "size")
    await open_wall(here.catalogue, enabled=False)
    assert (await here.ask(1000)).code == "off"
    assert len(here.uploads.slots) == 0


async def test_a_request_that_is_no_json_is_refused(here: Place) -> None:
    json_type = "application/json"
    for body, kind in ((b"{", json_type), (b"[]", json_type), (b"[" * 16_000, json_type), (b"{}", "text/plain")):
        wire = await here.wire()
        lines = (f"X-Frieze-Guest: {TOKEN}", f"Content-Type: {kind}")
        await wire.begin("/api/walls/main/uploads", len(body), *lines, method="POST")
        await wire.send(body)
        assert (await wire.answer()).code == "request"
        wire.close()


async def test_other_methods_and_paths_are_refused(here: Place) -> None:
    answer = await here.call("PATCH", "/api/walls/main/uploads")
    assert (answer.status, answer.headers["allow"]) == (405, "POST, GET, OPTIONS")
    for path in ("/api/uploads/", "/api/uploads/x", f"/api/uploads/{'0' * 26}/bytes/{'A' * 26}"):
        assert (await here.call("GET", path)).status == 404


async def test_a_picture_that_is_there_costs_no_bytes(here: Place) -> None:
    data = jpeg()
    added = (await here.add(data)).fields
    again = await here.ask(len(data), sha256=hashlib.sha256(data).hexdigest())
    assert (again.status, again.code, again.fields["error"]["upload"]) == (409, "already", added["id"])
    # without its hash beforehand it is known by its bytes
    sent = await here.add(data)
    assert (sent.status, sent.code, sent.fields["error"]["upload"]) == (409, "already", added["id"])
    assert len(here.store.files()) == 1


async def test_a_secret_wall_takes_pictures_of_those_with_a_link_and_is_not_there_for_others(here: Place) -> None:
    wall = await here.catalogue.walls.add("party", "Party", secret=True)
    await open_wall(here.catalogue, "party", only=True)
    wall = await here.catalogue.walls.get("party")
    links = here.catalogue.links
    for bearer in (await links.key(wall), await links.adding_key(wall), await links.token(wall)):
        asked = {"size": 1000, "type": "", "name": "", "consent": True}
        answer = await here.call("POST", "/api/walls/party/uploads", asked, Authorization=f"Bearer {bearer}")
        assert answer.status == 201, answer
        await here.call("DELETE", f"/api/uploads/{answer.fields['id']}")
    secret, missing = await here.ask(1000, wall="party"), await here.ask(1000, wall="nobody")
    assert (secret.status, missing.status) == (404, 404)
    assert secret.fields["error"]["sentence"].replace("party", "nobody") == missing.fields["error"]["sentence"]


# ── what breaks on the guest's side ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rudely", [True, False])
@pytest.mark.parametrize("share", [0.0, 1e-9, 0.5, 1.0])
async def test_a_connection_that_breaks_leaves_nothing(here: Place, share: float, rudely: bool) -> None:
    data = jpeg(2 * MIB)
    upload_id, url = await here.address(len(data))
    upto = max(min(int(share * len(data)), len(data) - 1), 1 if share else 0)  # 0, 1, half, last but one
    wire = await here.wire()
    await wire.begin(url, len(data))
    await wire.send(data[:upto])
    if share >= 0.5:
        await until(lambda: here.store.puts == 1, "the store to see some of it")
    wire.reset() if rudely else wire.close()
    shown = await here.until_nothing_is_left(upload_id)
    assert (shown["state"], shown["reason"]) == ("aborted", "The connection broke before all of it was here.")
    assert (await here.put(url, data)).code == "used"


async def test_who_leaves_after_the_last_byte_has_added_it(here: Place) -> None:
    data = jpeg(MIB)
    here.store.confirming.clear()
    upload_id, url = await here.address(len(data))
    wire = await here.wire()
    await wire.begin(url, len(data))
    await wire.send(data)
    await until(lambda: len(here.store.files()) == 1, "the store to have all of it")
    wire.reset()
    here.store.confirming.set()
    for _ in range(600):
        if (await here.show(upload_id))["state"] == "stored":
            break
        await asyncio.sleep(0.05)
    assert await here.posts() == 1
    assert (await here.put(url, data)).code == "used"


@pytest.mark.parametrize("upto", [0, 1000, 500_000])
async def test_a_guest_who_stalls_is_given_up(catalogue: Catalogue, tmp_path: Path, upto: int) -> None:
    async with place(catalogue, tmp_path, replace(PATIENT, idle=0.3, linger=0.1)) as here:
        data = jpeg(MIB)
        upload_id, url = await here.address(len(data))
        wire = await here.wire()
        await wire.begin(url, len(data))
        await wire.send(data[:upto])
        answer = await wire.answer()
        assert (answer.status, answer.code) == (408, "idle")
        await here.until_nothing_is_left(upload_id)
        wire.close()


async def test_a_guest_who_trickles_is_given_up(catalogue: Catalogue, tmp_path: Path) -> None:
    slow = replace(PATIENT, grace=0.5, window=0.5, rate=MIB, linger=0.1)
    async with place(catalogue, tmp_path, slow) as here:
        data = jpeg(8 * MIB)
        upload_id, url = await here.address(len(data))
        wire = await here.wire()
        await wire.begin(url, len(data))
        answering = asyncio.create_task(wire.answer())
        for at in range(0, len(data), 1024):
            if answering.done():
                break
            try:
                await wire.send(data[at : at + 1024])
            except ConnectionError:
                break
            await asyncio.sleep(0.01)
        answer = await answering
        assert (answer.status, answer.code) == (408, "slow")
        await here.until_nothing_is_left(upload_id)
        wire.close()


async def test_a_whole_upload_takes_no_longer_than_it_may(catalogue: Catalogue, tmp_path: Path) -> None:
    async with place(catalogue, tmp_path, replace(PATIENT, longest=0.3, longest_rate=2**40, linger=0.1)) as here:
        data = jpeg(MIB)
        upload_id, url = await here.address(len(data))
        wire = await here.wire()
        await wire.begin(url, len(data))
        await wire.send(data[:-1])
        answer = await wire.answer()
        assert (answer.status, answer.code) == (408, "long")
        await here.until_nothing_is_left(upload_id)
        wire.close()


async def test_another_length_than_promised_is_refused(here: Place) -> None:
    data = jpeg(100_000)
    for length, more, status in ((99_999, (), 400), (100_001, (), 400), (None, ("Transfer-Encoding: chunked",), 411)):
        upload_id, url = await here.address(len(data))
        wire = await here.wire()
        await wire.begin(url, length, *more)
        answer = await wire.answer()
        assert (answer.status, answer.code) == (status, "length")
        wire.close()
        await here.call("DELETE", f"/api/uploads/{upload_id}")
    assert here.store.puts == 0
    assert await here.left() is None


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"%PDF-1.7", "This is a PDF document. This wall shows JPEG"),
        (b"<svg xmlns=", "This is an SVG drawing. This wall shows JPEG"),
        (b"\xff\xd8\xff\xe0\0\1", "The JPEG picture is damaged"),
        (b"PK\3\4", "This is a ZIP archive."),
    ],
)
async def test_the_store_sees_nothing_of_what_can_not_be_shown(here: Place, start: bytes, said: str) -> None:
    data = start + bytes(50_000)
    upload_id, url = await here.address(len(data))
    answer = await here.put(url, data)
    assert (answer.status, answer.code) == (415, "type")
    assert answer.fields["error"]["sentence"].startswith(said)
    assert here.store.puts == 0
    await here.until_nothing_is_left(upload_id)


async def test_a_refusal_is_heard_while_the_guest_still_sends(here: Place) -> None:
    data = b"%PDF-1.7" + bytes(20 * MIB)
    answer = await here.add(data)
    assert (answer.status, answer.code) == (415, "type")


async def test_other_bytes_than_promised_are_rolled_back(here: Place) -> None:
    data = jpeg()
    upload_id, url = await here.address(len(data), sha256="0" * 64)
    answer = await here.put(url, data)
    assert (answer.status, answer.code) == (400, "hash")
    await here.until_nothing_is_left(upload_id)


async def test_of_two_at_once_on_one_address_one_is_let_in(here: Place) -> None:
    data = jpeg(MIB)
    _, url = await here.address(len(data))
    answers = await asyncio.gather(here.put(url, data), here.put(url, data))
    assert sorted(answer.status for answer in answers) == [201, 409]
    assert (len(here.store.files()), await here.posts(), len(here.uploads.slots)) == (1, 1, 0)
    assert (await here.put(url, data)).code == "used"


async def test_a_guest_may_withdraw_while_the_bytes_come_in(here: Place) -> None:
    data = jpeg(2 * MIB)
    upload_id, url = await here.address(len(data))
    wire = await here.wire()
    await wire.begin(url, len(data))
    await wire.send(data[:MIB])
    await until(lambda: here.store.puts == 1, "the store to see some of it")
    answer = await here.call("DELETE", f"/api/uploads/{upload_id}")
    assert answer.fields["state"] == "withdrawn"
    assert (await wire.answer()).code == "used"
    wire.close()
    assert (await here.until_nothing_is_left(upload_id))["state"] == "withdrawn"


# ── what breaks on ours ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("where", ["half", "end", "stall", "silence"])
async def test_a_store_that_fails_leaves_nothing(catalogue: Catalogue, tmp_path: Path, where: str) -> None:
    async with place(catalogue, tmp_path, replace(PATIENT, store_stall=0.3, store_answer=0.3, linger=0.1)) as here:
        data = jpeg(3 * MIB)
        upload_id, url = await here.address(len(data))
        match where:
            case "half":
                here.store.fail_after = MIB
            case "end":
                here.store.fail_at_the_end = True
            case "stall":
                here.store.flowing.clear()
            case _:
                here.store.confirming.clear()
        answer = await here.put(url, data)
        assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "store", "1")
        shown = await here.until_nothing_is_left(upload_id)
        assert shown["state"] == "aborted"


async def test_a_store_that_is_slow_stops_the_guest_and_not_the_memory(here: Place) -> None:
    data = jpeg(40 * MIB)
    upload_id, url = await here.address(len(data))
    here.store.flowing.clear()
    wire = await here.wire()
    await wire.begin(url, len(data))
    sending = asyncio.create_task(wire.send(data))
    await until(lambda: here.store.puts == 1, "the store to be asked")
    seen = -1
    for _ in range(100):
        before, seen = seen, here.uploads.received(upload_id)
        if seen == before:
            break
        await asyncio.sleep(0.3)
    # the pipe, what was looked at, and one read of the server's
    assert seen <= PATIENT.buffer + PATIENT.head + MIB
    here.store.flowing.set()
    await sending
    assert (await wire.answer()).status == 201
    wire.close()


async def test_a_relay_that_stops_lets_what_runs_finish(here: Place) -> None:
    data = jpeg(MIB)
    _, url = await here.address(len(data))
    _, later = await here.address(len(data))
    wire = await here.wire()
    await wire.begin(url, len(data))
    await wire.send(data[:-1])
    await until(lambda: here.store.puts == 1, "the store to see some of it")
    closing = asyncio.create_task(here.uploads.close(20, 5))
    await until(lambda: here.uploads.stopping, "it to stop")
    assert (await here.ask(1000)).code == "busy"
    assert (await here.put(later, data)).code == "busy"
    await wire.send(data[-1:])
    assert (await wire.answer()).status == 201
    await closing
    wire.close()


async def test_a_relay_that_must_stop_rolls_back_what_runs(here: Place) -> None:
    data = jpeg(MIB)
    upload_id, url = await here.address(len(data))
    wire = await here.wire()
    await wire.begin(url, len(data))
    await wire.send(data[:-1])
    await until(lambda: here.store.puts == 1, "the store to see some of it")
    await here.uploads.close(0, 10)
    answer = await wire.answer()
    assert (answer.status, answer.code) == (503, "store")
    await here.until_nothing_is_left(upload_id)
    wire.close()


async def test_a_commit_that_nobody_heard_of_counts(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = here.catalogue.uploads.finish

    async def unheard(held: Held, **known: Any) -> Upload:
        await finish(held, **known)
        raise CatalogueUnavailable("The database hung up.")

    monkeypatch.setattr(here.catalogue.uploads, "finish", unheard)
    answer = await here.add(jpeg())
    assert (answer.status, answer.fields["state"]) == (201, "stored")
    assert (len(here.store.files()), await here.posts()) == (1, 1)


async def test_a_commit_that_failed_is_rolled_back(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(held: Held, **known: Any) -> Upload:
        raise CatalogueUnavailable("The database is away.")

    monkeypatch.setattr(here.catalogue.uploads, "finish", failing)
    data = jpeg()
    upload_id, url = await here.address(len(data))
    assert (await here.put(url, data)).code == "store"
    await here.until_nothing_is_left(upload_id)


async def test_a_handler_that_is_cut_off_rolls_back_by_itself(here: Place) -> None:
    data = jpeg(MIB)
    upload_id, url = await here.address(len(data))
    wire = await here.wire()
    await wire.begin(url, len(data))
    await wire.send(data[:-1])
    await until(lambda: here.store.puts == 1, "the store to see some of it")
    for task in asyncio.all_tasks():
        if "run_asgi" in repr(task):  # as uvicorn does at the end of its patience
            task.cancel()
    await here.until_nothing_is_left(upload_id)
    wire.close()
