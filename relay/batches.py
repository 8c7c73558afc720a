"""The same bytes to many connections, by one system call for a batch of them.

A write to each costs, beside what the kernel does for it, a way through interpreter, event loop and system call that
touches memory of each connection. Linux's io_submit(2) takes a list of requests, which may all name the same bytes, and
carries out each that goes to a socket before it returns, as a send that does not wait; io_getevents(2) then says what
became of each. Nothing is touched of a connection but its request, 64 bytes that lie beside those of the others.
"""

import ctypes
import os
import platform
import socket
import sys
import weakref
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

_log = structlog.get_logger("relay")

# Requests in one call, during which nothing else of the process runs: five milliseconds. With 256 a delivery cost a
# fifth more (1,000 viewers on two cores).
BATCH = 1024

# linux/aio_abi.h: struct iocb has 8 words of 64 bits (little-endian: data; key and flags; what to do and descriptor;
# vector; its length; offset; two that are 0), struct io_event 4 (data, request, result, 0).
_REQUEST, _EVENT = 8, 4
_WHERE = 2  # the word with the descriptor
_RESULT = 2
_PWRITEV = 8


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Of the system calls, for which C libraries have no names."""

    setup: int
    destroy: int
    events: int
    submit: int


_NUMBERS = {
    "x86_64": _Numbers(setup=206, destroy=207, events=208, submit=209),
    "aarch64": _Numbers(setup=0, destroy=1, events=4, submit=2),
}


class Requests:
    """One request to write for each descriptor, at places from 0 to `count - 1`; `vector` is where all find what."""

    __slots__ = ("_memory", "_pointers", "_vector", "count")

    def __init__(self, vector: int) -> None:
        self.count = 0
        self._vector = vector
        self._memory = array("Q")
        self._pointers = array("Q")

    def append(self, descriptor: int) -> None:
        if self.count == len(self._pointers):
            self._grow()
        self._memory[self.count * _REQUEST + _WHERE] = _PWRITEV | descriptor << 32
        self.count += 1

    def remove(self, place: int) -> None:
        """The last one takes its place."""
        self.count -= 1
        memory = self._memory
        memory[place * _REQUEST + _WHERE] = memory[self.count * _REQUEST + _WHERE]

    def address(self, place: int) -> int:
        """Where the kernel finds the pointers to the requests from `place` on, until there is one more."""
        return self._pointers.buffer_info()[0] + place * self._pointers.itemsize

    def _grow(self) -> None:
        for place in range(self.count, self.count + self.count // 4 + 8):
            self._memory.extend((place, 0, 0, self._vector, 1, 0, 0, 0))
        start, words = self._memory.buffer_info()
        size = self._memory.itemsize
        self._pointers = array("Q", range(start, start + words * size, _REQUEST * size))


class BatchWriter:
    """Writes to all of some `Requests`. Raises OSError where the system can't; for one thread at a time."""

    def __init__(self) -> None:
        numbers = _NUMBERS.get(platform.machine())
        if sys.platform != "linux" or numbers is None or sys.maxsize < 2**63 - 1:
            raise OSError(f"not on {platform.machine()} with {sys.platform}")
        # They keep the interpreter's lock: to take it back from a thread that computes takes 5 ms each time.
        library = ctypes.PyDLL(None, use_errno=True)
        word, pointer = ctypes.c_long, ctypes.c_void_p
        setup = _call(library, numbers.setup, word, pointer)
        destroy = _call(library, numbers.destroy, word)
        self._submit = _call(library, numbers.submit, word, word, pointer)
        self._events = _call(library, numbers.events, word, word, word, pointer, pointer)
        context = ctypes.c_ulong(0)
        if setup(BATCH, ctypes.addressof(context)) < 0:
            raise _error()
        self._context = context.value
        weakref.finalize(self, destroy, self._context)
        self._vector = array("Q", (0, 0))
        events = array("q", bytes(8 * _EVENT * BATCH))
        self._answers = memoryview(events)
        self._answered = events.buffer_info()[0]
        self._try()

    def requests(self) -> Requests:
        return Requests(self._vector.buffer_info()[0])

    def write(self, requests: Requests, data: bytes) -> list[tuple[int, int]]:
        """The places that did not take all of it, each with how many bytes it took; 0 also where it can't be written
        to at all."""
        short: list[tuple[int, int]] = []
        vector = self._vector
        vector[0] = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
        vector[1] = len(data)
        place = 0
        while place < requests.count:
            count = min(BATCH, requests.count - place)
            taken = self._submit(self._context, count, requests.address(place))
            if taken > 0:
                self._collect(taken, len(data), short)
            else:
                # it is the first one that is refused; none before it are left
                short.append((place, 0))
                taken = 1
            place += taken
        return short

    def _collect(self, count: int, length: int, short: list[tuple[int, int]]) -> None:
        """What became of the requests just made."""
        if self._events(self._context, count, count, self._answered, None) != count:
            raise OSError(f"{count} writes did not all end: {_error()}")
        answers = self._answers
        results = answers[_RESULT : _EVENT * count : _EVENT].tolist()
        if results.count(length) == count:
            return
        for place, result in zip(answers[: _EVENT * count : _EVENT].tolist(), results, strict=True):
            if result != length:
                short.append((place, max(result, 0)))

    def _try(self) -> None:
        """Some systems have the calls, but not for sockets."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.setblocking(False)
            requests = self.requests()
            requests.append(ours.fileno())
            if self.write(requests, b"?") or theirs.recv(2) != b"?":
                raise OSError("io_submit does not write to sockets")


def batch_writer() -> BatchWriter | None:
    """None where the system can't; then each connection is written to by itself."""
    try:
        return BatchWriter()
    except OSError as error:
        _log.info("each viewer is written to by itself, which costs more", why=str(error))
        return None


def _call(library: ctypes.PyDLL, number: int, *types: Any) -> Callable[..., int]:
    """The system call of that number, with arguments of these types."""
    function = library["syscall"]
    function.restype = ctypes.c_long
    function.argtypes = (ctypes.c_long, *types)
    return partial(function, number)


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
