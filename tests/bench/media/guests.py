"""Guests who send files: as fast as they go, at a pace, or half of one and then nothing."""

import http.client
import io
import json
import os
import secrets
import select
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from tests.bench.board import Failed

PIECE = 128 * 1024
_WITHIN = 60.0


def picture(size: int) -> bytes:
    """A picture of so many bytes that is like no other; what follows its end mark is noise."""
    target = io.BytesIO()
    Image.new("RGB", (64, 48), tuple(os.urandom(3))).save(target, "JPEG")
    head = target.getvalue()
    return head + os.urandom(size - len(head))


class Sending:
    """One file on its way: the relay has given an address for it and has its head; no byte has gone yet."""

    def __init__(self, port: int, data: bytes) -> None:
        self._left = memoryview(data)
        self.sent = 0
        self.socket = socket.create_connection(("127.0.0.1", port), _WITHIN)
        # so that what was sent was sent, and does not wait here
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = (f"PUT {_address(port, len(data))} HTTP/1.1", "host: wall", f"content-length: {len(data)}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def send(self, but: int = 0) -> None:
        """All that is left, but so many bytes."""
        going = self._left[: len(self._left) - but]
        self.socket.sendall(going)
        self._gone(len(going))

    def offer(self, most: int) -> None:
        """As much of it as is taken without waiting."""
        if self._left and select.select((), (self.socket,), (), 0)[1]:
            self._gone(self.socket.send(self._left[:most], socket.MSG_DONTWAIT))

    def _gone(self, count: int) -> None:
        self._left = self._left[count:]
        self.sent += count

    def stored(self) -> None:
        """Wait for 201. Raises Failed for another answer."""
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = self.socket.recv(4096)
            if not data:
                raise Failed(f"an upload was cut off: {answer!r}")
            answer += data
        if not answer.startswith(b"HTTP/1.1 201"):
            raise Failed(f"an upload was answered {answer!r}")

    def close(self) -> None:
        self.socket.close()


@dataclass(frozen=True, slots=True)
class Group:
    """Files of which each goes on by `pace` bytes a second, and stops after `most`."""

    files: list[Sending]
    pace: int
    most: int


class Pacing(threading.Thread):
    """Sends to several at their pace, until told to stop."""

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__(daemon=True)
        self._groups = groups
        self._over = threading.Event()

    def run(self) -> None:
        step = 0.05
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = time.monotonic() + step
            for group in self._groups:
                for sending in group.files:
                    if sending.sent < group.most:
                        sending.offer(int(group.pace * step))

    def end(self) -> None:
        self._over.set()
        self.join()


def _address(port: int, size: int) -> str:
    """Ask for one. Raises Failed."""
    asked = {"size": size, "type": "image/jpeg", "name": "bench.jpg", "consent": True}
    # a token for each: none is in another's way
    headers = {"content-type": "application/json", "x-frieze-guest": secrets.token_hex(16)}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WITHIN)
    try:
        connection.request("POST", "/api/walls/main/uploads", json.dumps(asked), headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 201:
        raise Failed(f"a guest was refused an address: {answer.status} {body!r}")
    fields = json.loads(body)
    if fields["mode"] != "relay":
        raise Failed(f"a guest was sent elsewhere: {fields['mode']}")
    return str(fields["url"])
