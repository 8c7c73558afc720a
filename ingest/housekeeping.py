"""What must not grow for ever: confirmed events in the log, and the bytes of posts that are gone from the walls."""

import asyncio
from datetime import timedelta

import structlog

from wall.catalogue import Catalogue
from wall.errors import CatalogueError, StoreError
from wall.store.base import Store
from wall.trouble import Trouble

EVERY_SECONDS = 60.0
# longer than any source still tells of a post (X: seven days); then nothing can bring it back
REMEMBER_WITHDRAWN = timedelta(days=8)
AT_ONCE = 100


class Housekeeping:
    """Runs for ever in its own task; any number of processes may run one."""

    def __init__(self, catalogue: Catalogue, store: Store) -> None:
        self._catalogue = catalogue
        self._store = store
        self._log = structlog.get_logger("housekeeping")
        self._trouble = Trouble()

    async def run(self) -> None:
        while True:
            try:
                await self._catalogue.log.prune()
                await self._catalogue.posts.forget_withdrawn(REMEMBER_WITHDRAWN)
                while await self.purge() == AT_ONCE:
                    pass
                self._trouble.over()
            except (CatalogueError, StoreError) as error:
                if self._trouble.worth_saying(str(error), asyncio.get_running_loop().time()) is not None:
                    self._log.warning("could not tidy up", reason=str(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def purge(self) -> int:
        """Delete the bytes of at most 100 media that nobody may see again; how many."""
        gone = await self._catalogue.media.purgeable(AT_ONCE)
        trouble: StoreError | None = None
        for media_id in gone:
            # an operator may have restored its post since we looked; from here on that is refused
            keys = await self._catalogue.media.give_up(media_id)
            if keys is None:
                continue
            try:
                for key in keys:
                    await self._store.delete(key)
            except StoreError as error:
                # tried again the next time; the others don't wait for it
                trouble = error
                continue
            await self._catalogue.media.purged(media_id)
        if trouble is not None:
            raise trouble
        return len(gone)
