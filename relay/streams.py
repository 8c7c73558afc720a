"""Running streams: from the store to a browser, piece by piece, in little memory whatever the size.

A stream takes the next piece from the store when the browser's socket has room, so a slow reader slows the store. A
store that breaks off is asked once more for the rest of the very same object; when that fails too, the connection is
aborted: what comes up short is the browser's only sign that something is missing. A stream also ends when its reader
leaves or takes nothing for too long, and when its post is taken off the wall.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.types import Receive, Send

from relay.outlet import Outlet
from relay.settings import MediaSettings
from relay.sockets import Line, reset
from relay.standing import Known, Standings
from wall.errors import FriezeError, StoreError, StoreUnavailable
from wall.store.base import OpenObject, Store

# How a stream ends that does not end well; each is counted in `Streams.endings`.
ENDINGS = BROKEN, GONE, OFF, STALLED, STOPPED = "broken", "gone", "off", "stalled", "stopped"
_CUT_SECONDS = 5.0  # for the server to see it; it takes a turn of the loop


class Full(FriezeError):
    """There are as many streams or waiting requests as there may be; `reason` says of what, for a count."""

    temporary = True

    def __init__(self, sentence: str, *, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """`length` bytes from `start` on of the object of `total` bytes under `key`, for whoever asks from `address`.

    `public`: only while this media's rendition is; otherwise whoever asks has shown a signed address, and it is enough
    that there is such a rendition: one that its guest withdrew is gone.
    """

    media_id: str
    role: str
    key: str
    total: int
    start: int
    length: int
    address: str
    public: bool


class Stream:
    """One that runs. `outlet`: where its bytes go; `end` hangs up."""

    __slots__ = ("_since", "_taken", "_task", "_transport", "certain", "ended", "errand", "outlet")

    def __init__(self, errand: Errand, outlet: Outlet, transport: asyncio.Transport | None, now: float) -> None:
        self.errand = errand
        self.outlet = outlet
        self.certain = now  # when it was last known that its post stands
        self.ended: str | None = None
        self._transport = transport
        self._task: asyncio.Task[None] | None = None
        self._taken = -1  # bytes the socket has taken, and since when it is so many
        self._since = now

    def runs_in(self, task: "asyncio.Task[None]") -> None:
        self._task = task

    def still(self, now: float) -> float:
        """For how many seconds the reader has taken nothing."""
        waiting = self._transport.get_write_buffer_size() if self._transport is not None else 0
        if self.outlet.passed - waiting != self._taken:
            self._taken, self._since = self.outlet.passed - waiting, now
        return now - self._since

    def end(self, how: str) -> None:
        """Cut the connection off, so that nobody takes what is there for the whole."""
        if self.ended is not None:
            return
        self.ended = how
        if self._transport is not None:
            reset(self._transport)
        if self._task is not None:
            self._task.cancel()


class Aborted(Exception):
    """Tells a server that does not show its connections to cut this one off."""


class Streams:
    """All streams of a process. `serve` runs one; `endings` counts those that did not end well, `resumed` those whose
    store broke off once, `given` the bytes of those that are over."""

    def __init__(self, store: Store, standings: Standings, settings: MediaSettings, clock: Callable[[], float]) -> None:
        self.endings: Counter[str] = Counter()
        self.resumed = 0
        self.given = 0
        self._store = store
        self._standings = standings
        self._settings = settings
        self._clock = clock
        self._running: set[Stream] = set()
        self._addresses: Counter[str] = Counter()
        self._watching: asyncio.Task[None] | None = None
        self._stopping = False
        self._log = structlog.get_logger("media")

    def __len__(self) -> int:
        return len(self._running)

    @property
    def limit(self) -> int:
        """How many may run at once."""
        return self._settings.streams

    @property
    def sent(self) -> int:
        """Bytes given to readers since the start."""
        return self.given + sum(stream.outlet.passed for stream in self._running)

    def stop(self) -> None:
        """Cut off those that run, and refuse new ones."""
        self._stopping = True
        for stream in tuple(self._running):
            stream.end(STOPPED)

    async def serve(
        self,
        errand: Errand,
        head: dict[str, Any],
        receive: Receive,
        send: Send,
        line: Line | None = None,
    ) -> None:
        """Send the answer's `head`, and the errand's bytes. `line`: the connection, to write to and hang up by itself.

        Raises Full and StoreError while nothing has been sent; what happens later ends the connection.
        """
        transport = line.transport if line is not None else None
        stream = self._enter(Stream(errand, Outlet(errand.length, send, line), transport, self._clock()))
        try:
            opened = await self._open(errand, errand.start, errand.length, None)
            try:
                if opened.info.length != errand.total:
                    raise StoreUnavailable(
                        f"The store has {opened.info.length} bytes of {errand.key}, which has {errand.total}."
                    )
                if stream.ended is None:
                    _tune(transport, self._settings)
                    await send(head)
                    await self._run(stream, opened, receive)
            finally:
                await opened.chunks.aclose()
        finally:
            self._leave(stream)
        if stream.ended is None:
            return
        self.endings[stream.ended] += 1
        if stream.ended != GONE:
            await _cut(transport, receive)

    async def _run(self, stream: Stream, opened: OpenObject, receive: Receive) -> None:
        """Until all is sent, the reader has left, or somebody ends it."""
        pumping = asyncio.create_task(self._pump(stream, opened))
        # the server takes what is sent to a reader that left, and says nothing: reference/media.md §4.5
        leaving = asyncio.create_task(_left(receive))
        stream.runs_in(pumping)
        try:
            await asyncio.wait((pumping, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            pumping.cancel()
            leaving.cancel()
            await asyncio.gather(pumping, leaving, return_exceptions=True)
        passed, length = stream.outlet.passed, stream.errand.length
        if passed == length:
            return
        error = None if pumping.cancelled() else pumping.exception()
        if error is None:
            stream.ended = stream.ended or GONE
            return
        stream.end(BROKEN)
        if not isinstance(error, StoreError):
            raise error
        self._log.warning("a stream was cut off", reason=str(error), passed=passed, of=length)

    async def _pump(self, stream: Stream, opened: OpenObject) -> None:
        length, etag, outlet = stream.errand.length, opened.info.etag, stream.outlet
        resumed = False
        while True:
            try:
                async with aclosing(opened.chunks):
                    await opened.pour(outlet)
            except StoreError as error:
                broken = error
            else:
                broken = StoreUnavailable(f"The store ended after {outlet.passed} of {length} bytes.")
            if outlet.passed == length:
                return
            if resumed:
                raise broken
            resumed = True
            self.resumed += 1
            await asyncio.sleep(self._settings.resume_after)
            start = stream.errand.start + outlet.passed
            opened = await self._open(stream.errand, start, length - outlet.passed, etag)

    async def _open(self, errand: Errand, start: int, length: int, etag: str | None) -> OpenObject:
        try:
            async with asyncio.timeout(self._settings.read_within):
                return await self._store.open(errand.key, start, length, etag=etag)
        except TimeoutError as error:
            raise StoreUnavailable(f"The store did not open {errand.key} in time.") from error

    # ── places ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _enter(self, stream: Stream) -> Stream:
        address = stream.errand.address
        if self._stopping or len(self._running) >= self._settings.streams:
            reason = "stopping" if self._stopping else "streams"
            raise Full("There are too many streams; come back in a moment.", reason=reason)
        if self._addresses[address] >= self._settings.streams_per_address:
            raise Full("There are too many streams to your address; come back in a moment.", reason="address")
        self._addresses[address] += 1
        self._running.add(stream)
        if self._watching is None:
            self._watching = asyncio.get_running_loop().create_task(self._watch())
        return stream

    def _leave(self, stream: Stream) -> None:
        self._running.discard(stream)
        self.given += stream.outlet.passed
        address = stream.errand.address
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]

    # ── watching ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _watch(self) -> None:
        try:
            while self._running:
                await asyncio.sleep(self._settings.look)
                now = self._clock()
                for stream in tuple(self._running):
                    if stream.still(now) >= self._settings.stalled_after:
                        stream.end(STALLED)
                await self._check(tuple(self._running))
        finally:
            self._watching = None

    async def _check(self, streams: Collection[Stream]) -> None:
        """End those whose post was taken off, or whose bytes were given up; and those of which that can't be known,
        after a while."""
        media = sorted({stream.errand.media_id for stream in streams})
        asked = [asyncio.ensure_future(self._standings.ask(media_id)) for media_id in media]
        if asked:
            await asyncio.wait(asked, timeout=self._settings.unknown / 2)
        known = {media_id: _known(answer) for media_id, answer in zip(media, asked, strict=True)}
        now = self._clock()
        for stream in streams:
            found = known[stream.errand.media_id]
            if found is None:
                if now - stream.certain >= self._settings.unknown:
                    stream.end(OFF)
            elif _stands(found, stream.errand):
                stream.certain = now
            else:
                stream.end(OFF)


def _known(answer: "asyncio.Future[Known]") -> Known | None:
    if not answer.done():
        answer.cancel()
        return None
    return None if answer.cancelled() or answer.exception() is not None else answer.result()


def _stands(known: Known, errand: Errand) -> bool:
    rendition = known.media.renditions.get(errand.role) if known.media is not None else None
    return rendition is not None and rendition.key == errand.key and (rendition.public or not errand.public)


async def _cut(transport: asyncio.Transport | None, receive: Receive) -> None:
    """Have the server see that the connection is cut; it would say that we had forgotten to finish."""
    if transport is None:
        raise Aborted
    with suppress(TimeoutError):
        async with asyncio.timeout(_CUT_SECONDS):
            await _left(receive)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass  # a GET has no body worth reading


def _tune(transport: asyncio.Transport | None, settings: MediaSettings) -> None:
    """What waits for a slow reader here, and in the kernel."""
    if transport is None or transport.is_closing():
        return  # who left is noticed next
    # full is full (relay/outlet.py)
    transport.set_write_buffer_limits(high=0)
    peer = transport.get_extra_info("socket")
    if peer is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, settings.unsent)
