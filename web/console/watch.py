"""One watcher per process that tells every connected console what to read again.

It looks at the database when something changed in this process, and twice a second for what other processes did;
while no console is connected it does not look at all.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress

from wall.catalogue import Catalogue
from wall.catalogue.glance import Glance, Kind, glance
from wall.errors import CatalogueUnavailable
from web.console.refusals import Refused
from web.console.sessions import SignedIn

POLL_SECONDS = 0.5
# After a change in this process, wait for the rest of a burst: 30 posts a second are 10 hints, not 30.
SETTLE_SECONDS = 0.1
# While the database is away, ask less often.
AWAY_SECONDS = 2.0
# Streams at once in one process; more operators than this want a second web process.
CONSOLES = 64


class Console:
    """One connected page. What it has not read yet is a set of kinds, so it never grows."""

    def __init__(self, operator: SignedIn) -> None:
        self.operator = operator
        self.ended = False
        self._kinds: set[Kind] = set()
        self._woken = asyncio.Event()

    def hint(self, kinds: Collection[Kind]) -> None:
        self._kinds |= set(kinds)
        self._woken.set()

    def end(self) -> None:
        self.ended = True
        self._woken.set()

    async def wait(self, seconds: float) -> frozenset[Kind]:
        """What changed since the last call, waiting at most so long; empty when nothing did, or it ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()
        kinds = frozenset(self._kinds)
        self._kinds.clear()
        return kinds


class Watch:
    """The connected consoles and the one task that looks for them. `close()` ends all streams."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._consoles: set[Console] = set()
        self._seen: Glance | None = None
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._closed = False

    @property
    def consoles(self) -> int:
        return len(self._consoles)

    async def join(self, operator: SignedIn) -> Console:
        """A console that hears of every change from now on. Raises Refused (503), CatalogueUnavailable."""
        if self._closed or len(self._consoles) >= CONSOLES:
            sentence = "Too many consoles are open on this server. Close one; this page goes on without live updates."
            raise Refused(503, "too_many_consoles", sentence, {"retry-after": "10"})
        console = Console(operator)
        self._consoles.add(console)
        try:
            # one at a time: what a page reads after it has joined must not be older than what we compare with
            async with self._starting:
                if self._task is None or self._task.done():
                    self._seen = await glance(self._catalogue)
                    self._task = asyncio.create_task(self._look(), name="console watch")
        except BaseException:
            self.leave(console)
            raise
        return console

    def leave(self, console: Console) -> None:
        self._consoles.discard(console)
        if not self._consoles and self._task is not None:
            self._task.cancel()
            self._task = None
            self._seen = None

    def close(self) -> None:
        """End every stream, and let no new one begin: the server is stopping."""
        self._closed = True
        for console in self._consoles:
            console.end()

    async def _look(self) -> None:
        try:
            with self._catalogue.changed.listen() as changes:
                while True:
                    if await changes.wait(await self._look_once()):
                        await asyncio.sleep(SETTLE_SECONDS)
        except Exception:
            # pages must notice: their next stream starts a new task. A cancelled one has nobody left to tell, and
            # those who are here by now have joined its successor
            for console in self._consoles:
                console.end()
            raise

    async def _look_once(self) -> float:
        """Tell who must know what changed; seconds until the next look."""
        # whoever joins while we look knows more than we do, and may have a session we did not see
        consoles = tuple(self._consoles)
        try:
            now = await glance(self._catalogue)
        except CatalogueUnavailable:
            # the pages notice on their next read, and health says so; we only keep looking
            return AWAY_SECONDS
        kinds = now.differs_from(self._seen) if self._seen is not None else frozenset[Kind]()
        self._seen = now
        for console in consoles:
            if console.operator.digest not in now.sessions:
                console.end()
            elif kinds:
                console.hint(kinds)
        return POLL_SECONDS
