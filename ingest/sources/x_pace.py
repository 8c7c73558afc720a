"""How often to ask X, and how much: pure objects that all searches of one credential share.

Intervals (reference: X's rate-limit headers, never a fixed number): as often as the window's remaining requests
allow, never faster than the floor, never slower than the ceiling, slower by half after each poll that found nothing.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime

from ingest.sources.x_api import Rate

# Seconds between two polls of one search.
FLOOR = 5.0
CEILING = 60.0
# After each poll that found nothing new.
STRETCH = 1.5
# Requests of a window kept for paging and `frieze check`.
RESERVE = 20
# X's published window for recent search, until its headers say otherwise: 450 in 15 minutes.
_ASSUMED_LIMIT = 450
_WINDOW = 900.0
# A page after a page may follow at once this many times.
_BURST = 10.0
# Seconds of quiet after a 429 that names no time: doubled each time.
_FIRST_QUIET = 60.0
_LONGEST_QUIET = 900.0
# The smallest page X gives.
SMALLEST_PAGE = 10
LARGEST_PAGE = 100


class Pace:
    """One token bucket per credential. Times are unix seconds, given by the caller."""

    def __init__(self, *, floor: float = FLOOR, ceiling: float = CEILING) -> None:
        self._floor = floor
        self._ceiling = ceiling
        self._tokens = _BURST
        self._filled = 0.0
        self._rate: Rate | None = None
        self._quiet = 0.0
        self._quiet_until = 0.0
        self._polled: dict[str, float] = {}

    def learn(self, rate: Rate | None) -> None:
        """Take over what X's headers said."""
        self._rate = rate or self._rate

    def be_quiet(self, now: float) -> float:
        """X said 429 without a time: until when nobody asks. Longer each time until an answer comes."""
        self._quiet = min(_LONGEST_QUIET, self._quiet * 2 or _FIRST_QUIET)
        self._quiet_until = now + self._quiet
        return self._quiet_until

    def answered(self) -> None:
        """X answered: the next quiet is short again."""
        self._quiet = 0.0

    def closed_until(self, now: float) -> float | None:
        """Until when X would refuse any request, or None when it would not."""
        until = self._quiet_until
        if self._rate is not None and self._rate.remaining <= 0:
            until = max(until, min(self._rate.reset, now + _WINDOW))
        return until if until > now else None

    def take(self, now: float) -> float:
        """Take a token for one request: seconds to wait before sending it."""
        per_second = (self._rate.limit if self._rate and self._rate.limit > 0 else _ASSUMED_LIMIT) / _WINDOW
        self._tokens = min(_BURST, self._tokens + max(0.0, now - self._filled) * per_second) - 1
        self._filled = now
        return max(0.0, -self._tokens / per_second)

    def next_in(self, search: str, empty: int, now: float) -> float:
        """Seconds until `search` should be polled again, after `empty` polls in a row without anything new."""
        self._polled[search] = now
        self._polled = {one: at for one, at in self._polled.items() if at > now - 5 * self._ceiling}
        fair = 0.0
        if self._rate is not None and self._rate.reset > now:
            fair = (self._rate.reset - now) * len(self._polled) / max(1, self._rate.remaining - RESERVE)
        stretched = self._floor * STRETCH ** min(empty, 20)
        return min(self._ceiling, max(self._floor, fair, stretched))


class Budget:
    """How many posts may still be read this UTC day, over all searches; None means no limit.

    X charges a post once per UTC day however often it is returned, so the ids of the day are kept, at most `daily`.
    """

    def __init__(self, daily: int | None) -> None:
        self.daily = daily
        self._day: date | None = None
        self._read: dict[str, int] = {}
        self._seen: set[int] = set()

    def recall(self, search: str, day: object, count: object, now: float) -> None:
        """Take over what a search's checkpoint remembers of today, after a restart."""
        self._turn(now)
        if day == str(self._day) and isinstance(count, int) and not isinstance(count, bool):
            self._read[search] = max(count, self._read.get(search, 0))

    def page_size(self, now: float) -> int:
        """How many posts the next request may ask for; 0 when fewer are left than X's smallest page."""
        self._turn(now)
        if self.daily is None:
            return LARGEST_PAGE
        left = self.daily - sum(self._read.values())
        return 0 if left < SMALLEST_PAGE else min(LARGEST_PAGE, left)

    def spend(self, search: str, ids: Collection[int], now: float) -> None:
        """Count the posts of a page that were not returned earlier today."""
        if self.daily is None:
            return
        self._turn(now)
        fresh = set(ids) - self._seen
        self._seen |= fresh
        self._read[search] = self._read.get(search, 0) + len(fresh)

    def memory(self, search: str) -> dict[str, str | int]:
        """What goes into the search's checkpoint."""
        return {} if self.daily is None else {"day": str(self._day), "read": self._read.get(search, 0)}

    def _turn(self, now: float) -> None:
        today = datetime.fromtimestamp(now, UTC).date()
        if today != self._day:
            self._day = today
            self._read.clear()
            self._seen.clear()
