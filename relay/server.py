"""The relay: connections on one side, SEND or an upstream subscription on the other, the hub between them."""

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from itertools import count
from typing import Any

import structlog

from relay.connections import Connection, Connections
from relay.hub import Hub
from relay.log import LogReader
from relay.settings import RelaySettings
from relay.topic import Read
from relay.visibility import Visibility, WallsReader
from wall.errors import CatalogueError
from wall.stomp.errors import Code, StompError
from wall.stomp.session import SessionLimits

_log = structlog.get_logger("relay")

# A flush that comes so much later (seconds) than it was asked for shows a loop that can't keep up; the next one waits
# this many times as long, and no longer than a tick. Measured with `script/bench fanout storm`.
_LATE = 0.02
_SPREAD_FLUSHES = 3


class Relay:
    """Create it in a running loop's thread; it starts by itself with the first message or connection.

    Browsers come through `relay.websocket.websocket_class(relay)`, programs through
    `relay.tcp.listen_tcp`, messages through SEND or `receive`. `close` ends it.
    """

    def __init__(
        self,
        *,
        log: LogReader,
        settings: RelaySettings,
        walls: WallsReader | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.now = clock
        # An epoch of its own, for messages without seq; "r" keeps it apart from the catalogue's.
        self._run = "r" + secrets.token_hex(6)
        self._sessions = count(1)
        self.hub = Hub(settings, self._run, clock)
        self.connections = Connections(settings, clock())
        self.session_limits = SessionLimits(
            greeting=settings.greeting,
            subscriptions=settings.subscriptions,
            id_length=settings.id_length,
            transactions=settings.transactions,
        )
        self.visibility = Visibility(walls, self._shut_out, clock)
        self._log = log
        self.listeners: list[asyncio.Server] = []  # closed with it
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.TimerHandle | None = None
        self._flush_asked: float | None = None  # since when a flush is due
        self._calm_at = 0.0  # the next one is not before
        self._empty = asyncio.Event()  # the last connection is gone, after `close`
        self._log_unreachable = False

    @property
    def stopping(self) -> bool:
        return self.connections.stopping

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, destination: str, headers: Mapping[str, str], body: bytes | str) -> None:
        """Take a message, from SEND or from upstream; it goes out with all that come in the same turn of the loop.

        Raises ValueError when `destination` is no topic.
        """
        raw = body.encode() if isinstance(body, str) else body
        self.hub.receive(destination, headers, raw, self.now())
        self.flush_soon()

    def doubt(self) -> None:
        """Upstream is heard again: what it has said meanwhile is read from the log, not waited for."""
        self.hub.doubt()
        self.flush_soon()

    def flush_soon(self) -> None:
        """Write out what has come, at the end of this turn of the loop; later where it has more to do than it can."""
        self._start()
        if self._flush_asked is None:
            self._flush_asked = now = self.now()
            loop = asyncio.get_running_loop()
            if now >= self._calm_at:
                loop.call_soon(self._flush)
            else:
                loop.call_later(self._calm_at - now, self._flush)

    def _flush(self) -> None:
        asked, self._flush_asked = self._flush_asked, None
        now = self.now()
        self.hub.flush(now)
        self._ask(now)
        if asked is not None:
            # A turn that took long has left others waiting: then several messages go out in one write, so that those
            # who come in meanwhile get their share of the processor.
            late = now - max(asked, self._calm_at)
            self._calm_at = self.now() + min(_SPREAD_FLUSHES * late, self.settings.tick) if late > _LATE else now

    # ── connections ──────────────────────────────────────────────────────────────────────────────────────────────

    def admit(self, connection: Connection, address: str) -> StompError | None:
        """Count a connection in, or say why not."""
        refusal = self.connections.admit(connection, address)
        if refusal is None:
            self._start()
        return refusal

    def gone(self, connection: Connection) -> None:
        """A connection has ended."""
        self.connections.gone(connection)
        if self.stopping and not self.connections:
            self._empty.set()

    def due(self, connection: Connection, at: float) -> None:
        """Have `Connection.visit` called at `at`."""
        self._start()
        self.connections.due(connection, at)

    def authenticate(self, login: str | None, passcode: str | None) -> bool:
        """Whether it is the service account; no login is a viewer. Raises StompError for wrong credentials."""
        if not login and not passcode:
            return False
        settings = self.settings
        # Both are always compared, and in constant time: the time taken tells nothing.
        right_login = hmac.compare_digest((login or "").encode(), settings.login.encode())
        right_passcode = hmac.compare_digest((passcode or "").encode(), (settings.passcode or "").encode())
        if settings.passcode and right_login and right_passcode:
            return True
        raise StompError(
            Code.WRONG_CREDENTIALS,
            "Wrong login or passcode; use the service account's, or none at all to read walls",
        )

    def session_name(self) -> str:
        """A name for one more connection."""
        return f"{self._run}-{next(self._sessions)}"

    def _shut_out(self, destination: str) -> None:
        """A secret link was renewed: who reads there needs a new token."""
        for connection in tuple(self.connections.all):
            connection.shut_out(destination)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self) -> None:
        if self._ticker is None and not self.stopping:
            self._ticker = asyncio.get_running_loop().call_later(self.settings.tick, self._tick)

    def _tick(self) -> None:
        now = self.now()
        self._ticker = asyncio.get_running_loop().call_later(self.settings.tick, self._tick)
        self.connections.turn(now)
        self.hub.tick(now)
        self._flush()
        if self.visibility.due(now) and not self.stopping:
            self._begin(self.visibility.learn())

    # ── the catalogue ────────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, now: float) -> None:
        if self.stopping:
            return
        for read in self.hub.wishes(now):
            self._begin(self._read(read))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, read: Read) -> None:
        try:
            async with asyncio.timeout(self.settings.fill_within):
                events = await self._log.events_after(read.topic.destination, read.after, read.limit)
        except (CatalogueError, TimeoutError) as error:
            read.topic.unanswered(read, self.now())
            if not self._log_unreachable:
                self._log_unreachable = True
                _log.warning("the event log can't be read; viewers repair by snapshot", wall=read.wall, why=str(error))
        else:
            if self._log_unreachable:
                self._log_unreachable = False
                _log.info("the event log can be read again")
            read.topic.answer(read, events, self.now())
        self.hub.touch(read.topic)
        self._flush()

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def close(self, drain: float | None = None) -> None:
        """Take nobody new, close every connection with 1012 over `drain` seconds, and be gone soon after.

        The close is the hint to go elsewhere: it says so (1012, "service restart"), and each viewer hears it at a
        moment of its own. `drain` replaces the settings' one.
        """
        drain = self.settings.drain if drain is None else drain
        for server in self.listeners:
            server.close()
        self.connections.dismiss(self.now(), drain)
        try:
            async with asyncio.timeout(drain + self.settings.close_within):
                if self.connections:
                    await self._empty.wait()
        except TimeoutError:
            self.connections.abort()
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
