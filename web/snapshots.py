"""Snapshots and log answers as bytes: encoded and compressed once, shared by all who ask.

A snapshot's bytes depend on its cursor alone, so the server's clock travels beside them in the header `X-Frieze-Now`.
"""

import gzip
from dataclasses import dataclass

from wall.catalogue import Catalogue
from wall.catalogue.single import SingleFlight
from wall.events import Cursor
from wall.wire import encode_snapshot

# one per wall is enough: a newer one replaces it
_COMPRESSION = 6


@dataclass(frozen=True, slots=True)
class Shared:
    """One answer in both forms."""

    plain: bytes
    zipped: bytes

    @classmethod
    def of(cls, text: str) -> "Shared":
        plain = text.encode()
        return cls(plain, gzip.compress(plain, _COMPRESSION, mtime=0))


class Snapshots:
    """The newest snapshot of each wall. Raises what the catalogue raises."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._newest: dict[str, tuple[Cursor, Shared]] = {}
        self._snapshot_flight: SingleFlight[str, Shared] = SingleFlight()
        self._log_flight: SingleFlight[tuple[str, Cursor], Shared | None] = SingleFlight()

    async def snapshot(self, slug: str) -> Shared:
        return await self._snapshot_flight.get(slug, lambda: self._read(slug))

    async def events(self, slug: str, cursor: Cursor) -> Shared | None:
        """The events after `cursor`, or None when they are gone."""
        return await self._log_flight.get((slug, cursor), lambda: self._read_log(slug, cursor))

    async def _read(self, slug: str) -> Shared:
        wall = await self._catalogue.walls.get(slug)
        known = self._newest.get(slug)
        if known is not None and known[0] == wall.cursor:
            return known[1]
        snapshot = await self._catalogue.posts.snapshot(slug)
        shared = Shared.of(encode_snapshot(snapshot))
        self._newest[slug] = (snapshot.cursor, shared)
        return shared

    async def _read_log(self, slug: str, cursor: Cursor) -> Shared | None:
        events = await self._catalogue.log.after(slug, cursor)
        if events is None:
            return None
        # the bodies are JSON already, exactly as they went to the broker
        return Shared.of('{"events":[' + ",".join(event.body for event in events) + "]}")
