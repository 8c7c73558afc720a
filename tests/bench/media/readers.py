"""Viewers that take bytes: as fast as they come, at a pace, or not at all."""

import socket
import threading
import time
from collections.abc import Callable

from tests.bench.board import Failed

PIECE = 256 * 1024
_IDLE = 0.02  # of a core


class Reader:
    """One connection that asks for one thing."""

    def __init__(self, port: int, path: str, window: int | None = None) -> None:
        self.socket = socket.socket()
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nhost: wall\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.socket.recv(4096)
            if not data:
                raise Failed(f"no answer for {path}: {head!r}")
            head += data
        head, _, first = head.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise Failed(f"{path} was answered {head.splitlines()[0]!r}")
        [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        self.left = int(length.split(b":")[1]) - len(first)

    def take(self, buffer: bytearray, most: int = PIECE) -> int:
        """Read some more; 0 at the end."""
        got = self.socket.recv_into(buffer, min(most, self.left, len(buffer))) if self.left else 0
        if self.left and not got:
            raise Failed(f"a stream ended {self.left:,} bytes before its end")
        self.left -= got
        return got

    def finish(self) -> None:
        """Read all there is, as fast as it comes."""
        buffer = bytearray(PIECE)
        while self.take(buffer):
            pass

    def close(self) -> None:
        self.socket.close()


class Throttled(threading.Thread):
    """Reads from several at `pace` bytes a second each, until told to stop."""

    def __init__(self, readers: list[Reader], pace: int) -> None:
        super().__init__(daemon=True)
        self._readers = readers
        self._pace = pace
        self._over = threading.Event()

    def run(self) -> None:
        buffer, step = bytearray(PIECE), 0.05
        while not self._over.wait(step):
            for reader in self._readers:
                reader.take(buffer, max(1, int(self._pace * step)))

    def end(self) -> None:
        self._over.set()
        self.join()


def settled(processor: Callable[[], float], seconds: float = 30, every: float = 0.5) -> None:
    """Wait, `seconds` at most, until a process has used next to nothing for `every` seconds: all buffers are full."""
    last, end = -1.0, time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(every)
        now = processor()
        if now - last < _IDLE * every:
            return
        last = now
