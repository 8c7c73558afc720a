"""The claim on an upload, kept for as long as it can be: who can't renew it in time stops before it is over.

Another relay takes an upload whose claim is over for dead, deletes its bytes and forgets it. A write of ours that ended
after that would leave an object that no row knows.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from wall.catalogue import Catalogue
from wall.catalogue.uploads import Held
from wall.errors import CatalogueError, CatalogueUnavailable, ClaimLost

# of the claim's time: after a renewal, after one that failed, and what is kept for ending our own write
_NEXT = 1 / 3
_AGAIN = 1 / 15
_LEFT = 1 / 6


class Holding:
    """`since`: the clock before the claim was asked for, so that it ends no earlier in the catalogue than here."""

    def __init__(
        self,
        catalogue: Catalogue,
        held: Held,
        lease: timedelta,
        since: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.held = held
        self._catalogue = catalogue
        self._lease = lease
        self._seconds = lease.total_seconds()
        self._clock = clock
        self._lost: ClaimLost | None = None
        self._until = 0.0
        self._extend(since)

    @property
    def over(self) -> bool:
        """Whether it is lost, or may be in a moment: then nothing may be made of the upload any more."""
        return self._lost is not None or self._clock() >= self._until

    def check(self) -> None:
        """Raise ClaimLost, or another CatalogueError where nobody could say so, when it is over."""
        if self._lost is not None:
            raise self._lost
        if self.over:
            raise _unheard()

    async def keep(self) -> CatalogueError:
        """Renew it until it is over; why it is. To be cancelled by who no longer needs it."""
        pause = _NEXT
        while True:
            await asyncio.sleep(max(0.0, min(self._seconds * pause, self._until - self._clock())))
            error = await self._renew()
            if isinstance(error, ClaimLost):
                self._lost = error
                return error
            if self.over:
                return _unheard()
            pause = _NEXT if error is None else _AGAIN

    async def _renew(self) -> CatalogueError | None:
        """What went wrong. Takes no longer than the claim lasts, whatever the database does."""
        began = self._clock()
        renewing = asyncio.create_task(self._catalogue.uploads.renew(self.held, self._lease))
        renewing.add_done_callback(_heard)
        try:
            done, _ = await asyncio.wait((renewing,), timeout=max(0.0, self._until - began))
        finally:
            renewing.cancel()
        if not done:
            return _unheard()
        try:
            renewing.result()
        except CatalogueError as error:
            return error
        self._extend(began)
        return None

    def _extend(self, since: float) -> None:
        self._until = since + self._seconds * (1 - _LEFT)


def _unheard() -> CatalogueUnavailable:
    return CatalogueUnavailable("The claim on the upload could not be renewed in time; the database does not answer.")


def _heard(renewing: asyncio.Task[None]) -> None:
    if not renewing.cancelled():
        renewing.exception()
