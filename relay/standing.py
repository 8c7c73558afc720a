"""What may be shown of each media now: asked of the catalogue for many at once, and remembered for less than a second.

A wall's whole audience asks for the same pictures at the same moment, and a newcomer for two hundred at once. So there
is one question under way at a time; who comes meanwhile is in the next one, and never in one that began before.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import Protocol

from relay.settings import MediaSettings
from wall.catalogue.media import ServedMedia

AT_ONCE = 200  # media in one query; a snapshot's pictures


class MediaReader(Protocol):
    """The catalogue's part of this."""

    async def served(self, media_ids: Collection[str]) -> Mapping[str, ServedMedia]:
        """What may be served of these; those that are not there are left out. Raises CatalogueError."""
        ...


class Known:
    """A media as it was when it was asked for; good until `until`. None: there is none."""

    __slots__ = ("media", "until")

    def __init__(self, media: ServedMedia | None, until: float) -> None:
        self.media = media
        self.until = until


class Standings:
    def __init__(self, reader: MediaReader, settings: MediaSettings, clock: Callable[[], float]) -> None:
        self._reader = reader
        self._settings = settings
        self._clock = clock
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._wanted: dict[str, asyncio.Future[Known]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def get(self, media_id: str) -> Known:
        """What is remembered, or else asked. Raises CatalogueError."""
        known = self._known.get(media_id)
        if known is not None and known.until > self._clock():
            return known
        return await self.ask(media_id)

    async def ask(self, media_id: str) -> Known:
        """As it is now, or later, but not before. Raises CatalogueError."""
        loop = asyncio.get_running_loop()
        answer = self._wanted.get(media_id)
        if answer is None:
            answer = self._wanted[media_id] = loop.create_future()
            if self._asking is None:
                self._asking = loop.create_task(self._ask())
        return await asyncio.shield(answer)

    async def _ask(self) -> None:
        try:
            while self._wanted:
                batch = dict(islice(self._wanted.items(), AT_ONCE))
                for media_id in batch:
                    del self._wanted[media_id]
                await self._ask_for(batch)
        finally:
            self._asking = None

    async def _ask_for(self, batch: Mapping[str, "asyncio.Future[Known]"]) -> None:
        began = self._clock()
        try:
            found = await self._reader.served(tuple(batch))
        except BaseException as error:
            for answer in batch.values():
                if isinstance(error, asyncio.CancelledError):
                    answer.cancel()
                else:
                    answer.set_exception(error)
                    answer.exception()  # who asked may be gone, and then nobody misses it
            if not isinstance(error, Exception):
                raise
            return
        for media_id, answer in batch.items():
            # from the moment the question was asked: an answer may be old when it comes
            known = Known(found.get(media_id), began + self._settings.standing)
            self._known[media_id] = known
            self._known.move_to_end(media_id)
            answer.set_result(known)
        while len(self._known) > self._settings.standings:
            self._known.popitem(last=False)
