"""STOMP clients bare enough to misbehave: they send any frame, and stop reading when told to."""

import contextlib
import select
import socket
import ssl
import time
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

LIMIT = 10.0
# A reader in a browser has kilobytes of window and Ethernet-sized segments; loopback's 64 KiB segments and
# megabytes of buffer would hide a stall for minutes.
STALL_RCVBUF = 4096
STALL_MSS = 1460


def dial(address: tuple[str, int], *, small: bool = False) -> socket.socket:
    """A connected socket; `small` makes one whose stall is seen soon by the sender."""
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if small:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALL_RCVBUF)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, STALL_MSS)
    connection.settimeout(LIMIT)
    connection.connect(address)
    return connection


def was_cut(connection: socket.socket, limit: float) -> bool:
    """Whether the other side reset or ended it within `limit` seconds, found out without reading from it."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(limit * 1000))


class RefusedError(Exception):
    """The handshake was answered with an HTTP status other than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)
class WsClient:
    """STOMP over a WebSocket, one frame per message as ActiveMQ wants it."""

    connection: socket.socket
    protocol: ClientProtocol
    frames: deque[str] = field(default_factory=deque[str])

    @classmethod
    def open(
        cls, url: str, *, origin: str | None = None, small: bool = False, tls: ssl.SSLContext | None = None
    ) -> "WsClient":
        """Opened and answered; raises RefusedError when the answer is not 101."""
        uri = parse_uri(url)
        connection = dial((uri.host, uri.port), small=small)
        if tls is not None:
            connection = tls.wrap_socket(connection, server_hostname=uri.host)
        protocol = ClientProtocol(
            uri,
            origin=None if origin is None else Origin(origin),
            subprotocols=[Subprotocol("v12.stomp")],
            max_size=1 << 20,
        )
        client = cls(connection, protocol)
        protocol.send_request(protocol.connect())
        client._flush()
        while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
            client._read()
        if protocol.state is not State.OPEN:
            client.close()
            response = protocol.handshake_exc
            raise RefusedError(getattr(getattr(response, "response", None), "status_code", 0))
        return client

    def send(self, frame: str) -> None:
        self.protocol.send_text((frame + "\0").encode())
        self._flush()

    def beat(self) -> None:
        """A heart-beat: for ActiveMQ exactly one LF in a message of its own."""
        self.protocol.send_text(b"\n")
        self._flush()

    def receive(self, limit: float = LIMIT) -> str | None:
        """The next frame without its NUL, or None when none comes in time or the connection ends."""
        deadline = time.monotonic() + limit
        while not self.frames:
            left = deadline - time.monotonic()
            if left <= 0 or self.protocol.state is not State.OPEN:
                return None
            self.connection.settimeout(left)
            try:
                self._read()
            except TimeoutError:
                return None
        return self.frames.popleft()

    def ask(self, frame: str, limit: float = LIMIT) -> str:
        """Sends a frame and returns what comes next; fails when nothing does."""
        self.send(frame)
        answer = self.receive(limit)
        assert answer is not None, f"no answer to {frame!r}"
        return answer

    def login(self, credentials: str = "") -> Self:
        answer = self.ask(f"CONNECT\naccept-version:1.2\nhost:localhost\nheart-beat:0,0\n{credentials}\n")
        assert answer.startswith("CONNECTED\n"), answer
        return self

    def subscribe(self, destination: str, identifier: str = "0") -> str:
        return self.ask(f"SUBSCRIBE\nid:{identifier}\ndestination:{destination}\nreceipt:s{identifier}\n\n")

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> None:
        try:
            data = self.connection.recv(65536)
        except ConnectionResetError:
            data = b""
        if data:
            self.protocol.receive_data(data)
        else:
            self.protocol.receive_eof()
        for event in self.protocol.events_received():
            if isinstance(event, Response):
                continue
            assert isinstance(event, Frame)
            if event.opcode is Opcode.TEXT and bytes(event.data).strip(b"\n"):
                self.frames.append(bytes(event.data).decode().removesuffix("\0"))
        self._flush()

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the next read says so
                    self.connection.sendall(data)


@dataclass(slots=True)
class TcpClient:
    """STOMP over TCP, frame by frame."""

    connection: socket.socket
    buffer: bytes = b""

    @classmethod
    def open(cls, address: tuple[str, int], *, small: bool = False) -> "TcpClient":
        return cls(dial(address, small=small))

    def send(self, frame: str) -> None:
        self.connection.sendall((frame + "\0").encode())

    def receive(self, limit: float = LIMIT) -> str | None:
        """The next frame without its NUL, or None when none comes in time or the connection ends."""
        self.connection.settimeout(limit)
        while b"\0" not in self.buffer:
            try:
                data = self.connection.recv(65536)
            except (TimeoutError, ConnectionResetError):
                return None
            if not data:
                return None
            self.buffer += data
        frame, _, self.buffer = self.buffer.partition(b"\0")
        return frame.decode().lstrip("\n")

    def ask(self, frame: str, limit: float = LIMIT) -> str:
        self.send(frame)
        answer = self.receive(limit)
        assert answer is not None, f"no answer to {frame!r}"
        return answer

    def login(self, user: str, password: str) -> str:
        return self.ask(
            f"CONNECT\naccept-version:1.2\nhost:localhost\nheart-beat:0,0\nlogin:{user}\npasscode:{password}\n\n"
        )

    def close(self) -> None:
        self.connection.close()
