"""The ingest part says how it fares while it runs, and nothing once it was stopped on purpose."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from ingest.service import Ingest
from ingest.worker import Worker
from tests.fakes.away_store import AwayStore
from tests.fakes.beside import beside
from tests.fakes.clock import Clock
from tests.fakes.posts import source_post
from tests.fakes.sources import ScriptedNetwork
from wall.catalogue import Catalogue
from wall.catalogue.health import Report
from wall.pictures.studio import PictureStudio

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _running(catalogue: Catalogue, store: AwayStore, network: ScriptedNetwork) -> AsyncGenerator[None]:
    sources = {network.network: network}
    async with PictureStudio(workers=1) as studio:
        worker = Worker(catalogue, sources, store, studio, holder="here-1", folder=store.root.parent)
        async with beside(Ingest(catalogue, sources, store, worker, holder="here-1").run()):
            yield


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
    store = AwayStore(tmp_path / "store")
    await store.start()
    picture = BytesIO()
    Image.new("RGB", (400, 300), "teal").save(picture, "JPEG")
    network = ScriptedNetwork(pictures={"demo:a-0": picture.getvalue()})
    async with _running(clocked, store, network):
        well = await _until_said(clocked, "Sweeping and making thumbnails.")
        assert (well.part, well.ok) == ("ingest here-1", True)
        store.away = True
        await clocked.posts.add("main", "scripted", source_post("a"))
        assert not (await _until_said(clocked, "The disk is full.")).ok
        store.away = False
        clock.advance(3600)
        clocked.changed.fire()
        assert (await _until_said(clocked, "Sweeping and making thumbnails.")).ok
    assert await clocked.health.all() == []
