"""The ingest part: sweeper, worker, housekeeping and tidying, and how they fare."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from ingest.housekeeping import Housekeeping
from ingest.sources.base import Source
from ingest.sweeper import Sweeper
from ingest.tidying import Tidying
from ingest.worker import Worker
from wall.catalogue import Catalogue
from wall.errors import CatalogueError
from wall.store.base import Store

REPORT_SECONDS = 10.0


class Ingest:
    """Runs until cancelled."""

    def __init__(
        self, catalogue: Catalogue, sources: Mapping[str, Source], store: Store, worker: Worker, *, holder: str
    ) -> None:
        self._catalogue = catalogue
        self._holder = holder
        self._sweeper = Sweeper(catalogue, sources, holder)
        self._worker = worker
        self._housekeeping = Housekeeping(catalogue, store)
        self._tidying = Tidying(catalogue, store, holder)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._sweeper.run())
                tasks.create_task(self._worker.run())
                tasks.create_task(self._housekeeping.run())
                tasks.create_task(self._tidying.run())
                tasks.create_task(self._report())
        finally:
            with suppress(CatalogueError):
                await asyncio.shield(self._catalogue.health.gone(f"ingest {self._holder}"))

    async def _report(self) -> None:
        while True:
            trouble = self._worker.trouble
            with suppress(CatalogueError):
                await self._catalogue.health.say(
                    f"ingest {self._holder}", ok=trouble is None, sentence=trouble or "Sweeping and making thumbnails."
                )
            await asyncio.sleep(REPORT_SECONDS)
