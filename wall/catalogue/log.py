"""The event log: outbox of the publisher and memory of the relay."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update

from wall.catalogue import tables as t
from wall.catalogue.base import Context
from wall.catalogue.walls import Wall, read_wall
from wall.errors import NotFound
from wall.events import Cursor

# what the log keeps at least, of each wall (ARCHITECTURE §4)
KEEP_FOR = timedelta(hours=24)
KEEP_EVENTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event as it was committed; `body` is its JSON, exactly as it goes to the broker."""

    wall: str
    epoch: str
    seq: int
    kind: str
    post_id: str | None
    at: datetime
    body: str


class Log:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def after(
        self, slug: str, cursor: Cursor, limit: int = 500, *, topic: str | None = None
    ) -> list[LoggedEvent] | None:
        """Events after `cursor`, oldest first, at most `limit`; None when they can't all be given any more.

        None for an epoch that is not the wall's, a seq the wall never reached, and events already dropped;
        also where `topic` is given and the wall's events go to another one.
        Raises NotFound when there is no such wall.
        """
        async with self._context.database.reading() as connection:
            wall = await read_wall(connection, slug)
            if cursor.epoch != wall.epoch or cursor.seq > wall.seq or topic not in (None, wall.topic):
                return None
            rows = await connection.execute(
                select(t.event)
                .where(t.event.c.wall == slug, t.event.c.epoch == cursor.epoch, t.event.c.seq > cursor.seq)
                .order_by(t.event.c.seq)
                .limit(limit)
            )
            events = [LoggedEvent(**row) for row in rows.mappings()]
        if not events:
            return [] if cursor.seq == wall.seq else None
        return events if events[0].seq == cursor.seq + 1 else None

    async def head(self, slug: str) -> Cursor | None:
        """The newest event's cursor (seq 0: none yet), or None when there is no such wall."""
        try:
            async with self._context.database.reading() as connection:
                return (await read_wall(connection, slug)).cursor
        except NotFound:
            return None

    async def unconfirmed(self, wall: Wall, limit: int) -> list[LoggedEvent]:
        """The oldest events of a wall that the broker has not confirmed."""
        async with self._context.database.reading() as connection:
            rows = await connection.execute(
                select(t.event)
                .where(
                    t.event.c.wall == wall.slug,
                    t.event.c.epoch == wall.epoch,
                    t.event.c.seq > wall.confirmed,
                )
                .order_by(t.event.c.seq)
                .limit(limit)
            )
            return [LoggedEvent(**row) for row in rows.mappings()]

    async def confirm(self, slug: str, cursor: Cursor) -> None:
        """The broker has confirmed everything up to `cursor`."""
        async with self._context.database.writing() as connection:
            await connection.execute(
                update(t.wall)
                .where(
                    t.wall.c.slug == slug,
                    t.wall.c.epoch == cursor.epoch,
                    t.wall.c.confirmed < cursor.seq,
                )
                .values(confirmed=cursor.seq)
            )

    async def prune(self) -> int:
        """Drop confirmed events older than `KEEP_FOR` and beyond the newest `KEEP_EVENTS`; how many."""
        oldest = self._context.now() - KEEP_FOR
        dropped = 0
        async with self._context.database.writing() as connection:
            walls = (await connection.execute(select(t.wall))).all()
            for wall in walls:
                # only from the oldest end: times need not rise with seqs, and a hole would never be noticed
                young = select(func.min(t.event.c.seq)).where(
                    t.event.c.wall == wall.slug, t.event.c.epoch == wall.epoch, t.event.c.at >= oldest
                )
                first_kept: int = await connection.scalar(young) or wall.seq + 1
                floor = min(wall.seq - KEEP_EVENTS, wall.confirmed, first_kept - 1)
                gone = await connection.execute(
                    delete(t.event).where(
                        t.event.c.wall == wall.slug,
                        t.event.c.at < oldest,
                        (t.event.c.epoch != wall.epoch) | (t.event.c.seq <= floor),
                    )
                )
                dropped += gone.rowcount
        return dropped

    async def count(self, slug: str) -> int:
        """How many events of a wall the log holds."""
        async with self._context.database.reading() as connection:
            query = select(func.count()).select_from(t.event).where(t.event.c.wall == slug)
            return await connection.scalar(query) or 0
