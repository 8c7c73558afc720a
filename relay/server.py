"""The relay: connections on one side, SEND or an upstream subscription on the other, the hub between them."""

import asyncio
import hmac
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address, ip_network

import structlog

from relay.hub import Hub
from relay.log import LogReader
from relay.settings import RelaySettings
from relay.tcp import TcpViewer
from relay.topic import Read
from relay.viewer import Viewer
from relay.wheel import Wheel
from wall.errors import CatalogueError
from wall.stomp.errors import Code, StompError

_log = structlog.get_logger("relay")


class Relay:
    """Create it in a running loop's thread; it starts by itself with the first message or connection.

    Browsers come through `relay.websocket.websocket_class(relay)`, programs through `listen_tcp`, messages through
    SEND or `receive`. `close` ends it.
    """

    def __init__(self, *, log: LogReader, settings: RelaySettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self.now = clock
        # An epoch of its own, for messages without seq; "r" keeps it apart from the catalogue's.
        self.hub = Hub(settings, "r" + secrets.token_hex(6))
        self.stopping = False
        self.connections: set[Viewer] = set()
        self.refusals: Counter[str] = Counter()
        self._log = log
        self._wheel: Wheel[Viewer] = Wheel(settings.tick, clock())
        self._addresses: Counter[str] = Counter()
        self._proxies = tuple(ip_network(network) for network in settings.trusted_proxies)
        self._listeners: list[asyncio.Server] = []
        self._reads: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.TimerHandle | None = None
        self._flush_due = False
        self._empty = asyncio.Event()  # the last connection is gone, after `close`
        self._log_unreachable = False

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, destination: str, headers: Mapping[str, str], body: bytes | str) -> None:
        """Take a message, from SEND or from upstream; it goes out with all that come in the same turn of the loop.

        Raises ValueError when `destination` is no topic.
        """
        raw = body.encode() if isinstance(body, str) else body
        self.hub.receive(destination, headers, raw, self.now())
        self.flush_soon()

    def flush_soon(self) -> None:
        self._start()
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        now = self.now()
        self.hub.flush(now)
        self._ask(now)

    # ── connections ──────────────────────────────────────────────────────────────────────────────────────────────

    async def listen_tcp(self, host: str, port: int) -> asyncio.Server:
        """Speak STOMP on TCP. Raises OSError when the address can't be had."""
        server = await asyncio.get_running_loop().create_server(lambda: TcpViewer(self), host, port)
        self._listeners.append(server)
        return server

    def admit(self, viewer: Viewer, address: str) -> StompError | None:
        """Count a connection in, or say why not."""
        key = _neighbourhood(address)
        if self.stopping or len(self.connections) >= self.settings.connections:
            self.refused("connections")
            return StompError(Code.TOO_MANY_CONNECTIONS, "Too many connections; come back in a moment")
        if self._addresses[key] >= self.settings.connections_per_address:
            self.refused("address")
            return StompError(
                Code.TOO_MANY_CONNECTIONS, "Too many connections from your address; come back in a moment"
            )
        self._addresses[key] += 1
        viewer.address = key
        self.connections.add(viewer)
        self._start()
        return None

    def gone(self, viewer: Viewer) -> None:
        """A connection has ended."""
        self._wheel.discard(viewer)
        if viewer not in self.connections:
            return
        self.connections.discard(viewer)
        self._addresses[viewer.address] -= 1
        if not self._addresses[viewer.address]:
            del self._addresses[viewer.address]
        if self.stopping and not self.connections:
            self._empty.set()

    def seen(self, viewer: Viewer, at: float) -> None:
        """Have `Viewer.visit` called at `at`."""
        self._start()
        self._wheel.schedule(viewer, at)

    def ended(self, code: Code) -> None:
        self.refusals[code.name.lower()] += 1

    def refused(self, reason: str) -> None:
        self.refusals[reason] += 1

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

    def address_of(self, peer: str, forwarded: Sequence[str]) -> str:
        """Who is behind `peer`: itself, or where it is a trusted proxy, the nearest it forwards for that is none."""
        hops = [hop.strip() for line in forwarded for hop in line.split(",")]
        while hops and self._trusted(peer):
            peer = hops.pop()
        return peer

    def _trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self) -> None:
        if self._ticker is None and not self.stopping:
            self._ticker = asyncio.get_running_loop().call_later(self.settings.tick, self._tick)

    def _tick(self) -> None:
        now = self.now()
        self._ticker = asyncio.get_running_loop().call_later(self.settings.tick, self._tick)
        for viewer in self._wheel.due(now):
            again = viewer.visit(now)
            if again is not None:
                self._wheel.schedule(viewer, max(again, now))
        self.hub.tick(now)
        self._flush()

    # ── the catalogue ────────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, now: float) -> None:
        if self.stopping:
            return
        for read in self.hub.wishes(now):
            task = asyncio.get_running_loop().create_task(self._read(read))
            self._reads.add(task)
            task.add_done_callback(self._reads.discard)

    async def _read(self, read: Read) -> None:
        try:
            async with asyncio.timeout(self.settings.fill_within):
                events = await self._log.events_after(read.wall, read.after, read.limit)
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

    async def close(self) -> None:
        """Take nobody new, close every connection with 1012 over `drain` seconds, and be gone soon after."""
        self.stopping = True
        for server in self._listeners:
            server.close()
        now = self.now()
        for viewer in tuple(self.connections):
            viewer.leave_at(now + random.uniform(0, self.settings.drain))  # noqa: S311 - spreads load, hides nothing
        try:
            async with asyncio.timeout(self.settings.drain + self.settings.close_within):
                if self.connections:
                    await self._empty.wait()
        except TimeoutError:
            for viewer in tuple(self.connections):
                viewer.transport.abort()
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        for task in tuple(self._reads):
            task.cancel()
        await asyncio.gather(*self._reads, return_exceptions=True)


def _neighbourhood(address: str) -> str:
    """What counts as one address: an IPv6 household has 2⁶⁴ of them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
