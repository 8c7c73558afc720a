"""X by recent search: polled, never streamed, so that nothing of the last seven days is lost by a restart.

A sweep runs from the newest post down to the cursor. Pages come newest first; so the cursor moves only after the last
page, to the first page's newest id. A crash in between resumes with the stored token, or starts the sweep over when
X no longer takes it; posts seen twice are recognised downstream by their key.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from ingest.sources.base import Checkpoint, Page
from ingest.sources.x_api import Family, ParameterRefused, XApi
from ingest.sources.x_pace import Budget, Pace
from ingest.sources.x_posts import XPage, earlier, moment_of, read_id, read_page, sum_up
from ingest.sources.x_query import full_query
from wall.broker.one_thread import OneThread
from wall.errors import SourceBudgetSpent, SourceLimited, SourceUnavailable

log = logging.getLogger(__name__)

# X indexes some posts late, below an id it has returned already: each sweep reads this many seconds again.
OVERLAP = 90.0
# X refuses a since_id older than its window of seven days; a few minutes short of it for two clocks and a slow sweep.
WINDOW = 7 * 24 * 3600.0 - 600.0
# The very first sweep of a search: at most this many pages of 100, so that a popular tag does not cost a fortune.
FIRST_PAGES = 3
# X takes 100 ids per look-up.
IDS_PER_LOOKUP = 100
# A query that exercises the very request of a sweep and matches nothing, so that it costs nothing.
_CHECK_QUERY = '"frieze connection check c5f1e0"'
_GONE = (
    "/resource-not-found",
    "/not-authorized-for-resource",
    "/resource-unavailable",
    "/disallowed-resource",
)


class Fetcher(Protocol):
    """Fetches a public address into a file, guarded. Raises FetchError."""

    async def fetch(self, url: str, target: Path) -> object:
        """Write the bytes at `url` into `target`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """A search's checkpoint in our words. `token` is set in the middle of a sweep."""

    since: int | None = None
    begun: bool = False
    empty: int = 0
    token: str | None = None
    floor: int | None = None
    newest: int | None = None
    pages: int = 0
    fresh: int = 0

    @classmethod
    def read(cls, checkpoint: Checkpoint) -> "_Progress":
        token = checkpoint.get("next_token")
        return cls(
            since=read_id(checkpoint.get("since_id")),
            begun=checkpoint.get("begun") is True,
            empty=_count(checkpoint.get("empty")),
            token=token if isinstance(token, str) and token else None,
            floor=read_id(checkpoint.get("floor")),
            newest=read_id(checkpoint.get("newest_id")),
            pages=_count(checkpoint.get("pages")),
            fresh=_count(checkpoint.get("fresh")),
        )

    def write(self) -> dict[str, Any]:
        document: dict[str, Any] = {"since_id": _text(self.since), "begun": self.begun, "empty": self.empty}
        if self.token is not None:
            document |= {
                "next_token": self.token,
                "floor": _text(self.floor),
                "newest_id": _text(self.newest),
            }
            document |= {"pages": self.pages, "fresh": self.fresh}
        return document

    def start(self, now: float) -> "_Progress":
        """The beginning of a sweep: what X is asked for lies above `floor`."""
        floor = earlier(self.since, OVERLAP) if self.since is not None else None
        if floor is not None and moment_of(floor).timestamp() < now - WINDOW:
            floor = None
        return replace(self, token=None, floor=floor, newest=None, pages=0, fresh=0)

    def step(self, page: XPage) -> "_Progress":
        """After a page: still in the sweep when X names a next one, else the cursor moves."""
        fresh = self.fresh + self.count_new(page)
        newest = self.newest if self.pages else page.newest_id
        went_on = replace(self, token=page.next_token, newest=newest, pages=self.pages + 1, fresh=fresh)
        if page.next_token is not None and (self.begun or went_on.pages < FIRST_PAGES):
            return went_on
        since = max(self.since or 0, newest or 0) or None
        return _Progress(since=since, begun=True, empty=0 if fresh else self.empty + 1)

    def count_new(self, page: XPage) -> int:
        """How many of a page's posts lie above the cursor."""
        return sum(1 for one in page.ids if self.since is None or one > self.since)


class XSource:
    """X's recent search through tweepy. One instance per bearer token, shared by all its searches."""

    network = "x"
    keeps_originals = True

    def __init__(
        self,
        bearer_token: str,
        fetcher: Fetcher,
        *,
        api_url: str = "https://api.x.com",
        fields: Literal["auto", "tweet", "post"] = "auto",
        daily_posts: int | None = None,
        sensitive: bool = False,
        api: XApi | None = None,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`fields` is the family of field names X is asked with; `auto` begins with `tweet` and follows X's answer.

        `daily_posts`: posts that may be read per UTC day (FRIEZE_X_DAILY_POSTS), at least 10, X's smallest page.
        `sensitive` shows posts that X marks as such. `clock` gives unix seconds, `chance` a number in 0..1.
        """
        self._api = api or XApi(bearer_token, api_url, clock=clock)
        self._fetcher = fetcher
        self._auto = fields == "auto"
        self._family: Family = "post" if fields == "post" else "tweet"
        self._switched = False
        self._sensitive = sensitive
        self._budget = Budget(daily_posts)
        self._pace = pace or Pace()
        self._clock = clock
        self._chance = chance
        self._thread = OneThread("frieze-x")

    def check_query(self, query: str) -> None:
        """Raise SourceRefused when X would not take this query."""
        full_query(query)

    async def sweep(self, query: str, checkpoint: Checkpoint) -> AsyncGenerator[Page]:
        """Read what is new since `checkpoint`, page by page. Raises SourceError."""
        whole = full_query(query)
        now = self._clock()
        self._budget.recall(query, checkpoint.get("day"), checkpoint.get("read"), now)
        progress = _Progress.read(checkpoint)
        if progress.token is None:
            progress = progress.start(now)
        started_over = False
        while True:
            try:
                document = await self._search(whole, progress)
            except ParameterRefused as refused:
                if started_over or not self._outdated(progress, refused.parameters):
                    raise
                started_over = True
                progress = progress.start(self._clock())
                if "since_id" in refused.parameters:
                    progress = replace(progress, floor=None)
                log.info("X no longer takes where the last sweep stopped; it starts over")
                continue
            page = read_page(document, sensitive=self._sensitive)
            self._budget.spend(query, page.ids, self._clock())
            if page.next_token is not None and page.next_token == progress.token:
                raise SourceUnavailable("X names the same page again and again. Frieze tries again later.")
            note = sum_up(page, progress.count_new(page))
            progress = progress.step(page)
            yield Page(
                posts=page.posts,
                checkpoint=progress.write() | self._budget.memory(query),
                next_in=self._next_in(query, progress),
                note=note,
            )
            if progress.token is None:
                return

    async def fetch(self, origin: str, target: Path) -> None:
        """Write a picture's bytes into `target`. Raises FetchError."""
        await self._fetcher.fetch(origin, target)

    async def gone(self, keys: Collection[str]) -> set[str]:
        """Those of the keys whose posts X no longer shows: deleted, protected, suspended. Raises SourceError.

        Posts read the same day are not charged again; the others are, one read each.
        """
        by_id = {number: key for key in keys if (number := read_id(key.removeprefix("x:"))) is not None}
        numbers = sorted(by_id)
        lost: set[str] = set()
        for at in range(0, len(numbers), IDS_PER_LOOKUP):
            some = numbers[at : at + IDS_PER_LOOKUP]
            document = await self._thread.run(lambda some=some: self._api.lookup(some))
            found = {read_id(_member(item, "id")) for item in _items(document, "data")}
            for problem in _items(document, "errors"):
                number = read_id(_member(problem, "resource_id") or _member(problem, "value"))
                if number in by_id and number not in found and str(_member(problem, "type")).endswith(_GONE):
                    lost.add(by_id[number])
        return lost

    async def check(self) -> str:
        """Ask X once for what matches nothing, and say in a sentence how it answered. Raises SourceError."""
        await self._search(full_query(_CHECK_QUERY), _Progress(), max_results=10)
        rate = self._api.rate
        if rate is None:
            return "X answers: the token is good and recent search works."
        reset = datetime.fromtimestamp(rate.reset, UTC)
        return (
            f"X answers: the token is good and recent search works; {rate.remaining} of {rate.limit} requests "
            f"are left until {reset:%H:%M} UTC."
        )

    async def close(self) -> None:
        """Let go of the connections and the thread; a request under way ends by its timeout."""
        self._thread.close()
        self._api.close()

    async def _search(self, query: str, progress: _Progress, *, max_results: int | None = None) -> Mapping[str, Any]:
        """One request, in whichever field family X takes."""
        try:
            return await self._request(query, progress, max_results)
        except ParameterRefused as refused:
            if not self._auto or self._switched or f"{self._family}.fields" not in refused.parameters:
                raise
            self._switched = True
            self._family = "post" if self._family == "tweet" else "tweet"
            log.warning("X no longer takes the old field names; asking with %s.fields from now on", self._family)
            return await self._request(query, progress, max_results)

    async def _request(self, query: str, progress: _Progress, max_results: int | None) -> Mapping[str, Any]:
        now = self._clock()
        size = max_results or self._budget.page_size(now)
        if size == 0:
            raise SourceBudgetSpent(
                f"The {self._budget.daily} posts a day that FRIEZE_X_DAILY_POSTS allows are read. Raise it, or wait "
                "for 00:00 UTC."
            )
        closed = self._pace.closed_until(now)
        if closed is not None:
            until = datetime.fromtimestamp(closed, UTC)
            raise SourceLimited(f"X asks us to wait until {until:%H:%M:%S} UTC.", until=until)
        await asyncio.sleep(self._pace.take(now))
        family = self._family
        try:
            document = await self._thread.run(
                lambda: self._api.search(
                    query,
                    family=family,
                    max_results=size,
                    since_id=progress.floor,
                    next_token=progress.token,
                )
            )
        except SourceLimited as limited:
            if limited.until is not None:
                raise
            until = datetime.fromtimestamp(self._pace.be_quiet(self._clock()), UTC)
            sentence = f"X asks us to wait and does not say how long; Frieze waits until {until:%H:%M:%S} UTC."
            raise SourceLimited(sentence, until=until) from limited
        finally:
            self._pace.learn(self._api.rate)
        self._pace.answered()
        return document

    def _outdated(self, progress: _Progress, parameters: frozenset[str]) -> bool:
        """Whether X refuses where we stopped, and not what we ask for."""
        stale = progress.token is not None and bool(parameters & {"next_token", "pagination_token"})
        return stale or (progress.floor is not None and "since_id" in parameters)

    def _next_in(self, query: str, progress: _Progress) -> float:
        """Seconds, ± 10 % so that searches spread."""
        interval = self._pace.next_in(query, progress.empty, self._clock())
        return interval * (0.9 + 0.2 * self._chance())


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 1_000_000 else 0


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _items(document: Mapping[str, Any], name: str) -> list[Any]:
    value: Any = document.get(name)
    return value if isinstance(value, list) else []


def _member(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else None
