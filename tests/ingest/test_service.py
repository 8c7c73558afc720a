"""The ingest part says how it fares while it runs, and nothing once it was stopped on purpose."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from ingest.service import Ingest
from ingest.worker import Worker
from tests.fakes.clock import Clock
from tests.fakes.posts import source_post
from tests.fakes.sources import ScriptedNetwork
from wall.catalogue import Catalogue
from wall.catalogue.health import Report
from wall.errors import StoreUnavailable
from wall.pictures.studio import PictureStudio
from wall.store.base import ObjectInfo
from wall.store.disk import DiskStore

pytestmark = pytest.mark.anyio


class FullStore(DiskStore):
    full = False

    async def put(
        self,
        key: str,
        length: int | None,
        type: str,  # noqa: A002 - the protocol's name
        chunks: AsyncIterable[bytes],
    ) -> ObjectInfo:
        if self.full:
            raise StoreUnavailable("The disk is full.")
        return await super().put(key, length, type, chunks)


@asynccontextmanager
async def _running(catalogue: Catalogue, store: FullStore, network: ScriptedNetwork) -> AsyncGenerator[None]:
    sources = {network.network: network}
    async with PictureStudio(workers=1) as studio:
        worker = Worker(catalogue, sources, store, studio, holder="here-1", folder=store.root.parent)
        task = asyncio.create_task(Ingest(catalogue, sources, store, worker, holder="here-1").run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _until_said(catalogue: Catalogue, sentence: str) -> Report:
    end = asyncio.get_running_loop().time() + 20
    while True:
        reports = await catalogue.health.all()
        if [report.sentence for report in reports] == [sentence]:
            return reports[0]
        assert asyncio.get_running_loop().time() < end, reports
        await asyncio.sleep(0.02)


async def test_its_trouble_is_reported_while_it_lasts_and_its_silence_after_a_stop_worries_nobody(
    clocked: Catalogue, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.service.REPORT_SECONDS", 0.02)
    store = FullStore(tmp_path / "store")
    await store.start()
    picture = BytesIO()
    Image.new("RGB", (400, 300), "teal").save(picture, "JPEG")
    network = ScriptedNetwork(pictures={"demo:a-0": picture.getvalue()})
    async with _running(clocked, store, network):
        well = await _until_said(clocked, "Sweeping and making thumbnails.")
        assert (well.part, well.ok) == ("ingest here-1", True)
        store.full = True
        await clocked.posts.add("main", "scripted", source_post("a"))
        assert not (await _until_said(clocked, "The disk is full.")).ok
        store.full = False
        clock.advance(3600)
        clocked.changed.fire()
        assert (await _until_said(clocked, "Sweeping and making thumbnails.")).ok
    assert await clocked.health.all() == []
