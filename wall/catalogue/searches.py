"""Searches, and the claims by which several ingest processes share them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func, insert, or_, select, update

from wall.catalogue import tables as t
from wall.catalogue.base import Context, Row
from wall.catalogue.walls import lock_wall, read_wall
from wall.errors import CatalogueError, NotFound
from wall.searches import QUERY_CHARACTERS, Search

SEARCHES_PER_WALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSearch:
    """A search that this process holds and may sweep until `claimed_until`."""

    search: Search
    checkpoint: Mapping[str, Any]
    token: str


class Searches:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def all(self, wall: str | None = None) -> list[Search]:
        query = select(t.search).order_by(t.search.c.wall, t.search.c.created_at, t.search.c.id)
        if wall is not None:
            query = query.where(t.search.c.wall == wall)
        async with self._context.database.reading() as connection:
            return [_search(row) for row in (await connection.execute(query)).mappings()]

    async def add(self, wall: str, network: str, query: str) -> Search:
        """Start looking for `query`; one that is there already is switched on. Raises CatalogueError, NotFound."""
        if not query.strip() or len(query) > QUERY_CHARACTERS:
            raise CatalogueError(f"A search has 1 to {QUERY_CHARACTERS} characters.")
        now = self._context.now()
        async with self._context.database.writing() as connection:
            await read_wall(connection, wall)
            same = _same(wall, network, query)
            known = await connection.execute(update(t.search).where(*same).values(enabled=True, next_at=now))
            if known.rowcount == 0:
                # one at a time from here: another may be adding the same search, or the last one there is room for
                await lock_wall(connection, wall)
                found = await connection.execute(
                    select(t.search.c.network, t.search.c.query).where(t.search.c.wall == wall)
                )
                searches = [tuple(row) for row in found]
                if (network, query) not in searches:
                    if len(searches) >= SEARCHES_PER_WALL:
                        raise CatalogueError(f"A wall has at most {SEARCHES_PER_WALL} searches; remove one first.")
                    await connection.execute(
                        insert(t.search).values(
                            id=self._context.ulid(),
                            wall=wall,
                            network=network,
                            query=query,
                            enabled=True,
                            checkpoint={},
                            created_at=now,
                            next_at=now,
                            note="",
                            failures=0,
                        )
                    )
            row = (await connection.execute(select(t.search).where(*same))).mappings().one()
        self._context.changed.fire()
        return _search(row)

    async def find(self, wall: str, network: str, query: str) -> Search:
        """Raises NotFound."""
        async with self._context.database.reading() as connection:
            row = (await connection.execute(select(t.search).where(*_same(wall, network, query)))).mappings().first()
        if row is None:
            raise NotFound(f"The wall {wall} does not look for {query!r} on {network}.")
        return _search(row)

    async def enable(self, search_id: str, enabled: bool) -> None:
        """Go on with a search, or pause it. Raises NotFound."""
        values: dict[str, Any] = {"enabled": enabled, "token": None, "claimed_until": None}
        if enabled:
            values |= {"next_at": self._context.now(), "failures": 0}
        async with self._context.database.writing() as connection:
            changed = await connection.execute(update(t.search).where(t.search.c.id == search_id).values(values))
            _must_be_there(changed.rowcount)
        self._context.changed.fire()

    async def remove(self, search_id: str) -> None:
        """Stop looking; the posts it found stay. Raises NotFound."""
        async with self._context.database.writing() as connection:
            gone = await connection.execute(delete(t.search).where(t.search.c.id == search_id))
            _must_be_there(gone.rowcount)
        self._context.changed.fire()

    async def claim_due(self, networks: Sequence[str], holder: str, lease: timedelta, limit: int) -> list[DueSearch]:
        """Claim up to `limit` searches that are due and that nobody sweeps."""
        now = self._context.now()
        free = or_(t.search.c.claimed_until.is_(None), t.search.c.claimed_until <= now)
        due = (
            select(t.search)
            .where(t.search.c.enabled, t.search.c.next_at <= now, free, t.search.c.network.in_(networks))
            .order_by(t.search.c.next_at)
            .limit(limit)
        )
        async with self._context.database.reading() as connection:
            if (await connection.execute(due)).first() is None:
                return []  # looking costs no writer's turn
        async with self._context.database.writing() as connection:
            rows = (await connection.execute(due.with_for_update(skip_locked=True))).mappings().all()
            claimed = [(row, self._context.token()) for row in rows]
            for row, token in claimed:
                await connection.execute(
                    update(t.search)
                    .where(t.search.c.id == row["id"])
                    .values(holder=holder, token=token, claimed_until=now + lease)
                )
        return [
            DueSearch(search=_search(row), checkpoint=row["checkpoint"] or {}, token=token) for row, token in claimed
        ]

    async def soonest(self, networks: Sequence[str]) -> datetime | None:
        """When the next search of these networks can be claimed, or None when there is none."""
        claimed = t.search.c.claimed_until > t.search.c.next_at
        free = case((claimed, t.search.c.claimed_until), else_=t.search.c.next_at)
        query = select(func.min(free)).where(t.search.c.enabled, t.search.c.network.in_(networks))
        async with self._context.database.reading() as connection:
            return await connection.scalar(query)

    async def renew(self, due: DueSearch, lease: timedelta) -> None:
        """Keep the search longer; nothing happens when it is no longer ours."""
        async with self._context.database.writing() as connection:
            await connection.execute(
                update(t.search)
                .where(t.search.c.id == due.search.id, t.search.c.token == due.token)
                .values(claimed_until=self._context.now() + lease)
            )

    async def finish(self, due: DueSearch, *, next_at: datetime, note: str) -> None:
        """A sweep is complete."""
        await self._settle(
            due,
            {"next_at": next_at, "swept_at": self._context.now(), "note": note, "error": None, "failures": 0},
        )

    async def fail(self, due: DueSearch, *, next_at: datetime, error: str) -> None:
        """A sweep failed; it is tried again at `next_at`."""
        await self._settle(
            due,
            {
                "next_at": next_at,
                "error": error,
                "error_at": self._context.now(),
                "failures": t.search.c.failures + 1,
            },
        )

    async def _settle(self, due: DueSearch, values: dict[str, Any]) -> None:
        release: dict[str, Any] = {"holder": None, "token": None, "claimed_until": None}
        async with self._context.database.writing() as connection:
            await connection.execute(
                update(t.search)
                .where(t.search.c.id == due.search.id, t.search.c.token == due.token)
                .values(values | release)
            )
        self._context.changed.fire()


def _same(wall: str, network: str, query: str) -> tuple[Any, ...]:
    return (t.search.c.wall == wall, t.search.c.network == network, t.search.c.query == query)


def _must_be_there(rows: int) -> None:
    if rows == 0:
        raise NotFound("There is no such search any more.")


def _search(row: Row) -> Search:
    return Search(
        id=row["id"],
        wall=row["wall"],
        network=row["network"],
        query=row["query"],
        enabled=row["enabled"],
        next_at=row["next_at"],
        swept_at=row["swept_at"],
        note=row["note"],
        error=row["error"],
        error_at=row["error_at"],
        failures=row["failures"],
    )
