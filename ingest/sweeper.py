"""Searches → posts: claims what is due, sweeps it, and stores each page in one transaction."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import aclosing, suppress
from datetime import timedelta

import structlog

from ingest.sources.base import Page, Source
from wall.catalogue import Catalogue
from wall.catalogue.posts import POSTS_PER_TRANSACTION, Stored
from wall.catalogue.searches import DueSearch
from wall.errors import (
    CatalogueError,
    ClaimLost,
    SourceBudgetSpent,
    SourceError,
    SourceLimited,
    SourceUnavailable,
)
from wall.trouble import Trouble

SWEEPS_AT_ONCE = 4
LEASE = timedelta(seconds=15)  # renewed at a third of it; after a crash another process goes on so soon
LOOK_SECONDS = 0.5
LOOK_AT_LEAST = 0.02  # a search that is due but held by another process must not make us spin
# pauses after failures: full jitter from 2 s to 5 min where waiting helps; the rest needs an operator
# (reference: sources.md §6.3)
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
BUDGET_PAUSE = 900.0
# a wrong token costs nothing to try, and whoever has just put it right is watching
REFUSED_PAUSE = 60.0


class Sweeper:
    """Runs for ever in its own task, for the networks that `sources` has."""

    def __init__(self, catalogue: Catalogue, sources: Mapping[str, Source], holder: str) -> None:
        self._catalogue = catalogue
        self._sources = sources
        self._holder = holder
        self._busy: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("sweeper")
        self._trouble = Trouble()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            with self._catalogue.changed.listen() as listener:
                while True:
                    room = SWEEPS_AT_ONCE - len(self._busy)
                    if room == 0:
                        await asyncio.wait(self._busy, return_when=asyncio.FIRST_COMPLETED)
                        continue
                    for due in await self._claim(room):
                        task = tasks.create_task(self._sweep_held(due))
                        self._busy.add(task)
                        task.add_done_callback(self._busy.discard)
                    await listener.wait(await self._until_next())

    async def _until_next(self) -> float:
        """Seconds to wait for a change before looking again: until the next search is due, and never long."""
        with suppress(CatalogueError):
            soonest = await self._catalogue.searches.soonest(list(self._sources))
            if soonest is not None:
                due_in = (soonest - self._catalogue.now()).total_seconds()
                return min(LOOK_SECONDS, max(LOOK_AT_LEAST, due_in))
        return LOOK_SECONDS

    async def _claim(self, room: int) -> list[DueSearch]:
        try:
            due = await self._catalogue.searches.claim_due(list(self._sources), self._holder, LEASE, room)
        except CatalogueError as error:
            self._say_trouble("sweeping stands still", error)
            await asyncio.sleep(FIRST_PAUSE)
            return []
        self._trouble.over()
        return due

    async def _sweep_held(self, due: DueSearch) -> None:
        """A sweep while its claim is renewed; a killed process gives the search back soon."""
        renewing = asyncio.create_task(self._renew(due))
        try:
            await self._sweep(due)
        except ClaimLost:
            pass  # paused, removed or taken over: whoever did it knows
        except CatalogueError as error:
            self._say_trouble("a sweep could not be stored", error)
        finally:
            renewing.cancel()

    async def _renew(self, due: DueSearch) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            with suppress(CatalogueError):
                await self._catalogue.searches.renew(due, LEASE)

    def _say_trouble(self, what: str, error: CatalogueError) -> None:
        held_back = self._trouble.worth_saying(str(error), asyncio.get_running_loop().time())
        if held_back is not None:
            self._log.warning(what, reason=str(error), repeats=held_back)

    async def _sweep(self, due: DueSearch) -> None:
        source = self._sources[due.search.network]
        total = Stored()
        next_in, note = FIRST_PAUSE, ""
        try:
            source.check_query(due.search.query)
            async with aclosing(source.sweep(due.search.query, due.checkpoint)) as pages:
                async for page in pages:
                    total = _sum(total, await self._store(due, page))
                    next_in, note = page.next_in, page.note
        except SourceError as error:
            await self._fail(due, error)
            return
        except CatalogueError:
            raise
        except Exception as error:
            # a source's own mistake is that search's trouble, not everybody's
            self._log.exception("a source broke", network=due.search.network, query=due.search.query)
            await self._fail(
                due, SourceUnavailable(f"Unexpected {type(error).__name__} in the source; the log has it.")
            )
            return
        now = self._catalogue.now()
        await self._catalogue.searches.finish(due, next_at=now + timedelta(seconds=next_in), note=note or _note(total))

    async def _fail(self, due: DueSearch, error: SourceError) -> None:
        sentence = str(error)
        if sentence != due.search.error:
            self._log.warning(
                "a search fails",
                wall=due.search.wall,
                network=due.search.network,
                query=due.search.query,
                reason=sentence,
            )
        next_at = self._catalogue.now() + timedelta(seconds=_pause(error, due.search.failures))
        if isinstance(error, SourceLimited) and error.until is not None:
            later = random.uniform(0, 3)  # noqa: S311 - spreads load, hides nothing
            next_at = max(next_at, error.until + timedelta(seconds=later))
        await self._catalogue.searches.fail(due, next_at=next_at, error=sentence)

    async def _store(self, due: DueSearch, page: Page) -> Stored:
        """A page in transactions of at most 100 posts; the checkpoint moves with the last one."""
        total = Stored()
        rest = list(page.posts)
        while len(rest) > POSTS_PER_TRANSACTION:
            some, rest = rest[:POSTS_PER_TRANSACTION], rest[POSTS_PER_TRANSACTION:]
            stored = await self._catalogue.posts.store(due, LEASE, posts=some, removals=(), checkpoint=due.checkpoint)
            total = _sum(total, stored)
        stored = await self._catalogue.posts.store(
            due, LEASE, posts=rest, removals=page.removals, checkpoint=page.checkpoint
        )
        return _sum(total, stored)


def _pause(error: SourceError, failures: int) -> float:
    if isinstance(error, SourceBudgetSpent):
        return BUDGET_PAUSE
    if not error.temporary:
        return REFUSED_PAUSE
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, hides nothing


def _sum(one: Stored, other: Stored) -> Stored:
    return Stored(new=one.new + other.new, edited=one.edited + other.edited, removed=one.removed + other.removed)


def _note(stored: Stored) -> str:
    if not (stored.new or stored.edited or stored.removed):
        return "Nothing new."
    return f"{stored.new} new, {stored.edited} edited, {stored.removed} removed."
