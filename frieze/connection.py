"""One connection of the HTTP port: uvicorn's, with four things of our own.

A request's head is limited in bytes and in time, which uvicorn leaves to its user. An application is shown the
connection that a request came by (relay/sockets.py), for streams that write to it past the server. What the memory
cache can answer whole is answered as soon as the request's head is read, before a scope, a task and two messages
are made of it: every viewer asks for every new thumbnail at the same moment, and a hit costs less than what stands
between the parser and an application. And a request for an upgrade is handed on as it was read, not as bytes to be
parsed once more: a wall's whole audience may come back at once.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, Protocol, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from relay.ranges import CONDITIONS
from relay.sockets import TRANSPORT

# Who takes nothing of an answer for so long is cut off by the kernel; uvicorn has no limit of its own there. As long as
# a stream may stall (relay/settings.py).
UNCONFIRMED_SECONDS = 120

# One request's head, in what it adds to the one reading (at most 256 KiB) that its beginning came with; reference:
# media.md §5.3. Within so many seconds it has to be complete, counted from its first byte, and the first one's from the
# connection's beginning.
HEADER_BYTES, HEAD_SECONDS = 16 * 1024, 10.0

_TOO_LARGE = f"A request's head has at most {HEADER_BYTES // 1024} KiB; send fewer or shorter header fields.\n"

# A request with one of these wants something else than the whole, or goes on after its head.
_MORE_THAN_A_HEAD = CONDITIONS | {b"content-length", b"transfer-encoding", b"expect"}


class Ready(Protocol):
    """A whole answer of status 200: its header `lines`, with the empty one after the last, and its body."""

    @property
    def lines(self) -> bytes: ...

    @property
    def data(self) -> bytes: ...


class Upgraded(Protocol):
    """What takes a connection over for WebSocket, made as uvicorn makes it."""

    def __call__(self, *, config: Any, server_state: Any, app_state: Any) -> "Upgraded": ...

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...

    def asked(self, method: str, target: str, version: str, fields: Iterable[tuple[str, str]]) -> None:
        """Answer the request, whose header is `fields`."""
        ...


# What is ready for who asks for all of a target; it counts as given.
FindReady = Callable[[str], Ready | None]


class Http(HttpToolsProtocol):
    """A connection, which asks an application for every answer."""

    _in_head = False
    _read = 0  # bytes in the reading under way
    _head = 0  # bytes that have come of a head since the reading in which it began
    _begun = False  # in the reading under way
    _late: asyncio.TimerHandle | None = None
    # an answer's beginning, made anew when the server changes its own headers, once a second
    _opening: ClassVar[tuple[object, bytes]] = (None, b"")

    def ready(self, target: str) -> Ready | None:
        """What may be answered to who asks for all of `target`, without asking an application."""
        return None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNCONFIRMED_SECONDS * 1000)
        self._late = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._read, self._begun = len(data), False
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._wait_for_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._begun = True
        self._head = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._late is not None:
            self._stop_waiting()
        if self._read > HEADER_BYTES and self._size() > HEADER_BYTES:
            self._refuse(431, _TOO_LARGE)
            raise ValueError(_TOO_LARGE)  # the parser stops
        if self._asks_plainly() and (answer := self.ready(self.url.decode("latin-1"))):
            self._give(answer)
            return
        # an answer given just before, in the same reading, has set it; this one may take long
        self._unset_keepalive_if_required()
        super().on_headers_complete()
        # the application runs from the loop's next turn on
        shown: dict[object, object] = {"transport": self.transport, "wrote": partial(_wrote, self.cycle)}
        self.scope["extensions"] = {TRANSPORT: shown}

    def on_message_complete(self) -> None:
        if self._latest is not None:  # else nothing but answers that were ready has been given here
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():  # else it was refused for a better reason
            super().send_400_response(msg)

    def handle_websocket_upgrade(self) -> None:
        self.connections.discard(self)
        upgraded = cast(Upgraded, self.ws_protocol_class)(
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        upgraded.connection_made(self.transport)
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers]
        target, version = self.url.decode("latin-1"), f"HTTP/{self.scope['http_version']}"
        upgraded.asked(self.scope["method"], target, version, fields)
        self.transport.set_protocol(cast(asyncio.Protocol, upgraded))

    # ── a head's limits ──────────────────────────────────────────────────────────────────────────────────────────

    def _wait_for_head(self) -> None:
        # what came before a head's beginning, in the same reading, is not its
        self._head += 0 if self._begun else self._read
        if self._head > HEADER_BYTES:
            self._refuse(431, _TOO_LARGE)
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _size(self) -> int:
        """Of a complete head, in bytes."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _too_late(self) -> None:
        self._late = None
        if self.transport.is_closing():
            return
        latest = self._latest
        if latest is not None and not latest.response_complete:
            # its turn has not come, and we may not even be reading
            self._late = self.loop.call_later(HEAD_SECONDS, self._too_late)
        elif not self._in_head:
            self.transport.close()  # a browser that connected in advance takes any answer for that to its next request
        else:
            self._refuse(408, f"A request's head has to be complete within {HEAD_SECONDS:g} s.\n")

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer so, unless another answer is under way, and close."""
        latest = self._latest
        if latest is None or latest.response_complete:
            said = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            self.transport.write(STATUS_LINE[status] + said % (len(sentence), sentence.encode()))
        self.transport.close()

    # ── what is ready ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _latest(self) -> RequestResponseCycle | None:
        return self.cycle  # None before the first, whatever its type says

    def _asks_plainly(self) -> bool:
        """Whether a request is nothing but a GET of the whole, and may be answered now: none before it waits for its
        answer, and the connection goes on and takes what it is given."""
        parser, latest = self.parser, self._latest
        if (
            parser is None
            or parser.get_method() != b"GET"
            or parser.get_http_version() != "1.1"
            or parser.should_upgrade()
        ):
            return False
        if (latest is not None and not latest.response_complete) or self.pipeline or self.flow.write_paused:
            return False
        for name, _ in self.headers:  # `any` costs a generator, on the path of every hit
            if name in _MORE_THAN_A_HEAD:
                return False
        return parser.should_keep_alive() and not self.transport.is_closing()

    def _give(self, answer: Ready) -> None:
        headers = self.server_state.default_headers
        made_of, opening = Http._opening
        if made_of is not headers:
            opening = STATUS_LINE[200] + b"".join(b"%b: %b\r\n" % header for header in headers)
            Http._opening = (headers, opening)
        # the body as it is: a slow reader costs a reference to it, not a copy
        self.transport.writelines((opening + answer.lines, answer.data))
        self.server_state.total_requests += 1
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)


def connection_class(ready: FindReady | None) -> type[Http]:
    """Connections that answer by themselves what is `ready`."""
    if ready is None:
        return Http

    class Connection(Http):
        def ready(self, target: str) -> Ready | None:
            return ready(target)

    return Connection


def _wrote(cycle: RequestResponseCycle, count: int) -> None:
    """Of the length that an answer's head has promised, so much has gone out already."""
    cycle.expected_content_length -= count
