"""The loader: very many viewers in one process, cheap enough to share two cores with the server it loads.

Raw epoll and `readv` into one buffer; of what comes, only ends of messages are counted, and every fiftieth viewer is
read in full to see that the n-th message is event n. Commands come as lines of JSON on stdin, an answer goes to stdout.
"""

import gc
import json
import os
import re
import select
import socket
import sys
import time
from collections import deque
from typing import Any

from tests.bench.board import Failed
from tests.bench.fanout import wire
from tests.bench.fanout.joining import Joiner, Target
from tests.bench.fanout.watching import Watch

_AT_ONCE = 128  # connections under way while everybody comes
# Seconds between two looks while nothing is there: so the server need not wake this process for a delivery; no viewer
# elsewhere has it do so. What that changes was not measured by itself. Delays are longer by so much at most.
_NAP = 0.001
_SAMPLE = 50  # every which viewer is read in full
_BUFFER = 256 * 1024
_SEQ = re.compile(rb"\nseq:([0-9]+)\n")
_BEAT = wire.masked(b"\n")


class Viewers:
    """Viewers by descriptor. `counts`: messages each has had since the last `expect`."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self._buffer = bytearray(_BUFFER)
        self._sockets: dict[int, socket.socket] = {}
        self._order: list[int] = []  # their descriptors
        self._stalled: list[socket.socket] = []  # never read from again
        self._counts: dict[int, int] = {}
        self._sampled: dict[int, list[bytes]] = {}
        self._half: set[int] = set()  # their last byte was the first one of an END
        self._beat = 0.0  # seconds between two beats of one viewer; 0: none
        self._beats: deque[tuple[float, int]] = deque()  # who is to beat, and when; the next first

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def connect(
        self,
        *,
        host: str,
        port: int,
        path: str,
        count: int,
        cursor: str | None = None,
        replayed: int = 0,
        beat: float = 0.0,
        pause: float = 0.0,
        stalled: int = 0,
    ) -> dict[str, Any]:
        """Connect `count` more viewers, of which `stalled` never read again; `replayed`: messages each gets at once."""
        self._beat = beat
        for descriptor in self._counts:
            self._counts[descriptor] = 0
        joiner = Joiner(self.epoll, Target(host, port, path, beat, pause))
        every = count // stalled if stalled else 0
        began, used, before = time.monotonic(), time.process_time(), len(self._sockets) + len(self._stalled)
        started = done = 0
        while done < count:
            while started < count and len(joiner.under_way) < _AT_ONCE:
                lazy = every > 0 and started % every == 0 and started // every < stalled
                joiner.start(before + started, cursor, stalled=lazy)
                started += 1
            self._step(joiner)
            self._beat_some()
            for joined in joiner.joined:
                done += 1
                descriptor = joined.socket.fileno()
                offset = joined.number - before
                if every and offset % every == 0 and offset // every < stalled:
                    self.epoll.unregister(descriptor)
                    self._stalled.append(joined.socket)
                    continue
                if cursor is not None and joined.recovered is not True:
                    raise Failed(f"viewer {joined.number} resumed after {cursor} and was told {joined.recovered}")
                self._sockets[descriptor] = joined.socket
                # told once of what comes: the kernel need not look again whether all was read, which it always is
                self.epoll.modify(descriptor, select.EPOLLIN | select.EPOLLET)
                self._order.append(descriptor)
                if beat:
                    self._beats.append((time.monotonic() + beat, descriptor))
                self._counts[descriptor] = joined.rest.count(wire.END)
                if joined.rest.endswith(wire.END[:1]):
                    self._half.add(descriptor)
            joiner.joined.clear()
            if time.monotonic() - began > 300:
                raise Failed(f"only {done} of {count} viewers were let in within 300 s")
        seconds = time.monotonic() - began
        self._drain(replayed)
        self._sampled = {one: [] for one in self._order[::_SAMPLE]}
        gc.collect()
        gc.freeze()
        return {"seconds": seconds, "share": (time.process_time() - used) / seconds}

    def expect(self, *, count: int, first: int, within: float) -> dict[str, Any]:
        """Read until every viewer has the events `first`… `count`; when the last viewer had each of them."""
        counts = self._counts
        for descriptor in counts:
            counts[descriptor] = 0
        for parts in self._sampled.values():
            parts.clear()
        missing, last = [len(counts)] * count, [0] * count
        began, used = time.monotonic(), time.process_time()
        self._read(missing, last, began + within)
        wall, used = time.monotonic() - began, time.process_time() - used
        if last[-1] == 0 or any(missing):
            short = sum(missing)
            raise Failed(f"{short} of {count * len(counts)} deliveries did not come within {within:g} s")
        self._drain(count)
        for descriptor, parts in self._sampled.items():
            seqs = [int(seq) for seq in _SEQ.findall(b"".join(parts))]
            if seqs != list(range(first, first + count)):
                raise Failed(f"viewer at {descriptor} had the events {seqs[:5]}…{seqs[-5:]}, out of order")
        return {"last": last, "share": used / wall}

    def idle(self, *, seconds: float) -> dict[str, Any]:
        """Send each viewer's beats when they are due, and read the server's."""
        began, used = time.monotonic(), time.process_time()
        while time.monotonic() < began + seconds:
            self._beat_some()
            for descriptor, _ in self.epoll.poll(0.02):
                self._receive(descriptor)
        return {"share": (time.process_time() - used) / (time.monotonic() - began)}

    def disconnect(self, *, stalled: bool = False) -> dict[str, Any]:
        """Cut everybody, or only those that never read."""
        for one in self._stalled:
            one.close()
        self._stalled.clear()
        if not stalled:
            for one in self._sockets.values():
                one.close()
            self._sockets.clear()
            self._order.clear()
            self._beats.clear()
            self._counts.clear()
            self._sampled.clear()
            self._half.clear()
        return {}

    def watch(self, **arguments: Any) -> dict[str, Any]:
        """Viewers that check every event, and are cut again and again; see `watching.Watch`."""
        began, used = time.monotonic(), time.process_time()
        seen = Watch(**arguments).run()
        return {**seen, "share": (time.process_time() - used) / (time.monotonic() - began)}

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, missing: list[int], last: list[int], until: float) -> None:
        """The hot path: one `readv` per delivery, of which only what could be another one's is searched."""
        buffer, counts, sampled, half = self._buffer, self._counts, self._sampled, self._half
        buffers, poll, readv, now, end = (buffer,), self.epoll.poll, os.readv, time.monotonic_ns, wire.END
        count, ends, head, final, whole = buffer.count, buffer.endswith, end[0], len(last) - 1, wire.BODY_BYTES
        while not last[final] and time.monotonic() < until:
            ready = poll(0, 1024)
            if not ready:
                time.sleep(_NAP)
            for descriptor, _ in ready:
                try:
                    size = readv(descriptor, buffers)
                except BlockingIOError:
                    continue  # came and was read before its turn
                except OSError as error:
                    raise Failed(f"a viewer was cut: {error}") from error
                if not size:
                    raise Failed(f"a viewer was closed by the server after {counts[descriptor]} messages")
                # a whole body lies between two ends
                came = 1 + count(end, 0, size - whole) if size > whole and ends(end, 0, size) else count(end, 0, size)
                if half and descriptor in half:
                    half.discard(descriptor)
                    came += not buffer[0]
                if buffer[size - 1] == head:
                    half.add(descriptor)
                if descriptor in sampled:
                    sampled[descriptor].append(bytes(buffer[:size]))
                had = counts[descriptor]
                counts[descriptor] = had + came
                for number in range(had, had + came):
                    if number > final:
                        raise Failed("a viewer had a message too many")
                    left = missing[number] = missing[number] - 1
                    if not left:
                        last[number] = now()

    def _drain(self, count: int) -> None:
        """Read what is still on its way, and see that everybody has `count` messages, no more and no fewer."""
        quiet, deadline = 0, time.monotonic() + 30
        while quiet < 2 or (time.monotonic() < deadline and any(had < count for had in self._counts.values())):
            events = self.epoll.poll(0.05)
            quiet = 0 if events else quiet + 1
            for descriptor, _ in events:
                self._receive(descriptor)
        for descriptor, had in self._counts.items():
            if had != count:
                raise Failed(f"viewer at {descriptor} has {had} messages instead of {count}")

    def _receive(self, descriptor: int) -> None:
        try:
            size = os.readv(descriptor, (self._buffer,))
        except BlockingIOError:
            return
        if not size:
            raise Failed("a viewer was closed by the server while all was quiet")
        came = self._buffer.count(wire.END, 0, size)
        if descriptor in self._half:
            self._half.discard(descriptor)
            came += not self._buffer[0]
        if self._buffer[size - 1] == wire.END[0]:
            self._half.add(descriptor)
        self._counts[descriptor] += came

    def _beat_some(self) -> None:
        """Send the beats that are due."""
        now = time.monotonic()
        while self._beats and self._beats[0][0] <= now:
            _, descriptor = self._beats.popleft()
            os.write(descriptor, _BEAT)
            self._beats.append((now + self._beat, descriptor))

    def _step(self, joiner: Joiner) -> None:
        joiner.greet()
        for descriptor, _ in self.epoll.poll(0.05):
            if descriptor in joiner.under_way:
                joiner.event(descriptor)
            else:
                self._receive(descriptor)


def main() -> None:
    viewers = Viewers()
    commands = {name: getattr(viewers, name) for name in ("connect", "expect", "idle", "disconnect", "watch")}
    for line in sys.stdin:
        arguments = json.loads(line)
        try:
            answer = commands[arguments.pop("command")](**arguments)
        except Failed as error:
            answer = {"failed": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
