"""A network that draws its own pictures, so that a new wall is never empty.

Everything about a post follows from the source's seed and the post's number, so a restart goes on with new ones and
an origin can be drawn again anywhere. Only the time of a post is remembered, in the checkpoint, for its edit.
"""

import asyncio
import hashlib
import math
import random
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest.drawing.easel import paint, paint_avatar
from ingest.drawing.scenes import Subject, scene
from ingest.drawing.words import AUTHORS, SAYINGS
from ingest.sources.base import Checkpoint, Page
from wall.errors import FetchRefused, FetchUnavailable, SourceRefused
from wall.posts import SourceMedia, SourcePost, SourceRemoval

NETWORK = "demo"
QUERY_LENGTH = 200  # characters
KEPT = 500  # posts; older ones are removed, so that a demo left running for a year fills no disk
OPENING = 12  # posts that come quickly, so that a new wall fills while somebody watches
_OPENING_STEP = 3
_OPENING_PAUSE = 0.8  # seconds
_SHORTEST_PAUSE = 0.5  # seconds between sweeps; a faster pace means more posts in each
_EDIT_EVERY, _EDIT_BACK = 19, 3  # every so many posts, the one so far back is edited …
_REMOVE_EVERY, _REMOVE_BACK = 23, 6  # … or removed
_REMEMBERED = 8  # times of posts kept in the checkpoint


class DemoSource:
    """`pace`: posts a second. `pictures`: the most that one has. `changes`: whether some are edited and removed."""

    network = NETWORK
    keeps_originals = False  # drawn again at any time

    def __init__(
        self,
        *,
        pace: float = 0.25,
        seed: str = "frieze",
        pictures: int = 4,
        changes: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pace = pace
        self._seed = seed
        self._pictures = pictures
        self._changes = changes
        self._now = now

    def check_query(self, query: str) -> None:
        """Any words will do; those that name a subject (`sea`, `city`, …) choose what is drawn."""
        if len(query) > QUERY_LENGTH:
            raise SourceRefused(f"A demo search has at most {QUERY_LENGTH} characters.")

    async def sweep(self, query: str, checkpoint: Checkpoint) -> AsyncGenerator[Page]:
        self.check_query(query)
        first = int(checkpoint.get("next", 0))
        times = {int(number): datetime.fromisoformat(at) for number, at in checkpoint.get("times", {}).items()}
        count, pause = self._step(first)
        posts: list[SourcePost] = []
        removals: list[SourceRemoval] = []
        for number in range(first, first + count):
            times[number] = self._now()
            posts.append(self._post(query, number, 1, times[number]))
            if self._changes and number % _EDIT_EVERY == _EDIT_EVERY - 1 and number - _EDIT_BACK in times:
                posts.append(self._post(query, number - _EDIT_BACK, 2, times[number - _EDIT_BACK]))
            if number >= KEPT:
                removals.append(SourceRemoval(key=self._key(query, number - KEPT)))
            if self._changes and number % _REMOVE_EVERY == _REMOVE_EVERY - 1:
                removals.append(SourceRemoval(key=self._key(query, number - _REMOVE_BACK)))
        kept = dict(sorted(times.items())[-_REMEMBERED:])
        yield Page(
            posts=tuple(posts),
            removals=tuple(removals),
            checkpoint={
                "next": first + count,
                "times": {str(number): at.isoformat() for number, at in kept.items()},
            },
            next_in=pause,
            note=f"{count} drawn, {first + count} so far",
        )

    async def fetch(self, origin: str, target: Path) -> None:
        kind, _, seed = origin.partition(":")
        if kind not in ("demo", "demo-avatar") or not seed or len(seed) > QUERY_LENGTH:
            raise FetchRefused(f"{origin[:80]} is nothing the demo source drew.")
        draw = paint if kind == "demo" else paint_avatar
        try:
            await asyncio.to_thread(lambda: target.write_bytes(draw(seed)))
        except OSError as error:
            raise FetchUnavailable(f"The drawn picture can't be written: {error.strerror or error}.") from error

    async def close(self) -> None:
        return

    def _step(self, first: int) -> tuple[int, float]:
        """How many posts now, and seconds until the next sweep."""
        if first < OPENING:
            return min(_OPENING_STEP, OPENING - first), _OPENING_PAUSE
        count = math.ceil(self._pace * _SHORTEST_PAUSE)
        chance = random.Random(f"{self._seed}/{first}/pause")  # noqa: S311 - a pace, not a secret
        return count, count / self._pace * chance.uniform(0.6, 1.4)

    def _key(self, query: str, number: int) -> str:
        return f"demo:{self._series(query)}-{number}"

    def _series(self, query: str) -> str:
        """Different searches draw different pictures."""
        return hashlib.sha256(f"{self._seed}\n{query}".encode()).hexdigest()[:10]

    def _post(self, query: str, number: int, version: int, at: datetime) -> SourcePost:
        series = self._series(query)
        chance = random.Random(f"{series}-{number}")  # noqa: S311 - an invented post, not a secret
        subject = self._subject(query, series, number)
        how_many = min(self._pictures, chance.choices((1, 2, 3, 4), (72, 14, 9, 5))[0])
        media = tuple(self._media(f"{series}-{number}-{place}/{subject}") for place in range(how_many))
        name, handle = chance.choice(AUTHORS)
        text = chance.choice(SAYINGS[subject])
        if version > 1:
            text = f"{text} (edited: thank you for all the kind words!)"
        return SourcePost(
            key=self._key(query, number),
            version=version,
            author_name=name,
            author_handle=handle,
            avatar=f"demo-avatar:{handle}",
            text=text,
            url=None,
            created=at - timedelta(seconds=chance.uniform(0, 2)) if version == 1 else at,
            media=media,
        )

    def _subject(self, query: str, series: str, number: int) -> Subject:
        """Every subject once before any comes again, in an order that changes from round to round."""
        order = [one for one in Subject if one.value in query.lower().split()] or list(Subject)
        turn, place = divmod(number, len(order))
        random.Random(f"{series}/{turn}").shuffle(order)  # noqa: S311 - an order of pictures, not a secret
        return order[place]

    def _media(self, seed: str) -> SourceMedia:
        return SourceMedia(key=seed, kind="image", origin=f"demo:{seed}", alt=scene(seed).words)
