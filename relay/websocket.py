"""STOMP on WebSocket, plugged into uvicorn by its `ws` class setting: one port for pages, API, media and this.

The server's connection has read the upgrade request (frieze/connection.py). `websockets` decides about the handshake;
then it is dropped, and the connection is a parser of frames (relay/framing.py), a session and its seats.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, cast

from websockets.datastructures import Headers, MultipleValuesError
from websockets.exceptions import NegotiationError
from websockets.frames import Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from relay.deflate import Negotiation
from relay.framing import (
    BINARY,
    DEFLATED_BINARY,
    DEFLATED_TEXT,
    TEXT,
    FramingError,
    InflatingParser,
    Parser,
    close,
    pong,
)
from relay.server import Relay
from relay.viewer import Viewer
from wall.sites import origin_allowed
from wall.stomp.session import VERSIONS

SUBPROTOCOLS = {Subprotocol(f"v{version.replace('.', '')}.stomp"): version for version in VERSIONS}


def websocket_class(relay: Relay) -> type[asyncio.Protocol]:
    """The class for `uvicorn.Config(ws=…)`, bound to this relay."""

    class RelayWebSocket(WebSocketViewer):
        __slots__ = ()

        def __init__(self, *, config: Any, server_state: Any, app_state: Any) -> None:
            super().__init__(relay, server_state.connections)

    return RelayWebSocket


class WebSocketViewer(Viewer):
    """A browser. Before `begin` it is only a request to be answered."""

    __slots__ = ("_deaf", "_known", "_parser")

    def __init__(self, relay: Relay, known: set[Any]) -> None:
        super().__init__(relay)
        self.wrap = TEXT  # until the first message shows what the other side speaks
        self._known = known  # uvicorn's connections: it calls `shutdown` on each when it stops
        self._parser: Parser | None = None
        self._deaf = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._known.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._known.discard(self)
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """Closing both sides is all there is to do."""

    def shutdown(self) -> None:
        """uvicorn stops."""
        if self._parser is None:
            self.transport.close()
        elif self._leave_at is None:
            self.close(1012, "the relay restarts; reconnect")

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self._deaf:
            return
        try:
            for opcode, payload in self._parser.feed(data):
                self._take_message(opcode, payload)
        except FramingError as error:
            # RFC 6455 §7.1.7: fail the connection, and read nothing more of it.
            self._deaf = True
            self.close(error.code, str(error))
            self.half_close()

    def _take_message(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.CLOSE:
            self._closed_by_them(payload)
        elif self.closing or not self.spend(len(payload)) or opcode is Opcode.PONG:
            return
        elif opcode is Opcode.PING:
            self.transport.write(pong(payload))
        else:
            # The first message is the CONNECT: answer in kind.
            if opcode is Opcode.BINARY and not self.session.connected:
                self.wrap = DEFLATED_BINARY if self.wrap.deflates else BINARY
            self.take(payload)

    def _closed_by_them(self, payload: bytes) -> None:
        """Echo a close and close (RFC 6455 §5.5.1); where the close was ours this is the echo."""
        if not self.closing:
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1000
            self.close(code if _may_be_sent(code) else 1002, "")
        self.transport.close()

    def greeted(self, limit: int) -> None:
        assert self._parser is not None
        self._parser.limit = limit

    def say_goodbye(self, code: int, reason: str) -> None:
        self.transport.write(close(code, reason))

    # ── the handshake ────────────────────────────────────────────────────────────────────────────────────────────

    def asked(self, method: str, target: str, version: str, fields: Iterable[tuple[str, str]]) -> None:
        """Answer the request for the upgrade, whose header is `fields`."""
        if self.transport.is_closing():
            return
        request = Request(target, Headers(fields), method, version)
        extensions = [Negotiation()] if self.relay.settings.deflate else None
        protocol = ServerProtocol(select_subprotocol=_select, max_size=None, extensions=extensions)
        response = self._decide(protocol, request)
        protocol.send_response(response)
        answer = b"".join(protocol.data_to_send())
        if response.status_code != 101:
            self.transport.write(answer)
            self.transport.close()
            return
        chosen = protocol.subprotocol
        if protocol.extensions:
            self._parser = InflatingParser(self.relay.settings.greeting.frame)
            self.wrap = DEFLATED_TEXT
        else:
            self._parser = Parser(self.relay.settings.greeting.frame)
        self.begin(self.transport, VERSIONS if chosen is None else (SUBPROTOCOLS[chosen],))
        self.transport.write(answer)

    def _decide(self, protocol: ServerProtocol, request: Request) -> Response:
        settings = self.relay.settings
        if request.path.partition("?")[0] not in settings.paths:
            return protocol.reject(404, "Nothing here speaks WebSocket.\n")
        if "Transfer-Encoding" in request.headers or not set(request.headers.get_all("Content-Length")) <= {"0"}:
            return protocol.reject(400, "A request for a WebSocket has no body.\n")
        if self.relay.stopping:
            return _later(protocol, "The relay restarts; come back in a moment.\n")
        try:
            origin = request.headers.get("Origin")
            allowed = origin_allowed(origin, request.headers.get("Host"), settings.origins)
            forwarded = request.headers.get_all("X-Forwarded-For")
        except MultipleValuesError:
            return protocol.reject(400, "Origin and Host may stand once each.\n")
        if not allowed:
            self.relay.connections.refused("origin")
            return protocol.reject(403, "This page may not connect here; an operator can add its origin.\n")
        self.page = origin is not None
        peer = self.transport.get_extra_info("peername")
        address = self.relay.connections.address_of(peer[0] if peer else "", forwarded)
        response = protocol.accept(request)
        if response.status_code == 101 and self.relay.admit(self, address) is not None:
            return _later(protocol, "Too many connections; come back in a moment.\n")
        return response


def _select(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The newest version offered; none where none was offered; a refusal where none fits."""
    if not offered:
        return None
    for ours in SUBPROTOCOLS:
        if ours in offered:
            return ours
    raise NegotiationError(f"offer one of {', '.join(SUBPROTOCOLS)}")


def _later(protocol: ServerProtocol, sentence: str) -> Response:
    response = protocol.reject(503, sentence)
    response.headers["Retry-After"] = "5"
    return response


def _may_be_sent(code: int) -> bool:
    """RFC 6455 §7.4: which close codes may stand in a frame."""
    return 3000 <= code < 5000 or (1000 <= code < 1015 and code not in (1004, 1005, 1006))
