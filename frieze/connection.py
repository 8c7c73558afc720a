"""One connection of the HTTP port: uvicorn's, with two things of our own.

It shows an application the connection that a request came by (relay/sockets.py), for streams that write to it past the
server. And what the memory cache can answer whole is answered as soon as the request's head is read, before a scope, a
task and two messages are made of it: every viewer asks for every new thumbnail at the same moment, and a hit costs less
than what stands between the parser and an application.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from relay.ranges import CONDITIONS
from relay.sockets import TRANSPORT

# Who takes nothing of an answer for so long is cut off by the kernel; uvicorn has no limit of its own there. As long as
# a stream may stall (relay/settings.py).
UNCONFIRMED_SECONDS = 120

# A request with one of these wants something else than the whole, or goes on after its head.
_MORE_THAN_A_HEAD = CONDITIONS | {b"content-length", b"transfer-encoding", b"expect"}


class Ready(Protocol):
    """A whole answer of status 200: its header `lines`, with the empty one after the last, and its body."""

    @property
    def lines(self) -> bytes: ...

    @property
    def data(self) -> bytes: ...


# What is ready for who asks for all of a target; it counts as given.
FindReady = Callable[[str], Ready | None]


class Http(HttpToolsProtocol):
    """A connection, which asks an application for every answer."""

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

    def on_headers_complete(self) -> None:
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
