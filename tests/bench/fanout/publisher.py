"""Sends events over STOMP on TCP as a service, at a rate or all at once."""

import socket
import time
from types import TracebackType
from typing import Self

from tests.bench.fanout import wire


class Publisher:
    """A service's connection. It beats by its events and asks for no beats."""

    def __init__(self, address: tuple[str, int], login: str, passcode: str) -> None:
        self._socket = socket.create_connection(address, timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {"accept-version": "1.2", "host": "bench", "login": login, "passcode": passcode}
        self._socket.sendall(wire.stomp("CONNECT", {**headers, "heart-beat": "0,0"}))
        answer = self._socket.recv(4096)
        if not answer.startswith(b"CONNECTED"):
            raise SystemExit(f"the server refuses the bench's publisher: {answer[:200]!r}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def pace(self, first: int, count: int, rate: float) -> list[int]:
        """Send events `first`… at `rate` a second; when each was sent (monotonic nanoseconds)."""
        sent: list[int] = []
        began = time.monotonic()
        for number in range(count):
            pause = began + number / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            sent.append(time.monotonic_ns())
            self._socket.sendall(wire.send(first + number))
        return sent

    def burst(self, first: int, count: int) -> None:
        """Send events in one piece."""
        self._socket.sendall(b"".join([wire.send(first + number) for number in range(count)]))
