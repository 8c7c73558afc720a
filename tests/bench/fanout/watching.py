"""Viewers that check every event they get, and are cut all at once, again and again: the storm."""

import json
import os
import random
import re
import select
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.bench.board import Failed
from tests.bench.fanout import wire
from tests.bench.fanout.joining import Joined, Joiner, Target

_SEQ = re.compile(rb"\nseq:([0-9]+)\n")
_AT = re.compile(rb'"at":"([^"]+)"')
_HEAD = b"\nkind:head\n"
_GAP = b"\ngap:true\n"


@dataclass(slots=True)
class Seen:
    """One viewer: the last event it has had, and what it has read of the next."""

    number: int
    seq: int
    tail: bytes = b""
    socket: Any = None


@dataclass(slots=True, kw_only=True)
class Watch:
    """`count` viewers that have had everything up to event `after` stay until they have the last one.

    Which is the last is told on stdin while they watch, as `{"command": "until", "seq": …}`. `cuts` times, every
    `every` seconds, all are cut at once and come back within `spread` seconds, as pages do. `beat`: as in Target.
    `within`: seconds after the last cut, and after the last event is known, in which all must have all.
    """

    host: str
    port: int
    path: str
    count: int
    epoch: str
    after: int
    cuts: int = 0
    every: float = 3.0
    spread: float = 1.0
    beat: float = 10.0
    within: float = 60.0
    _epoll: select.epoll = field(default_factory=select.epoll)
    _viewers: list[Seen] = field(default_factory=list[Seen])
    _open: dict[int, Seen] = field(default_factory=dict[int, Seen])
    _told: dict[str, int] = field(default_factory=lambda: {"joined": 0, "recovered": 0, "unrecovered": 0, "cut": 0})
    _gaps: int = 0
    _until: int | None = None
    _lags: list[float] = field(default_factory=list[float])  # viewer 0's events, from `at` to here, seconds
    _back: float | None = None  # when the last viewer was back after the last cut

    def run(self) -> dict[str, Any]:
        """Raises Failed at the first gap, repeat or false `recovered`."""
        joiner = Joiner(self._epoll, Target(self.host, self.port, self.path, self.beat))
        self._viewers = [Seen(number, self.after) for number in range(self.count)]
        due = [(0.0, viewer) for viewer in self._viewers]
        began = time.monotonic()
        last_cut, cuts, beaten, asked = began, 0, began, began
        self._epoll.register(sys.stdin.fileno(), select.EPOLLIN)
        buffer = bytearray(256 * 1024)
        print('{"watching": true}', flush=True)
        while not self._over(joiner, due) or cuts < self.cuts:
            now = time.monotonic()
            if cuts < self.cuts and now >= began + (cuts + 1) * self.every:
                due = self._cut(joiner, now)
                last_cut, cuts, self._back = now, cuts + 1, None
            while due and due[-1][0] <= now:
                _, viewer = due.pop()
                cursor = f"{self.epoch}-{viewer.seq}"
                joiner.start(viewer.number, cursor)
            if cuts == self.cuts and self._until is not None and now - max(last_cut, asked) > self.within:
                raise Failed(self._lacking(len(joiner.under_way) + len(due)))
            if self.beat and now - beaten > self.beat / 2:
                beaten = now
                for descriptor in self._open:
                    os.write(descriptor, wire.masked(b"\n"))
            for descriptor, _ in self._epoll.poll(0.02):
                if descriptor == sys.stdin.fileno():
                    self._until, asked = json.loads(sys.stdin.readline())["seq"], now
                else:
                    self._event(joiner, descriptor, buffer)
            for joined in joiner.joined:
                self._enter(joined)
            joiner.joined.clear()
            if self._back is None and len(self._open) == self.count:
                self._back = time.monotonic() - last_cut
        for viewer in self._viewers:
            viewer.socket.close()
        self._epoll.close()
        return {**self._told, "gaps": self._gaps, "back": self._back, "lags": self._lags}

    def _over(self, joiner: Joiner, due: list[tuple[float, Seen]]) -> bool:
        if self._until is None or joiner.under_way or due or len(self._open) < self.count:
            return False
        return all(viewer.seq >= self._until for viewer in self._viewers)

    def _cut(self, joiner: Joiner, now: float) -> list[tuple[float, Seen]]:
        """Everybody loses the connection in this moment; when each comes back, the last first."""
        joiner.abandon()
        for viewer in self._open.values():
            viewer.socket.close()
        self._told["cut"] += len(self._open)
        self._open.clear()
        for viewer in self._viewers:
            viewer.tail = b""
        moments = sorted((now + random.uniform(0, self.spread) for _ in self._viewers), reverse=True)
        return list(zip(moments, self._viewers, strict=True))

    def _enter(self, joined: Joined) -> None:
        viewer = self._viewers[joined.number]
        viewer.socket = joined.socket
        self._open[joined.socket.fileno()] = viewer
        self._told["joined"] += 1
        self._told["recovered"] += joined.recovered is True
        self._told["unrecovered"] += joined.recovered is False
        if joined.rest:
            self._take(viewer, joined.rest)

    def _event(self, joiner: Joiner, descriptor: int, buffer: bytearray) -> None:
        if descriptor in joiner.under_way:
            joiner.event(descriptor)
            return
        viewer = self._open.get(descriptor)
        if viewer is None:
            return  # cut in this very turn
        try:
            size = os.readv(descriptor, (buffer,))
        except OSError as error:
            raise Failed(f"viewer {viewer.number} was cut by the server: {error}") from error
        if not size:
            raise Failed(f"viewer {viewer.number} was closed by the server after {viewer.tail[-300:]!r}")
        self._take(viewer, bytes(buffer[:size]))

    def _take(self, viewer: Seen, data: bytes) -> None:
        """Every event follows the one before: no gap, no repeat."""
        data = viewer.tail + data if viewer.tail else data
        *messages, viewer.tail = data.split(wire.END)
        for message in messages:
            if not viewer.number:
                self._time(message)
            seq = _SEQ.search(message)
            if seq is None:
                raise Failed(f"viewer {viewer.number} got what is no event: {message[:300]!r}")
            if _HEAD in message:
                continue
            self._gaps += _GAP in message
            number = int(seq[1])
            if number != viewer.seq + 1:
                what = "a gap" if number > viewer.seq else "a repeat"
                if b"\ngap:superseded\n" in message:
                    what = "it was so slow that it was spared what is superseded"
                raise Failed(f"viewer {viewer.number} had event {number} after {viewer.seq}: {what}")
            viewer.seq = number

    def _time(self, message: bytes) -> None:
        at = _AT.search(message)
        if at is not None and _HEAD not in message:
            self._lags.append(time.time() - datetime.fromisoformat(at[1].decode()).timestamp())

    def _lacking(self, away: int) -> str:
        behind = [viewer for viewer in self._viewers if viewer.seq < (self._until or 0)]
        example = f"; viewer {behind[0].number} stands at {behind[0].seq}" if behind else ""
        lacking = f"{away} viewers are not back and {len(behind)} lack events up to {self._until}"
        return f"{self.within:g} s after the last cut {lacking}{example}"
