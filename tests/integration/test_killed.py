"""Guests add 200 pictures while the relay and the store are killed again and again: all come, none twice, none half."""

import asyncio
import hashlib
import os
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import anyio
import pytest
from sqlalchemy import select, update
from yarl import URL

from frieze.storage.reconciling import Reconciled, reconcile
from tests.fakes.uploads import open_wall
from tests.fakes.waiting import until
from tests.integration.swift import PASSWORD, USER, running_swift
from tests.integration.vendors import make_minio_bucket, running_minio
from tests.postgres import free_port
from tests.processes import Frieze, frieze
from tests.relay.uploads.place import jpeg
from wall.catalogue import Catalogue
from wall.catalogue import tables as t
from wall.store import open_store
from wall.store.base import Store
from wall.uploads import UploadState

pytestmark = pytest.mark.anyio

PICTURES, GUESTS = 200, 12
RELAYS = 3  # how often the relay is killed
LARGE = 9_000_000  # bytes: on S3 such a picture goes up in parts
STORES = ("swift",) + (("minio", "minio, directly") if os.environ.get("FRIEZE_TEST_STORES") else ())
PIECE = 16 * 1024
# seconds for all of it, which takes one minute; on a busy machine some
PATIENCE = 300.0
# what the page takes for arrived (web/ui/src/guest/sender.ts)
_THERE = ("stored", "waiting", "later", "shown", "refused", "removed", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """The store that Frieze runs on: its settings, its parts that are killed, and how to look at what it hides."""

    settings: dict[str, str]
    victims: tuple[str, ...]
    kill: Callable[[str], None]
    start_again: Callable[[str], None]
    catch_up: Callable[[], None]  # what it does by itself some time after a part was dead
    half: Callable[[], list[str]]  # segments and parts that belong to no object
    large: int = 0  # so many of the pictures are large

    async def open(self) -> Store:
        settings = self.settings
        return await open_store(
            settings["FRIEZE_STORE_URL"], settings["FRIEZE_STORE_USER"], settings["FRIEZE_STORE_PASSWORD"]
        )


@contextmanager
def _swift(folder: Path) -> Generator[Behind]:
    folder.mkdir()
    with running_swift(folder) as swift:

        def catch_up() -> None:
            if swift.owes():
                swift.catch_up()

        yield Behind(
            settings={
                "FRIEZE_STORE_URL": swift.url("wall"),
                "FRIEZE_STORE_USER": USER,
                "FRIEZE_STORE_PASSWORD": PASSWORD,
            },
            victims=(*["proxy"] * 2, *["object"] * 2),
            kill=swift.kill,
            start_again=swift.start_again,
            catch_up=catch_up,
            half=lambda: swift.names("wall_segments"),
        )


@contextmanager
def _minio(folder: Path) -> Generator[Behind]:
    folder.mkdir()
    with running_minio(folder) as minio:
        # there is no way to ask for all that is pending: it lists them by an object's whole name
        pending = folder / "data/.minio.sys/multipart"
        yield Behind(
            settings={
                "FRIEZE_STORE_URL": f"s3://{make_minio_bucket(minio)}?endpoint={minio.endpoint}",
                "FRIEZE_STORE_USER": minio.user,
                "FRIEZE_STORE_PASSWORD": minio.password,
            },
            victims=("minio",) * 4,
            kill=lambda _: minio.process.kill(),
            start_again=lambda _: minio.process.start_again(),
            catch_up=lambda: None,
            half=lambda: [str(path) for path in pending.glob("**/xl.meta")],
            large=8,
        )


@dataclass
class Killing:
    """A Frieze and its store, both to be killed. `sent`: bytes that guests have sent, also in vain."""

    process: Frieze
    base: str
    behind: Behind
    directly: bool  # guests send straight to the store
    chance: random.Random
    sent: int = 0
    addresses: set[str] = field(default_factory=set[str])  # of the store's own: the keys that guests could write to
    deaths: list[str] = field(default_factory=list[str])
    said: object = "nobody has asked yet"  # what they disagree in
    confirmed: dict[int, str] = field(default_factory=dict[int, str])  # by picture the upload that was answered 201

    def _sent(self, moment: int) -> bool:
        return self.sent >= moment or len(self.confirmed) == PICTURES

    async def kill_them(self, moments: list[tuple[int, str]]) -> None:
        """Each victim once so many bytes were sent."""
        for moment, victim in moments:
            await until(
                lambda moment=moment: self.sent >= moment or len(self.confirmed) == PICTURES, "the moment", PATIENCE
            )
            self.deaths.append(f"{victim} at {self.sent:,}")
            if victim == "relay":
                await asyncio.to_thread(self.process.kill)
                self.process.start_again()
                await asyncio.to_thread(self.process.until_ready, self.base)
            else:
                await asyncio.to_thread(self.behind.kill, victim)
                await asyncio.sleep(self.chance.uniform(0, 1))
                await asyncio.to_thread(self.behind.start_again, victim)


@pytest.fixture
def seed() -> int:
    """Of all that is left to chance; FRIEZE_TEST_SEED repeats a run."""
    return int(os.environ.get("FRIEZE_TEST_SEED") or random.randrange(10**6))


@pytest.fixture(params=STORES)
def killing(request: pytest.FixtureRequest, tmp_path: Path, seed: int) -> Iterator[Killing]:
    kind, _, directly = str(request.param).partition(", ")
    with {"swift": _swift, "minio": _minio}[kind](tmp_path / kind) as behind:
        port = free_port()
        settings = {
            "FRIEZE_DATA": str(tmp_path / "data"),
            "FRIEZE_PORT": str(port),
            "FRIEZE_STOMP_PORT": "0",
            "FRIEZE_DEMO": "false",
            **behind.settings,
            **({"FRIEZE_UPLOAD_DIRECT": "0"} if directly else {}),
        }
        with frieze("up", settings=settings, folder=tmp_path, module="tests.integration.hurried") as process:
            base = f"http://127.0.0.1:{port}"
            process.until_ready(base)
            yield Killing(process, base, behind, bool(directly), random.Random(seed))


class Guest:
    """Does what a guest's page does, from an address of its own; `send` ends when a picture is there."""

    def __init__(self, killing: Killing, http: aiohttp.ClientSession, number: int, chance: random.Random) -> None:
        self._killing = killing
        self._http = http
        self._chance = chance
        # Frieze believes a proxy on this machine
        self._headers = {"X-Frieze-Guest": f"guest-{number:024}", "X-Forwarded-For": f"10.0.0.{number + 1}"}

    async def send(self, picture: int, data: bytes) -> None:
        while True:
            try:
                upload_id = await self._try(picture, data)
            except (aiohttp.ClientError, OSError, TimeoutError):
                upload_id = None
            if upload_id is not None:
                self._killing.confirmed[picture] = upload_id
                return
            await self._pause()

    async def _try(self, picture: int, data: bytes) -> str | None:
        known = {"sha256": hashlib.sha256(data).hexdigest()} if picture % 2 else {}
        asked = {"size": len(data), "type": "image/jpeg", "name": "a.jpg", "caption": str(picture), "consent": True}
        status, fields = await self._ask("POST", "/api/walls/main/uploads", json=asked | known)
        if status == 409 and fields["error"]["code"] == "already":
            return await self._look(fields["error"]["upload"])
        assert status in (201, 503), fields
        if status != 201:
            return None
        if fields["mode"] == "direct":
            return await self._send_directly(fields, data)
        try:
            status, said = await self._ask("PUT", fields["url"], data=self._pieces(data), length=len(data))
        except (aiohttp.ClientError, OSError, TimeoutError):
            # all may have arrived although nobody said so
            return await self._look(fields["id"])
        if status == 409 and said["error"]["code"] == "already":
            assert said["error"]["upload"] is not None, "nobody else adds this picture"
            return await self._look(said["error"]["upload"])
        assert status in (201, 404, 409, 410, 503), said
        return fields["id"] if status == 201 else None

    async def _send_directly(self, lease: dict[str, Any], data: bytes) -> str | None:
        """Straight to the store, again and again at the same address; then say that it is there, again and again."""
        self._killing.addresses.add(urlsplit(lease["url"]).path.rpartition("/")[2])
        headers = {**lease["headers"], "Content-Length": str(len(data))}
        url = URL(lease["url"], encoded=True)

        async def put() -> int:
            async with self._http.put(url, headers=headers, data=self._pieces(data)) as answer:
                return answer.status

        status = await self._until_answered(put)
        if status >= 300:
            return None

        said: dict[str, Any] = {}

        async def complete() -> int:
            nonlocal said
            status, said = await self._ask("POST", lease["complete"])
            if status != 409 or said["error"]["code"] not in ("missing", "used"):
                return status
            # the store may be so late to show what it has confirmed, and the relay be at work on it
            _, fields = await self._ask("GET", f"/api/uploads/{lease['id']}")
            return 503 if fields.get("state") in ("leased", "receiving") else status

        status = await self._until_answered(complete)
        if status == 201:
            return lease["id"]
        assert status in (400, 404, 409, 410), said
        return await self._look(said["error"].get("upload") or lease["id"])

    async def _until_answered(self, ask: Callable[[], Awaitable[int]]) -> int:
        """The first status that is not about trouble that passes."""
        while True:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                status = await ask()
                if status < 500:
                    return status
            await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.5, 1.5))  # the page takes longer

    async def _look(self, upload_id: str) -> str | None:
        _, fields = await self._ask("GET", f"/api/uploads/{upload_id}")
        return upload_id if fields.get("state") in _THERE else None

    async def _ask(self, method: str, path: str, length: int | None = None, **what: Any) -> tuple[int, dict[str, Any]]:
        headers = self._headers if length is None else self._headers | {"Content-Length": str(length)}
        async with self._http.request(method, self._killing.base + path, headers=headers, **what) as answer:
            return answer.status, await answer.json(content_type=None) or {}

    async def _pieces(self, data: bytes) -> AsyncGenerator[bytes]:
        for at in range(0, len(data), PIECE):
            yield data[at : at + PIECE]
            self._killing.sent += len(data[at : at + PIECE])


async def _add_all(killing: Killing, pictures: list[bytes], moments: list[tuple[int, str]]) -> None:
    waiting = list(enumerate(pictures))
    timeout = aiohttp.ClientTimeout(total=60)

    async def work(guest: Guest) -> None:
        while waiting:
            await guest.send(*waiting.pop())

    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http, asyncio.TaskGroup() as tasks:
        tasks.create_task(killing.kill_them(moments))
        for number in range(GUESTS):
            tasks.create_task(work(Guest(killing, http, number, random.Random(killing.chance.random()))))


async def _snapshot(killing: Killing) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as http, http.get(f"{killing.base}/api/walls/main/snapshot") as answer:
        return (await answer.json())["posts"]


async def _disagreement(killing: Killing, catalogue: Catalogue, store: Store) -> object:
    """What the wall, the catalogue or the store claims that the others do not; None where all agree."""
    async with catalogue.database.reading() as connection:
        uploads = (await connection.execute(select(t.upload.c.id, t.upload.c.state, t.upload.c.key))).all()
    ended = (UploadState.STORED, UploadState.ABORTED)
    if alive := [(row.id, row.state) for row in uploads if row.state not in ended]:
        return "uploads that are not over", alive
    posts = await _snapshot(killing)
    captions = sorted(int(post["text"]) for post in posts)
    if captions != list(range(PICTURES)):
        return "not each picture once on the wall", len(captions), sorted(set(range(PICTURES)) - set(captions))
    if len(stored := [row for row in uploads if row.state == UploadState.STORED]) != PICTURES:
        return "uploads that are stored and on no wall", len(stored)
    found = await _reconciled(catalogue, store)
    if found.missing:
        return "rows that need what the store has not", [row.key for row in found.missing]
    if left := {one.key for one in found.unknown} & {row.key for row in uploads}:
        return "objects of uploads that came to nothing", left
    if left := killing.addresses & {one.key async for one in store.objects()}:
        return "what came to addresses that are over", left
    if half := await asyncio.to_thread(killing.behind.half):
        return "writes that nobody goes on with", half
    return None


async def _let_addresses_be_over(catalogue: Catalogue) -> None:
    """As if those of the store's own had been given ten minutes earlier."""
    earlier, u = datetime.now(UTC) - timedelta(minutes=10), t.upload.c
    async with catalogue.database.writing() as connection:
        waiting = (u.mode == "direct") & (u.state == UploadState.LEASED.value)
        await connection.execute(update(t.upload).where(waiting).values(claimed_until=earlier))
        await connection.execute(update(t.upload).where(u.signed_until.is_not(None)).values(signed_until=earlier))


async def _reconciled(catalogue: Catalogue, store: Store) -> Reconciled:
    return await reconcile(catalogue, store, datetime.now(UTC), timedelta(0))


async def _until_agreed(killing: Killing, catalogue: Catalogue, store: Store) -> None:
    while True:
        await asyncio.to_thread(killing.behind.catch_up)
        await _let_addresses_be_over(catalogue)
        said = await _disagreement(killing, catalogue, store)
        if said is None:
            print(f"at last they disagreed in {killing.said}")
            return
        killing.said = said
        await asyncio.sleep(0.2)


async def test_killing_relay_and_store_leaves_store_catalogue_and_wall_in_agreement(
    killing: Killing, tmp_path: Path, seed: int
) -> None:
    catalogue = Catalogue(f"sqlite:{tmp_path / 'data' / 'catalogue.db'}")
    store = await killing.behind.open()
    await open_wall(catalogue, guest_posts=10_000)
    chance = killing.chance
    sizes = [LARGE] * killing.behind.large
    sizes += [chance.randrange(20_000, 200_000) for _ in range(PICTURES - len(sizes))]
    chance.shuffle(sizes)
    pictures = [jpeg(size) for size in sizes]
    whole = sum(sizes)
    victims = (*["relay"] * RELAYS, *killing.behind.victims)
    moments = sorted(zip((chance.randrange(whole) for _ in victims), chance.sample(victims, len(victims)), strict=True))
    begun = time.monotonic()
    try:
        with anyio.fail_after(PATIENCE):
            await _add_all(killing, pictures, moments)
            added = time.monotonic()
            print(
                f"seed {seed}: {whole:,} bytes in {PICTURES} pictures, {killing.sent:,} sent; killed {killing.deaths}"
            )
            await _until_agreed(killing, catalogue, store)
        print(f"sent in {added - begun:.1f} s, agreed {time.monotonic() - added:.1f} s later")
        if killing.directly:
            assert len(killing.addresses) >= PICTURES / 2, "most did not go straight to the store"
        await _assert_whole(killing, catalogue, store, pictures)
        found = await _reconciled(catalogue, store)
        print(f"{found.objects} objects; {len(found.unknown)} that ingest had made when it was killed")
    except BaseException as error:
        error.add_note(f"FRIEZE_TEST_SEED={seed} repeats it; killed so far: {killing.deaths}")
        error.add_note(f"{len(killing.confirmed)} of {PICTURES} were there; they disagreed in: {killing.said}")
        raise
    finally:
        await store.close()
        await catalogue.close()


async def _assert_whole(killing: Killing, catalogue: Catalogue, store: Store, pictures: list[bytes]) -> None:
    """Of each upload that a guest was told has arrived every byte is there."""
    for number, upload_id in killing.confirmed.items():
        upload = await catalogue.uploads.get(upload_id)
        assert upload.state is UploadState.STORED
        digest = hashlib.sha256()
        async with aclosing((await store.open(upload.key)).chunks) as chunks:
            async for chunk in chunks:
                digest.update(chunk)
        assert digest.digest() == hashlib.sha256(pictures[number]).digest(), number
