"""`frieze store serve` is killed while others write through it: nothing half is left, nothing confirmed is lost."""

import asyncio
import os
import random
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from tests.fakes.faulty_network import FaultyNetwork, How, UploadFault, Where
from tests.fakes.store_service import TOKEN
from tests.fakes.waiting import until, until_blocking
from tests.integration.swift import PASSWORD, USER, Swift
from tests.postgres import free_port
from tests.processes import Frieze, frieze
from tests.wall.store.conformance import all_of, pieces
from tests.wall.store.networked import LIMITS
from tests.wall.store.swift.fixtures import new_container
from wall.errors import ObjectMissing, StoreError
from wall.store.base import CHUNK
from wall.store.keys import is_key, new_key
from wall.store.limits import StoreLimits
from wall.store.remote import RemoteStore

pytestmark = pytest.mark.anyio

LENGTH = 6 * CHUNK
PATIENT, HASTY = 60.0, 0.5  # seconds for which a client tries to take back what it could not write
WRITERS, OBJECTS, DEATHS = 6, 60, 4
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Behind:
    """What the service keeps its bytes in, looked at past the service."""

    settings: dict[str, str]
    names: Callable[[], set[str]]  # of all objects
    half: Callable[[], int]  # files, segments and writes that belong to no object
    module: str = "frieze"


def _disk(folder: Path) -> Behind:
    def files() -> set[str]:
        return {path.name for path in folder.rglob("*") if path.is_file()}

    return Behind(
        {"FRIEZE_STORE_URL": f"disk:{folder}"},
        names=lambda: set(filter(is_key, files())),
        half=lambda: sum(not is_key(name) for name in files()),
    )


def _swift(swift: Swift, *, segments: bool) -> Behind:
    container = new_container()

    def names() -> set[str]:
        return set(swift.names(container))

    def half() -> int:
        whole = names()
        lost = [name for name in swift.names(f"{container}_segments") if name.partition("/")[0] not in whole]
        return len(lost) + swift.being_written()

    settings = {
        "FRIEZE_STORE_URL": swift.url(container),
        "FRIEZE_STORE_USER": USER,
        "FRIEZE_STORE_PASSWORD": PASSWORD,
    }
    return Behind(settings, names, half, "tests.frieze.storage.segmenting" if segments else "frieze")


@pytest.fixture(params=["disk", "swift", "swift in segments"])
def behind(request: pytest.FixtureRequest, tmp_path: Path) -> Behind:
    if request.param == "disk":
        return _disk(tmp_path / "store")
    return _swift(request.getfixturevalue("swift"), segments="segments" in request.param)


@dataclass(frozen=True, slots=True)
class Service:
    """`frieze store serve` on `behind`, whose clients come over `network`."""

    process: Frieze
    network: FaultyNetwork
    behind: Behind

    def client(self, roll_back: float) -> RemoteStore:
        limits = StoreLimits(connect=LIMITS.connect, first_byte=10, idle=10, answer=10, roll_back=roll_back)
        return RemoteStore(self.network.url, TOKEN, limits)

    async def kill(self) -> None:
        await asyncio.to_thread(self.process.kill)
        self.network.cut()

    async def start_again(self) -> None:
        seen = self.process.log.count("the store is served")
        self.process.start_again()
        await until(lambda: self.process.log.count("the store is served") > seen, "the service to be back", 60)
        self.network.heal()

    async def half(self) -> int:
        return await asyncio.to_thread(self.behind.half)

    async def names(self) -> set[str]:
        return await asyncio.to_thread(self.behind.names)


@pytest.fixture
async def service(behind: Behind, tmp_path: Path) -> AsyncGenerator[Service]:
    port = free_port()
    more = {"FRIEZE_DATA": str(tmp_path / "data"), "FRIEZE_STORE_TOKEN": TOKEN, "FRIEZE_PORT": str(port)}
    settings = behind.settings | more
    with frieze("store", "serve", settings=settings, folder=tmp_path, module=behind.module) as process:
        process.until_log("the store is served")
        async with FaultyNetwork.before("127.0.0.1", port) as network:
            yield Service(process, network, behind)


class Death:
    """When to kill: as soon as each of so many writers has come to `where` in its object."""

    def __init__(self, service: Service, where: Where, writers: int) -> None:
        self._service = service
        self._where = where
        self._missing = writers
        self._there = asyncio.Event()
        self._dead = asyncio.Event()
        if where is Where.END:
            # the store has it all and says so, and nobody hears it
            service.network.fail(UploadFault(where, How.STALL), on=lambda request: request.method == "PUT")

    async def source(self, data: bytes) -> AsyncIterator[bytes]:
        """`data`, held up at the moment. The client asks for it once the service has room, and keeps a chunk back."""
        for at in range(0, LENGTH, CHUNK):
            yield data[at : at + CHUNK]
            if at == {Where.FIRST: 0, Where.MIDDLE: LENGTH // 2}.get(self._where):
                self._arrived()
                await self._dead.wait()
        self._arrived()

    def _arrived(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._there.set()

    async def come(self, keys: set[str]) -> None:
        await self._there.wait()
        behind = self._service.behind
        if self._where is Where.MIDDLE:
            await asyncio.to_thread(until_blocking, behind.half, "bytes at the store")
        if self._where is Where.END:
            await asyncio.to_thread(until_blocking, lambda: keys <= behind.names(), "all of it at the store")
        await self._service.kill()
        self._dead.set()


async def _until_settled(service: Service, clean_up: RemoteStore) -> None:
    """The clean-up has run, and what a store does with a connection that was cut has come to its end."""
    while await service.half():
        await clean_up.tidy(timedelta(0))


@pytest.mark.parametrize("where", [Where.FIRST, Where.MIDDLE, Where.END], ids=lambda where: where.value)
async def test_a_service_that_is_killed_leaves_nothing_half_loses_nothing_confirmed_and_takes_the_next_try(
    service: Service, where: Where
) -> None:
    patient, hasty = service.client(PATIENT), service.client(HASTY)
    data = secrets.token_bytes(LENGTH)
    confirmed, waits, leaves = new_key(), new_key(), new_key()
    with anyio.fail_after(PATIENCE):
        await patient.put(confirmed, LENGTH, "image/png", pieces(data))
        death = Death(service, where, writers=2)
        puts = [
            asyncio.create_task(store.put(key, LENGTH, "image/png", death.source(data)))
            for store, key in ((patient, waits), (hasty, leaves))
        ]
        await death.come({waits, leaves})
        with pytest.raises(StoreError):
            await puts[1]
        await service.start_again()
        with pytest.raises(StoreError):
            await puts[0]

        # the one was still there to take its object back; of the other's there is all, unknown to anybody, or nothing
        with pytest.raises(ObjectMissing):
            await patient.head(waits)
        if where is Where.END:
            assert await all_of(await hasty.open(leaves)) == data
            await hasty.delete(leaves)
        await _until_settled(service, patient)
        assert await service.names() == {confirmed}

        for store, key in ((patient, waits), (hasty, leaves)):
            await store.put(key, LENGTH, "image/png", pieces(data))
        for key in (confirmed, waits, leaves):
            assert await all_of(await patient.open(key)) == data
        assert [one.key async for one in patient.objects()] == sorted((confirmed, waits, leaves))
    await patient.close()
    await hasty.close()


@pytest.fixture
def seed() -> int:
    """Of all that is left to chance; FRIEZE_TEST_SEED repeats a run."""
    return int(os.environ.get("FRIEZE_TEST_SEED") or random.randrange(10**6))


async def test_a_service_that_is_killed_at_random_moments_has_in_the_end_exactly_what_it_confirmed(
    service: Service, seed: int
) -> None:
    chance = random.Random(seed)
    waiting = [chance.randbytes(chance.choice((0, 1, CHUNK, chance.randrange(20 * CHUNK)))) for _ in range(OBJECTS)]
    sent, whole, confirmed = 0, sum(map(len, waiting)), dict[str, bytes]()
    deaths = sorted(chance.randrange(whole) for _ in range(DEATHS))

    async def counted(data: bytes) -> AsyncIterator[bytes]:
        nonlocal sent
        async for piece in pieces(data, 64 * 1024):
            yield piece
            sent += len(piece)

    async def write(store: RemoteStore) -> None:
        while waiting:
            data, key = waiting.pop(), new_key()
            while not await _written(store, key, len(data), counted(data)):
                pass
            confirmed[key] = data

    stores = [service.client(chance.choice((HASTY, PATIENT))) for _ in range(WRITERS)]
    try:
        with anyio.fail_after(PATIENCE):
            async with asyncio.TaskGroup() as tasks:
                for store in stores:
                    tasks.create_task(write(store))
                for moment in deaths:
                    await until(lambda moment=moment: sent >= moment, "the moment", PATIENCE)
                    await service.kill()
                    await service.start_again()
            await _until_settled(service, stores[0])
            assert await service.names() == set(confirmed)
            for key, data in confirmed.items():
                assert await all_of(await stores[0].open(key)) == data
    except BaseException as error:
        error.add_note(f"FRIEZE_TEST_SEED={seed} repeats it; {len(confirmed)} of {OBJECTS} were confirmed")
        raise
    for store in stores:
        await store.close()


async def _written(store: RemoteStore, key: str, length: int, source: AsyncIterator[bytes]) -> bool:
    """Whether the object was confirmed; if not, nothing of it is left, as a relay's recovery sees to it."""
    try:
        await store.put(key, length, "image/png", source)
    except StoreError:
        while True:
            try:
                await store.delete(key)
            except StoreError:
                await asyncio.sleep(0.1)
            else:
                return False
    return True
