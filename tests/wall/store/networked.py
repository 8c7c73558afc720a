"""What every adapter of a store on a network must do when that network, or the store, fails in the middle.

A test class inherits this and gives `network` (a FaultyNetwork before the real server), `store` (which reaches the
server only through it, with LIMITS), and `address` (what `open_store` needs for the same place, past the network).
After each fault: no visible object, and nothing half-written (`assert_nothing_left`).
"""

import asyncio
import json
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from tests.fakes.faulty_network import (
    Away,
    DownloadFault,
    FaultyNetwork,
    How,
    LostAnswer,
    OtherAnswer,
    Request,
    Slow,
    UploadFault,
    Where,
)
from tests.processes import ROOT
from tests.wall.store.conformance import Jar, StoreConformance, all_of, pieces, poured
from wall.errors import ObjectMissing, StoreError, StoreUnavailable
from wall.store.base import Store
from wall.store.keys import new_key
from wall.store.limits import StoreLimits

# small enough that a stalling store is noticed soon, large enough for a machine with much else to do
LIMITS = StoreLimits(connect=3, first_byte=4, idle=1.5, answer=4, roll_back=15)
BYTES = 300_000

_UPLOADER = """
import asyncio, json, sys
from wall.store import open_store

async def drips(data):
    for _ in range(2):
        yield data
    print("begun", flush=True)
    await asyncio.sleep(600)

async def main():
    url, user, password, key, length = json.loads(sys.argv[1])
    store = await open_store(url, user, password)
    await store.put(key, length, "image/png", drips(b"x" * (length // 4)))

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class StoreAddress:
    url: str
    user: str | None = None
    password: str | None = None


async def killed_in_the_middle(address: StoreAddress, key: str, length: int) -> None:
    """A process that writes an object is killed when half of its bytes have gone."""
    given = json.dumps([address.url, address.user, address.password, key, length])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _UPLOADER, given, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert await process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGKILL)
    await process.wait()


class NetworkedStoreConformance(StoreConformance):
    def is_upload(self, request: Request, key: str) -> bool:
        """Whether a request carries bytes of the object. Adapters say otherwise where their store does it otherwise."""
        return request.method in ("PUT", "POST") and key in request.target and request.length != 0

    def is_download(self, request: Request, key: str) -> bool:
        return request.method == "GET" and key in request.target

    async def _put(self, store: Store, key: str, data: bytes) -> None:
        # a store whose network fails must notice; a test must not wait for ever
        async with asyncio.timeout(60):
            await store.put(key, len(data), "image/png", pieces(data))

    async def _assert_gone(self, store: Store, network: FaultyNetwork, key: str) -> None:
        network.heal()
        # what the server still does with a connection that was cut must come to nothing too
        await self.settled()
        await self.assert_nothing_left(store, key)

    async def _assert_serves(self, store: Store) -> None:
        """The network is well again, and so is the adapter."""
        key, data = new_key(), secrets.token_bytes(BYTES)
        await self._put(store, key, data)
        assert await all_of(await store.open(key)) == data

    @pytest.mark.parametrize("how", [How.CUT, How.RESET], ids=lambda how: how.value)
    @pytest.mark.parametrize("where", Where, ids=lambda where: where.value)
    async def test_an_upload_whose_connection_breaks_leaves_nothing(
        self, store: Store, network: FaultyNetwork, where: Where, how: How
    ) -> None:
        key = new_key()
        network.fail(UploadFault(where, how), on=lambda request: self.is_upload(request, key))
        with pytest.raises(StoreError):
            await self._put(store, key, secrets.token_bytes(BYTES))
        assert network.hits
        await self._assert_gone(store, network, key)
        await self._assert_serves(store)

    async def test_an_upload_whose_confirmation_is_lost_leaves_nothing(
        self, store: Store, network: FaultyNetwork
    ) -> None:
        key = new_key()
        network.fail(LostAnswer(), on=lambda request: self.is_upload(request, key))
        with pytest.raises(StoreError):
            await self._put(store, key, secrets.token_bytes(BYTES))
        assert network.hits
        await self._assert_gone(store, network, key)
        await self._assert_serves(store)

    @pytest.mark.parametrize("where", [Where.FIRST, Where.MIDDLE, Where.END], ids=lambda where: where.value)
    async def test_an_upload_to_a_store_that_stalls_ends_and_leaves_nothing(
        self, store: Store, network: FaultyNetwork, where: Where
    ) -> None:
        key = new_key()
        network.fail(UploadFault(where, How.STALL), on=lambda request: self.is_upload(request, key))
        # more than all buffers on the way hold, so that the stall is felt
        with pytest.raises(StoreUnavailable):
            await self._put(store, key, secrets.token_bytes(BYTES if where is Where.END else 12_000_000))
        assert network.hits
        await self._assert_gone(store, network, key)

    async def test_a_slow_store_gets_and_gives_everything(self, store: Store, network: FaultyNetwork) -> None:
        key, data = new_key(), secrets.token_bytes(BYTES)
        network.fail(Slow())
        await self._put(store, key, data)
        assert await all_of(await store.open(key)) == data

    @pytest.mark.parametrize("status", [401, 403, 500, 503])
    async def test_an_upload_that_is_answered_otherwise_leaves_nothing(
        self, store: Store, network: FaultyNetwork, status: int
    ) -> None:
        key = new_key()
        network.fail(OtherAnswer(status), on=lambda request: self.is_upload(request, key))
        with pytest.raises(StoreError) as caught:
            await self._put(store, key, secrets.token_bytes(BYTES))
        assert caught.value.temporary == (status >= 500)
        assert not isinstance(caught.value, ObjectMissing)
        assert network.hits
        await self._assert_gone(store, network, key)

    @pytest.mark.parametrize("how", How, ids=lambda how: how.value)
    @pytest.mark.parametrize(
        "where", [Where.FIRST, Where.SECOND, Where.MIDDLE, Where.LAST], ids=lambda where: where.value
    )
    async def test_a_download_that_breaks_never_ends_cleanly(
        self, store: Store, network: FaultyNetwork, where: Where, how: How
    ) -> None:
        key, data = new_key(), secrets.token_bytes(BYTES)
        await self._put(store, key, data)
        network.fail(DownloadFault(where, how), on=lambda request: self.is_download(request, key))
        got: list[bytes] = []
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(60):
                opened = await store.open(key)
                async with aclosing(opened.chunks) as chunks:
                    async for chunk in chunks:
                        got.append(chunk)
        assert data.startswith(b"".join(got))
        assert len(b"".join(got)) < len(data)
        assert network.hits
        network.heal()
        assert await all_of(await store.open(key)) == data

    @pytest.mark.parametrize("how", How, ids=lambda how: how.value)
    @pytest.mark.parametrize(
        "where", [Where.FIRST, Where.SECOND, Where.MIDDLE, Where.LAST], ids=lambda where: where.value
    )
    async def test_pouring_that_breaks_never_ends_cleanly(
        self, store: Store, network: FaultyNetwork, where: Where, how: How
    ) -> None:
        key, data = new_key(), secrets.token_bytes(4 * BYTES)
        await self._put(store, key, data)
        network.fail(DownloadFault(where, how), on=lambda request: self.is_download(request, key))
        jar = Jar(1)
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(60):
                await poured(await store.open(key), jar)
        assert data.startswith(jar.got)
        assert len(jar.got) < len(data)
        assert network.hits
        network.heal()
        assert await poured(await store.open(key)) == data

    async def test_a_sink_that_is_slower_than_the_store_loses_nothing(self, store: Store) -> None:
        key, data = new_key(), secrets.token_bytes(3_000_000)
        await self._put(store, key, data)
        # longer than the store may be silent: the silence is ours
        assert await poured(await store.open(key), Jar(1, pause=LIMITS.idle + 0.5)) == data

    @pytest.mark.parametrize("status", [401, 403, 500, 503])
    async def test_a_download_that_is_answered_otherwise_is_an_error_and_not_a_missing_object(
        self, store: Store, network: FaultyNetwork, status: int
    ) -> None:
        key = new_key()
        await self._put(store, key, b"bytes")
        network.fail(OtherAnswer(status))
        for ask in (store.open, store.head, store.delete):
            with pytest.raises(StoreError) as caught:
                await ask(key)
            assert not isinstance(caught.value, ObjectMissing)
            assert caught.value.temporary == (status >= 500)
        network.heal()
        assert await all_of(await store.open(key)) == b"bytes"

    async def test_a_store_that_is_away_is_an_error_of_its_own_kind_and_comes_back(
        self, store: Store, network: FaultyNetwork
    ) -> None:
        key = new_key()
        await self._put(store, key, b"bytes")
        network.fail(Away())
        for ask in (store.open, store.head, store.delete):
            with pytest.raises(StoreUnavailable):
                await ask(key)
        with pytest.raises(StoreUnavailable):
            await store.check()
        network.heal()
        assert await all_of(await store.open(key)) == b"bytes"

    async def test_a_reader_that_is_slower_than_the_store_loses_nothing(self, store: Store) -> None:
        key, data = new_key(), secrets.token_bytes(3_000_000)
        await self._put(store, key, data)
        opened, got = await store.open(key), b""
        async for chunk in opened.chunks:
            if not got:
                # longer than the store may be silent: the silence is ours
                await asyncio.sleep(LIMITS.idle + 0.5)
            got += chunk
        assert got == data

    async def test_a_source_slower_than_the_store_may_be_is_waited_for(self, store: Store) -> None:
        key = new_key()

        async def pauses() -> AsyncIterator[bytes]:
            yield b"x" * 20_000
            await asyncio.sleep(LIMITS.idle + 0.5)
            yield b"x" * 20_000

        assert (await store.put(key, 40_000, "image/png", pauses())).length == 40_000

    async def test_a_process_killed_during_an_upload_leaves_nothing_visible(
        self, store: Store, address: StoreAddress
    ) -> None:
        key = new_key()
        await killed_in_the_middle(address, key, 4_000_000)
        await self.settled()
        await self.assert_nothing_left(store, key)

    async def settled(self) -> None:
        """Until the server has noticed that an uploader has gone, where an adapter knows how to see that."""
