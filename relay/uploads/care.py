"""What has to happen though nobody asks: dead uploads are rolled back, what is left is deleted, walls reveal pictures.

Any number of relays do this; a claim decides which of them rolls a dead upload back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from relay.uploads.refusals import STOPPING
from relay.uploads.rollback import delete_surely, roll_back
from relay.uploads.settings import UploadSettings
from wall.catalogue import Catalogue
from wall.errors import CatalogueError, NotFound, StoreError
from wall.store.base import Store
from wall.trouble import Trouble

AT_ONCE = 100


class Care:
    """Runs for ever in its own task. `recovered` counts dead uploads that were rolled back."""

    def __init__(self, catalogue: Catalogue, store: Store, settings: UploadSettings, holder: str) -> None:
        self._catalogue = catalogue
        self._store = store
        self._settings = settings
        self._holder = holder
        self._log = structlog.get_logger("uploads")
        self._trouble = Trouble()
        self.recovered = 0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if loop.time() >= due:
                due = loop.time() + self._settings.recover_every
                await self._try(self.recover)
            await self._try(self.reveal)
            await asyncio.sleep(self._settings.reveal_every)

    async def recover(self) -> int:
        """Roll back what a process that died has left half-way, and delete what is left; how many were dead."""
        lease = timedelta(seconds=2 * self._settings.roll_back)
        dead = await self._catalogue.leftovers.dead(self._holder, lease, AT_ONCE)
        for held in dead:
            reason = held.upload.error or STOPPING
            await roll_back(self._catalogue, self._store, held, reason, self._settings.roll_back)
        self.recovered += len(dead)
        await self._tidy()
        return len(dead)

    async def reveal(self) -> None:
        """Show what walls have kept back until now."""
        for slug in await self._catalogue.reveals.due():
            while await self._catalogue.reveals.reveal(slug) == AT_ONCE:
                pass

    async def _tidy(self) -> None:
        for upload in await self._catalogue.leftovers.left(AT_ONCE):
            for key in upload.keys:
                await delete_surely(self._store, key)
            await self._catalogue.leftovers.clean(upload)
        for upload in await self._catalogue.leftovers.quarantined(AT_ONCE):
            if upload.quarantine is not None:
                await delete_surely(self._store, upload.quarantine)
            await self._catalogue.leftovers.released(upload)
        await self._catalogue.leftovers.forget()

    async def _try(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
            self._trouble.over()
        except NotFound:
            pass  # a wall that was just removed
        except (CatalogueError, StoreError) as error:
            if self._trouble.worth_saying(str(error), asyncio.get_running_loop().time()) is not None:
                self._log.warning("uploads can't be looked after", reason=str(error))
