"""What the relay needs of the catalogue: the log of events, to fill holes and to resume viewers from."""

from dataclasses import dataclass
from typing import Protocol

from wall.events import Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One event of a wall as it was committed; `body` is its JSON as it goes over the wire."""

    wall: str
    epoch: str
    seq: int
    kind: str
    key: str | None
    body: str


class LogReader(Protocol):
    """The event log of all walls. Raises CatalogueUnavailable when it can't be read now."""

    async def events_after(self, topic: str, cursor: Cursor, limit: int) -> list[StoredEvent] | None:
        """The events of a wall's topic after `cursor`, in seq order and without holes, at most `limit` of them.

        None when the log can't say them all: no such wall, a wall whose events go to another topic (whoever may read
        `wall.<slug>` must not get a secret wall's log from there), another epoch, a cursor above the log's head, or
        events that are gone.
        """
        ...
