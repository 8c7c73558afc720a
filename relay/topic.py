"""One topic: its ring, the hole that may be open in it, and who reads.

A hole in seq stops the topic: what comes after it is held, the catalogue is asked, and after `fill_within` seconds
the held messages go out with a gap mark on the first of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from relay.log import StoredEvent
from relay.ring import SHARED_SHAPES, Message, Ring, Shape, ShapeKey
from relay.seats import Group, Reader, Seat, Stage
from relay.settings import RelaySettings
from wall import wire
from wall.events import Cursor


@dataclass(frozen=True, slots=True)
class Read:
    """A wish: the events of `wall` after a cursor. Answer it with `Topic.answer` or `Topic.unanswered`."""

    topic: "Topic"
    wall: str
    after: Cursor
    limit: int


@dataclass(slots=True)
class Counts:
    """What the relay did, since it started."""

    received: int = 0
    repeated: int = 0
    stale: int = 0
    delivered: int = 0
    filled: int = 0
    gaps: int = 0
    recovered: int = 0
    unrecovered: int = 0
    left_behind: int = 0


@dataclass(slots=True)
class Shared:
    """What all topics of a relay have in common. `run` is the epoch of its own numbers."""

    settings: RelaySettings
    run: str
    numbers: Iterator[int]
    counts: Counts = field(default_factory=Counts)
    writing: bool = False  # seats must stay where they are
    stalled: list[Reader] = field(default_factory=list[Reader])  # paused while writing


class Topic:
    """`wall` is the slug where messages carry (epoch, seq) of their own; elsewhere the relay's numbers are used."""

    def __init__(self, destination: str, wall: str | None, shared: Shared) -> None:
        settings = shared.settings
        self.destination = destination
        self.wall = wall
        self.ring = Ring(settings.ring_age, settings.ring_bytes)
        self.groups: dict[ShapeKey, Group] = {}
        self.waiting: list[Seat] = []
        self._shared = shared
        self._settings = settings
        self._counts = shared.counts
        self._held: dict[int, Message] = {}
        self._goal = 0  # the highest seq of this epoch known to exist
        self._hole_since: float | None = None
        self._head: Message | None = None  # waits behind the hole
        self._reading: Cursor | None = None
        self._read_again = 0.0  # not before
        self._extras: list[Message] = []  # messages without a position, for live seats only
        self._unflushed = 0  # bytes

    @property
    def restless(self) -> bool:
        """Whether time matters: a hole is open or somebody waits for the catalogue."""
        return self._hole_since is not None or bool(self.waiting)

    @property
    def idle(self) -> bool:
        """Whether nothing would be lost by forgetting the topic."""
        return not self.groups and self.ring.end is None and self._reading is None

    def abandoned(self, now: float) -> bool:
        """Whether nobody reads it and its numbers are only ours, so that it can begin anew with the next message."""
        return self.wall is None and not self.groups and self.ring.older_than(now)

    # ── messages in ──────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Take a message. Call `flush` soon, once for all that came together."""
        self._counts.received += 1
        if self.wall is None:
            cursor = Cursor(self._shared.run, next(self._shared.numbers))
            if self.ring.end is None:
                self.ring.begin(Cursor(cursor.epoch, cursor.seq - 1))
            self._append(self._message(headers, body, cursor, now))
            return
        cursor = _position(headers)
        if cursor is None:
            self._pass_on(self._message(headers, body, None, now))
        elif headers.get("kind") == "head":
            self._take_head(self._message(headers, body, None, now), cursor, now)
        elif self._enter(cursor.epoch, cursor.seq - 1, now):
            self._take(self._message(headers, body, cursor, now), cursor.seq, now)

    def _message(self, headers: Mapping[str, str], body: bytes, cursor: Cursor | None, now: float) -> Message:
        if cursor is None:
            number = f"{self._shared.run}-{next(self._shared.numbers)}"
            return Message(self.destination, headers, body, cursor=None, number=number, at=now)
        return Message(self.destination, headers, body, cursor=cursor, number=str(cursor), at=now)

    def _append(self, message: Message) -> None:
        self.ring.append(message)
        self._unflushed += message.size
        if self._unflushed > self._settings.batch_bytes:
            self.flush(message.at)

    def _enter(self, epoch: str, seq: int, now: float) -> bool:
        """Make `epoch` the ring's. False: it is an old one. A newer one starts afresh after `seq`."""
        end = self.ring.end
        if end is not None and epoch == end.epoch:
            return True
        if end is not None and epoch < end.epoch:
            self._counts.stale += 1
            return False
        self.flush(now)
        self.ring.begin(Cursor(epoch, seq))
        self._held.clear()
        self._goal = seq
        self._head = None
        self._close_hole()
        return True

    def _take(self, message: Message, seq: int, now: float) -> None:
        end = self.ring.end
        assert end is not None
        if seq <= end.seq or seq in self._held:
            self._counts.repeated += 1
            return
        self._goal = max(self._goal, seq)
        if seq > end.seq + 1:
            self._held[seq] = message
            self._open_hole(now)
            if len(self._held) > self._settings.held_messages:
                self._give_up()
            return
        self._append(message)
        self._advance()

    def _take_head(self, message: Message, head: Cursor, now: float) -> None:
        if not self._enter(head.epoch, head.seq, now):
            return
        assert self.ring.end is not None
        self._goal = max(self._goal, head.seq)
        if head.seq <= self.ring.end.seq:
            self._pass_on(message)
            return
        self._head = message
        self._open_hole(now)

    def _pass_on(self, message: Message) -> None:
        self._extras.append(message)

    # ── holes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _open_hole(self, now: float) -> None:
        if self._hole_since is None:
            self._hole_since = now

    def _close_hole(self) -> None:
        self._hole_since = None
        if self._head is not None:
            self._pass_on(self._head)
            self._head = None

    def _advance(self) -> None:
        """Let go what was held and is in order now."""
        end = self.ring.end
        assert end is not None
        seq = end.seq
        while (message := self._held.pop(seq + 1, None)) is not None:
            self._append(message)
            seq += 1
        if self._hole_since is not None and seq >= self._goal:
            self._close_hole()

    def _give_up(self) -> None:
        """Go on without what is missing, and say so: removals must not wait, and nothing may be painted over."""
        assert self.ring.end is not None
        last = self.ring.end.seq
        for seq in sorted(self._held):
            if seq != last + 1:
                self._counts.gaps += 1
            self._append(self._held[seq].marked(gap=seq != last + 1))
            last = seq
        self._held.clear()
        self._goal = last
        self._close_hole()

    # ── the catalogue ────────────────────────────────────────────────────────────────────────────────────────────

    def wish(self, now: float) -> Read | None:
        """What to ask the catalogue now, if anything; one question at a time."""
        if self.wall is None or self._reading is not None or now < self._read_again:
            return None
        end = self.ring.end
        if self._hole_since is not None:
            assert end is not None
            after = end
        else:
            wanted = [seat.cursor for seat in self.waiting if seat.cursor is not None]
            if not wanted:
                return None
            after = min(wanted)
            if end is not None and end.epoch == after.epoch:
                after = min(after, end)
        for seat in self.waiting:
            seat.asked = seat.cursor is not None and seat.cursor.epoch == after.epoch and seat.cursor >= after
        self._reading = after
        return Read(self, self.wall, after, self._settings.replay_events)

    def unanswered(self, read: Read, now: float) -> None:
        """The catalogue could not be read; it is asked again while there is time."""
        self._reading = None
        self._read_again = now + self._settings.tick
        for seat in self.waiting:
            seat.asked = False

    def answer(self, read: Read, events: Sequence[StoredEvent] | None, now: float) -> None:
        """What the catalogue said (None: it can't say them all). Call `flush` afterwards."""
        self._reading = None
        if events is None:
            self._refuse(read.after, now)
            return
        before = self.ring.end
        if not self._enter(read.after.epoch, read.after.seq, now):
            self._settle(now)
            return
        end, floor = self.ring.end, self.ring.floor
        assert end is not None
        assert floor is not None
        messages = [self._stored(event, now) for event in events]
        past = [message for message in messages if message.seq <= end.seq]
        if past and past[-1].seq >= floor.seq and self.ring.mend(past):
            self._counts.filled += len(past)
        for message in messages:
            if message.seq == end.seq + 1:
                self._append(message)
                self._counts.filled += 1
                end = self.ring.end
                assert end is not None
                self._held.pop(end.seq, None)
        self._goal = max(self._goal, end.seq)
        self._advance()
        if self.ring.end == before:
            self._read_again = now + self._settings.tick
        self._settle(now)

    def _refuse(self, after: Cursor, now: float) -> None:
        """The log does not reach back to `after`."""
        end = self.ring.end
        if self._hole_since is not None and end == after:
            self._give_up()
        for seat in tuple(self.waiting):
            if seat.stage is not Stage.WAITING:
                continue  # its reader left because of another seat
            if seat.asked and (seat.cursor == after or end == after):
                self._decide(seat, False, now)

    def _settle(self, now: float) -> None:
        for seat in tuple(self.waiting):
            if seat.stage is not Stage.WAITING:
                continue  # its reader left because of another seat
            assert seat.cursor is not None
            if self.ring.complete_after(seat.cursor):
                self._decide(seat, True, now)
            elif (seat.asked and self._hole_since is None) or now >= seat.deadline:
                self._decide(seat, False, now)

    def _stored(self, event: StoredEvent, now: float) -> Message:
        headers = wire.headers(event.epoch, event.seq, event.kind, event.key)
        return self._message(headers, event.body.encode(), Cursor(event.epoch, event.seq), now)

    def tick(self, now: float) -> None:
        """Let deadlines pass. Call `flush` afterwards."""
        if self._hole_since is not None and now - self._hole_since >= self._settings.fill_within:
            self._give_up()
        if self.waiting:
            self._settle(now)

    # ── readers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def join(self, reader: Reader, key: ShapeKey, receipt: str | None, cursor: Cursor | None, now: float) -> Seat:
        """Seat a reader. `Reader.joined` is called at once, or when the catalogue has answered."""
        group = self.groups.get(key)
        if group is None:
            shared = sum(other.shape.shared for other in self.groups.values()) < SHARED_SHAPES
            group = self.groups[key] = Group(Shape(key, shared))
        group.seats += 1
        seat = Seat(reader, self, group, receipt)
        reader.seats.append(seat)
        end = self.ring.end
        if cursor is None:
            self._start(seat, None, now)
        elif self.ring.complete_after(cursor):
            seat.cursor = cursor
            self._start(seat, True, now)
        elif self.wall is None or (end is not None and cursor.epoch < end.epoch):
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
            self.groups.pop(group.shape.key, None)

    def park(self, seat: Seat) -> None:
        """The reader's socket is full: stop writing to this seat."""
        if seat.stage is Stage.LIVE:
            del seat.group.live[seat]
            seat.cursor = seat.group.cursor
            seat.stage = Stage.BEHIND

    def catch_up(self, seat: Seat, now: float) -> None:
        """Write all that the seat missed, several messages at a time, and make it live, or stop when it is full."""
        if seat.stage is not Stage.BEHIND:
            return
        reader, settings = seat.reader, self._settings
        write = reader.writer()
        while not reader.paused:
            messages = self.ring.after(seat.cursor, settings.batch_messages, settings.batch_bytes)
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
        group.cursor = self.ring.end
        group.live[seat] = write
        seat.stage = Stage.LIVE
        seat.cursor = None

    def _passed(self, seat: Seat, now: float) -> None:
        """The ring has let go of what this slow seat needs; perhaps the catalogue has it."""
        if self.wall is None or seat.cursor is None:
            self._counts.left_behind += 1
            seat.reader.left_behind(seat)
            return
        self._wait(seat, seat.cursor, now)

    def _wait(self, seat: Seat, cursor: Cursor, now: float) -> None:
        seat.stage = Stage.WAITING
        seat.cursor = cursor
        seat.asked = False
        seat.deadline = now + self._settings.fill_within
        self.waiting.append(seat)

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

    def _start(self, seat: Seat, recovered: bool | None, now: float) -> None:
        """Tell the reader where it stands; the missed messages follow, then live ones."""
        if not recovered:
            seat.cursor = self.ring.end
        if recovered is not None:
            self._counts.recovered += recovered
            self._counts.unrecovered += not recovered
        seat.fresh = False
        seat.stage = Stage.BEHIND
        seat.reader.joined(seat, recovered, self.ring.end)
        self.catch_up(seat, now)

    # ── messages out ─────────────────────────────────────────────────────────────────────────────────────────────

    def flush(self, now: float) -> None:
        """Write what is new to every live seat: for each group the same bytes, once per seat."""
        end, extras = self.ring.end, self._extras
        self._unflushed = 0
        if extras:
            self._extras = []
        for group in tuple(self.groups.values()):
            while group.live and group.cursor != end:
                self._write_next(group, end, now)
            if extras and group.live:
                self._write(group, extras, now)
                self._park_stalled()

    def _write_next(self, group: Group, end: Cursor | None, now: float) -> None:
        messages = self.ring.after(group.cursor, self._settings.batch_messages, self._settings.batch_bytes)
        if messages is None:
            # More came at once than the ring holds; each seat goes its own way.
            for seat in tuple(group.live):
                self.park(seat)
                self.catch_up(seat, now)
            return
        if not messages:
            group.cursor = end
            return
        self._write(group, messages, now)
        group.cursor = messages[-1].cursor
        self._park_stalled()

    def _write(self, group: Group, messages: Sequence[Message], now: float) -> None:
        shape = group.shape
        data = shape.frame(messages[0]) if len(messages) == 1 else b"".join([shape.frame(m) for m in messages])
        self._shared.writing = True
        for write in group.live.values():
            write(data)
        self._shared.writing = False
        group.flushed = now
        self._counts.delivered += len(group.live) * len(messages)

    def _park_stalled(self) -> None:
        """Those whose sockets became full have this group's messages up to its cursor; write them nothing more."""
        stalled = self._shared.stalled
        while stalled:
            for seat in stalled.pop().seats:
                seat.topic.park(seat)


def _position(headers: Mapping[str, str]) -> Cursor | None:
    """The message's own position, or None where it names none that can be read."""
    try:
        return Cursor.parse(f"{headers['epoch']}-{headers['seq']}")
    except (KeyError, ValueError):
        return None
