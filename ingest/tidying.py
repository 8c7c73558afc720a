"""Writes that nobody goes on with: parts, segments and temporary files that a killed process left in the store.

Nobody sees them, and on most stores they cost what objects cost. Whatever fails in a living process is rolled back by
itself; this is for the rest.
"""

import asyncio
from datetime import timedelta

import structlog

from wall.catalogue import Catalogue
from wall.errors import CatalogueError, StoreError, StoreUnavailable
from wall.store.base import Store
from wall.trouble import Trouble

ITEM = "store:tidy"
EVERY = timedelta(hours=1)
LOOK_SECONDS = 60.0
# Nothing that is still being written is as old: 5 GiB at the slowest pace an upload may have take 23 hours
# (relay/uploads/settings.py), and S3 tells of a write only when it began.
OLDER = timedelta(hours=24)
# a listing of a million segments takes minutes; what is left then is found the next time
AT_MOST_SECONDS = 600.0


class Tidying:
    """Runs for ever in its own task. However many processes run one, one of them tidies, once an hour."""

    def __init__(self, catalogue: Catalogue, store: Store, holder: str) -> None:
        self._catalogue = catalogue
        self._store = store
        self._holder = holder
        self._log = structlog.get_logger("housekeeping")
        self._trouble = Trouble()

    async def run(self) -> None:
        while True:
            try:
                await self.tidy()
                self._trouble.over()
            except (CatalogueError, StoreError) as error:
                if self._trouble.worth_saying(str(error), asyncio.get_running_loop().time()) is not None:
                    self._log.warning("could not tidy the store", reason=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def tidy(self) -> int:
        """Roll back what was left more than a day ago, unless somebody did so within the hour; how many writes.

        Raises StoreError, and then it is tried again by whoever looks next.
        """
        claim = await self._catalogue.claims.take(ITEM, self._holder, EVERY)
        if claim is None:
            return 0
        try:
            async with asyncio.timeout(AT_MOST_SECONDS):
                tidied = await self._store.tidy(OLDER)
        except TimeoutError as error:
            # the claim stays: an hour's rest for a store with so much to go through
            raise StoreUnavailable(f"Tidying the store took longer than {AT_MOST_SECONDS:g} s.") from error
        except BaseException:
            await asyncio.shield(self._catalogue.claims.release(claim))
            raise
        # kept until it expires: that is the hour in which nobody else needs to look
        if tidied:
            self._log.info("rolled back writes that nobody went on with", writes=tidied, older_hours=24)
        return tidied
