"""STOMP on plain TCP."""

import asyncio
from typing import cast

from relay.server import Relay
from relay.viewer import Viewer


class Plain:
    """On TCP a STOMP frame stands for itself."""

    deflates = False

    def __call__(self, payload: bytes, is_text: bool) -> bytes:
        return payload

    def deflated(self, payload: bytes, is_text: bool) -> bytes:
        raise NotImplementedError("nothing is compressed on TCP")


PLAIN = Plain()


async def listen_tcp(relay: Relay, host: str, port: int) -> asyncio.Server:
    """Speak STOMP on TCP. Raises OSError when the address can't be had."""
    server = await asyncio.get_running_loop().create_server(lambda: TcpViewer(relay), host, port)
    relay.listeners.append(server)
    return server


class TcpViewer(Viewer):
    """A service or a viewer on TCP."""

    __slots__ = ()

    def __init__(self, relay: Relay) -> None:
        super().__init__(relay)
        self.wrap = PLAIN

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)
        self.begin(stream)
        peer = stream.get_extra_info("peername")
        refusal = self.relay.admit(self, peer[0] if peer else "")
        if refusal is not None:
            self.end(refusal, self.session.error(refusal))

    def data_received(self, data: bytes) -> None:
        if not self.closing and self.spend(len(data)):
            self.take(data)

    def say_goodbye(self, code: int, reason: str) -> None:
        self.half_close()
