"""Who reads a topic: connections as it sees them, their seats, and the groups that share frames.

A seat is in one of three stages. `live`: it has all there is, its group writes to it, it holds no cursor of its own.
`behind`: its socket was full; it holds the cursor of the last message it has and is written nothing until the socket
has drained; what it gets then is decided in relay/pace.py. `waiting`: the ring does not reach back to its cursor; the
catalogue has been asked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from relay.pace import Newest, Patience, Verdict
from relay.ring import SHARED_SHAPES, Message, Ring, Shape, ShapeKey, first
from relay.settings import RelaySettings
from wall.events import Cursor


class Reader(Protocol):
    """A connection, as a topic sees it."""

    @property
    def paused(self) -> bool:
        """Whether its socket is full."""
        ...

    @property
    def seats(self) -> "list[Seat]":
        """Its places, at all topics; audiences add and remove them."""
        ...

    def writer(self) -> Callable[[bytes], object]:
        """What writes framed bytes to its socket. Writing may set `paused`; the reader then calls `Hub.park`."""
        ...

    def joined(self, seat: "Seat", recovered: bool | None, head: Cursor | None) -> None:
        """The subscription is live from here; missed messages follow. `recovered` is None where none was asked."""
        ...

    def left_behind(self, seat: "Seat") -> None:
        """It was so slow that messages it has not got are gone."""
        ...

    def too_slow(self) -> None:
        """It lacks messages for longer than anybody is waited for."""
        ...


class Stage(Enum):
    WAITING = "waiting"
    BEHIND = "behind"
    LIVE = "live"
    LEFT = "left"


@dataclass(slots=True)
class Counts:
    """What the relay did, since it started."""

    received: int = 0
    repeated: int = 0
    stale: int = 0
    delivered: int = 0
    filled: int = 0
    gaps: int = 0
    conflated: int = 0
    recovered: int = 0
    unrecovered: int = 0
    left_behind: int = 0


@dataclass(slots=True)
class Shared:
    """What all audiences of a relay have in common."""

    settings: RelaySettings
    counts: Counts = field(default_factory=Counts)
    writing: bool = False  # seats must stay where they are
    stalled: list[Reader] = field(default_factory=list[Reader])  # paused while writing


class Seat:
    """One reader's place at one topic. `receipt` is what its SUBSCRIBE asked for."""

    __slots__ = ("asked", "audience", "cursor", "deadline", "fresh", "group", "reader", "receipt", "since", "stage")

    @property
    def id(self) -> str:
        """The subscription's id."""
        return self.group.shape.key[0]

    def __init__(self, reader: Reader, audience: "Audience", group: "Group", receipt: str | None) -> None:
        self.reader = reader
        self.audience = audience
        self.group = group
        self.receipt = receipt
        self.stage = Stage.WAITING
        self.fresh = True  # its reader has not been told `joined`
        self.cursor: Cursor | None = None  # while not live: the last message it has
        self.asked = False  # the read under way will decide about it
        self.deadline = 0.0
        self.since = 0.0  # when it began to lack messages


class Group:
    """The seats that share their frames. `cursor`: what all live ones have."""

    __slots__ = ("cursor", "flushed", "live", "seats", "shape")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.cursor: Cursor | None = None
        self.live: dict[Seat, Callable[[bytes], object]] = {}
        self.seats = 0
        self.flushed = 0.0  # when its live seats were last written to


class Audience:
    """The readers of one topic. `logged`: what the ring has let go of may still stand in the catalogue's log."""

    def __init__(self, destination: str, ring: Ring, shared: Shared, *, logged: bool) -> None:
        self.destination = destination
        self.logged = logged
        self.waiting: list[Seat] = []
        self._ring = ring
        self._groups: dict[ShapeKey, Group] = {}
        self._shared = shared
        self._settings = shared.settings
        self._counts = shared.counts
        self._patience = _patience(shared.settings, logged=logged)
        self._newest: Newest | None = None  # for those who share a pace
        self._extras: list[Message] = []  # messages without a position, for live seats only

    def __bool__(self) -> bool:
        return bool(self._groups)

    # ── coming and going ─────────────────────────────────────────────────────────────────────────────────────────

    def join(self, reader: Reader, key: ShapeKey, receipt: str | None, cursor: Cursor | None, now: float) -> Seat:
        """Seat a reader. `Reader.joined` is called at once, or when the catalogue has answered."""
        group = self._groups.get(key)
        if group is None:
            shared = sum(other.shape.shared for other in self._groups.values()) < SHARED_SHAPES
            group = self._groups[key] = Group(Shape(key, shared))
        group.seats += 1
        seat = Seat(reader, self, group, receipt)
        seat.since = now
        reader.seats.append(seat)
        end = self._ring.end
        if cursor is None:
            self._start(seat, None, now)
        elif self._ring.complete_after(cursor):
            seat.cursor = cursor
            self._start(seat, True, now)
        elif not self.logged or (end is not None and cursor.epoch < end.epoch):
            self._start(seat, False, now)
        else:
            self._wait(seat, cursor, now)
        return seat

    def leave(self, seat: Seat) -> None:
        """Take a seat away; its reader hears nothing more from it."""
        group = seat.group
        if seat.stage is Stage.LIVE:
            group.live.pop(seat, None)
        elif seat in self.waiting:
            self.waiting.remove(seat)
        seat.stage = Stage.LEFT
        seat.reader.seats.remove(seat)
        group.seats -= 1
        if group.seats == 0:
            self._groups.pop(group.shape.key, None)

    def park(self, seat: Seat, now: float) -> None:
        """The reader's socket is full: stop writing to this seat."""
        if seat.stage is Stage.LIVE:
            del seat.group.live[seat]
            seat.cursor = seat.group.cursor
            seat.since = now
            seat.stage = Stage.BEHIND

    def _start(self, seat: Seat, recovered: bool | None, now: float) -> None:
        """Tell the reader where it stands; the missed messages follow, then live ones."""
        if not recovered:
            seat.cursor = self._ring.end
        if recovered is not None:
            self._counts.recovered += recovered
            self._counts.unrecovered += not recovered
        seat.fresh = False
        seat.stage = Stage.BEHIND
        seat.reader.joined(seat, recovered, self._ring.end)
        self.catch_up(seat, now)

    # ── catching up ──────────────────────────────────────────────────────────────────────────────────────────────

    def catch_up(self, seat: Seat, now: float) -> None:
        """Write what the seat missed, several messages at a time, and make it live, or stop when it is full."""
        if seat.stage is not Stage.BEHIND:
            return
        reader = seat.reader
        write = reader.writer()
        while not reader.paused:
            verdict = self.verdict(seat, now, 0.0)
            if verdict is Verdict.END:
                reader.too_slow()
                return
            messages = self._missed(seat.cursor, verdict)
            if messages is None:
                self._passed(seat, now)
                return
            if not messages:
                break
            seat.cursor = messages[-1].cursor
            self._counts.delivered += len(messages)
            write(b"".join([seat.group.shape.frame(message) for message in messages]))
        if reader.paused:
            return
        self.flush(now)
        if reader.paused or seat.stage is not Stage.BEHIND:
            return
        group = seat.group
        group.cursor = self._ring.end
        group.live[seat] = write
        seat.stage = Stage.LIVE
        seat.cursor = None

    def verdict(self, seat: Seat, now: float, still: float) -> Verdict:
        """What a reader behind is given next, whose socket has taken nothing for `still` seconds."""
        if seat.stage is not Stage.BEHIND:
            return Verdict.ALL
        came = self._ring.came_after(seat.cursor)
        age = 0.0 if came is None else now - max(came, seat.since)
        return self._patience.verdict(age, still)

    def _missed(self, cursor: Cursor | None, verdict: Verdict) -> Sequence[Message] | None:
        """The next messages for a reader at `cursor`, as many as go in one write; None: the ring has let go of one."""
        count, size = self._settings.batch_messages, self._settings.batch_bytes
        end = self._ring.end
        if verdict is Verdict.ALL or cursor is None or end is None or cursor.epoch != end.epoch:
            return self._ring.after(cursor, count, size)
        newest = self._newest
        messages = None if newest is None else newest.after(cursor.seq, end.seq)
        if messages is None:
            line = self._ring.after(cursor, len(self._ring), self._ring.bytes)
            if not line:
                return line
            newest = self._newest = Newest(cursor.seq, line)
            self._counts.conflated += newest.left_out
            messages = newest.messages
        return first(messages, count, size)

    def _passed(self, seat: Seat, now: float) -> None:
        """The ring has let go of what this slow seat needs; perhaps the catalogue has it."""
        if not self.logged or seat.cursor is None:
            self._counts.left_behind += 1
            seat.reader.left_behind(seat)
            return
        self._wait(seat, seat.cursor, now)

    # ── waiting for the catalogue ────────────────────────────────────────────────────────────────────────────────

    def _wait(self, seat: Seat, cursor: Cursor, now: float) -> None:
        seat.stage = Stage.WAITING
        seat.cursor = cursor
        seat.asked = False
        seat.deadline = now + self._settings.fill_within
        self.waiting.append(seat)

    def oldest(self) -> Cursor | None:
        """The oldest cursor somebody waits to resume from."""
        return min((seat.cursor for seat in self.waiting if seat.cursor is not None), default=None)

    def asked(self, after: Cursor) -> None:
        """The catalogue is being asked for what comes after `after`: who is served by that waits for the answer."""
        for seat in self.waiting:
            seat.asked = seat.cursor is not None and seat.cursor.epoch == after.epoch and seat.cursor >= after

    def unanswered(self) -> None:
        for seat in self.waiting:
            seat.asked = False

    def refuse(self, after: Cursor, now: float) -> None:
        """The log does not reach back to `after`."""
        for seat in tuple(self.waiting):
            if seat.stage is not Stage.WAITING:
                continue  # its reader left because of another seat
            if seat.asked and after in (seat.cursor, self._ring.end):
                self._decide(seat, False, now)

    def settle(self, now: float, *, hole: bool) -> None:
        """Start those the ring can serve now; `hole`: what it lacks is still being looked for."""
        for seat in tuple(self.waiting):
            if seat.stage is not Stage.WAITING:
                continue  # its reader left because of another seat
            assert seat.cursor is not None
            if self._ring.complete_after(seat.cursor):
                self._decide(seat, True, now)
            elif (seat.asked and not hole) or now >= seat.deadline:
                self._decide(seat, False, now)

    def _decide(self, seat: Seat, recovered: bool, now: float) -> None:
        self.waiting.remove(seat)
        if seat.fresh:
            self._start(seat, recovered, now)
        elif recovered:
            seat.stage = Stage.BEHIND
            self.catch_up(seat, now)
        else:
            seat.stage = Stage.BEHIND
            self._counts.left_behind += 1
            seat.reader.left_behind(seat)

    # ── messages out ─────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, message: Message) -> None:
        """Pass on a message that has no position, to those who are live at the next flush."""
        self._extras.append(message)

    def flush(self, now: float) -> None:
        """Write what is new to every live seat: for each group the same bytes, once per seat."""
        end, extras = self._ring.end, self._extras
        if extras:
            self._extras = []
        for group in tuple(self._groups.values()):
            while group.live and group.cursor != end:
                self._write_next(group, end, now)
            if extras and group.live:
                self._write(group, extras, now)
                self._park_stalled(now)

    def _write_next(self, group: Group, end: Cursor | None, now: float) -> None:
        messages = self._ring.after(group.cursor, self._settings.batch_messages, self._settings.batch_bytes)
        if messages is None:
            # More came at once than the ring holds; each seat goes its own way.
            for seat in tuple(group.live):
                self.park(seat, now)
                self.catch_up(seat, now)
            return
        if not messages:
            group.cursor = end
            return
        self._write(group, messages, now)
        group.cursor = messages[-1].cursor
        self._park_stalled(now)

    def _write(self, group: Group, messages: Sequence[Message], now: float) -> None:
        shape = group.shape
        data = shape.frame(messages[0]) if len(messages) == 1 else b"".join([shape.frame(m) for m in messages])
        self._shared.writing = True
        for write in group.live.values():
            write(data)
        self._shared.writing = False
        group.flushed = now
        self._counts.delivered += len(group.live) * len(messages)

    def _park_stalled(self, now: float) -> None:
        """Those whose sockets became full have this group's messages up to its cursor; write them nothing more."""
        stalled = self._shared.stalled
        while stalled:
            for seat in stalled.pop().seats:
                seat.audience.park(seat, now)


def _patience(settings: RelaySettings, *, logged: bool) -> Patience:
    """Only the events of walls supersede each other; elsewhere each message stands for itself."""
    return Patience(
        newest_after=settings.newest_after if logged else None,
        end_after=settings.end_after,
        stuck_after=settings.stuck_after,
    )
