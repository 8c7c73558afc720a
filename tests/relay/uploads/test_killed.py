"""A relay is killed while bytes come in; another one clears up, and says so to the guest."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from relay.uploads.server import UploadServer
from tests.fakes.uploads import open_wall
from tests.fakes.waiting import until
from tests.processes import ROOT, environment
from tests.relay.uploads.place import MIB, PATIENT, Place, WatchedStore, jpeg
from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio


@contextmanager
def _process(url: str, folder: Path, *more: str) -> Generator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "tests.relay.uploads.process", url, str(folder), *more]
    process = subprocess.Popen(command, env=environment({}), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize("when", ["leased", "half", "stored and not written down"])
async def test_what_a_killed_relay_leaves_is_cleared_by_another(
    catalogue: Catalogue, database_url: str, tmp_path: Path, when: str
) -> None:
    await open_wall(catalogue)
    folder, data = tmp_path / "store", jpeg(2 * MIB)
    store = WatchedStore(folder)
    async with aiohttp.ClientSession() as client:
        with _process(database_url, folder, "hold") as (process, port):
            there = Place(catalogue, store, UploadServer(catalogue, store, PATIENT, holder="none"), port, client)
            asked = await there.ask(len(data))
            assert asked.status == 201
            if when != "leased":
                wire = await there.wire()
                await wire.begin(asked.fields["url"], len(data))
                await wire.send(data if when.startswith("stored") else data[: len(data) // 2])
                await until(lambda: any(store.files()), "bytes to arrive")
                if when.startswith("stored"):
                    upload = await catalogue.uploads.get(asked.fields["id"])
                    await until(lambda: upload.key in store.files(), "the whole object")
                process.kill()
                process.wait(30)
                wire.reset()
        with _process(database_url, folder) as (_, port):
            there.port = port
            if when == "leased":
                # the address is as good at another relay
                assert (await there.put(asked.fields["url"], data)).status == 201
                return
            shown = await there.until_final(asked.fields["id"])
            assert shown["state"] == "aborted"
            assert [name for name in store.files() if not name.endswith(".part")] == []
            assert await there.posts() == 0
            # and the guest begins anew
            assert (await there.add(data)).status == 201
