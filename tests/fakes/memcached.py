"""As much of memcached as OpenStack Swift asks for: its login keeps tokens there, its proxy what it knows."""

import socketserver
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast


class Memcached(socketserver.ThreadingTCPServer):
    """The text protocol's get, set, add, incr, decr, delete and version, on a port of the system's choice."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self._kept: dict[bytes, tuple[bytes, bytes, float | None]] = {}
        self._lock = threading.Lock()

    @classmethod
    @contextmanager
    def running(cls) -> Generator["Memcached"]:
        with cls() as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join(10)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def forget(self) -> None:
        """Lose everything, as a memcached does that was started again."""
        with self._lock:
            self._kept.clear()

    def answer(self, command: bytes, words: list[bytes], value: bytes) -> bytes:
        with self._lock:
            match command:
                case b"get":
                    found = [(key, self._get(key)) for key in words]
                    return b"".join(_value(key, *kept) for key, kept in found if kept) + b"END\r\n"
                case b"set":
                    return self._set(words, value)
                case b"add":
                    return b"NOT_STORED\r\n" if self._get(words[0]) else self._set(words, value)
                case b"incr" | b"decr":
                    return self._change(words, 1 if command == b"incr" else -1)
                case b"delete":
                    return b"DELETED\r\n" if self._kept.pop(words[0], None) else b"NOT_FOUND\r\n"
                case b"version":
                    return b"VERSION 1.6.0\r\n"
                case _:
                    return b"ERROR\r\n"

    def _get(self, key: bytes) -> tuple[bytes, bytes] | None:
        flags, value, until = self._kept.get(key, (b"", b"", 0.0))
        return None if until is not None and until < time.time() else (flags, value)

    def _set(self, words: list[bytes], value: bytes) -> bytes:
        seconds = int(words[2])
        # the protocol's own rule: more than 30 days is a time of day
        until = None if seconds == 0 else seconds if seconds > 30 * 86400 else time.time() + seconds
        self._kept[words[0]] = (words[1], value, until)
        return b"STORED\r\n"

    def _change(self, words: list[bytes], sign: int) -> bytes:
        kept = self._get(words[0])
        if kept is None:
            return b"NOT_FOUND\r\n"
        number = str(max(0, int(kept[1]) + sign * int(words[1]))).encode()
        self._kept[words[0]] = (kept[0], number, self._kept[words[0]][2])
        return number + b"\r\n"


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        memcached = cast("Memcached", self.server)
        try:
            while line := self.rfile.readline():
                command, *words = line.split()
                value = b""
                if command in (b"set", b"add"):
                    value = self.rfile.read(int(words[3]))
                    self.rfile.readline()
                self.wfile.write(memcached.answer(command, words, value))
        except OSError:
            pass  # Swift has ended


def _value(key: bytes, flags: bytes, value: bytes) -> bytes:
    return b"VALUE %s %s %d\r\n%s\r\n" % (key, flags, len(value), value)
