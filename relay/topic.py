"""One topic: its ring, and the hole that may be open in it.

A hole in seq stops the topic: what comes after it is held, the catalogue is asked, and after `fill_within` seconds
the held messages go out with a gap mark on the first of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from relay.audience import Audience
from relay.log import StoredEvent
from relay.ring import Message, Ring
from relay.seats import Shared
from wall import wire
from wall.events import Cursor


@dataclass(frozen=True, slots=True)
class Read:
    """A wish: the events of `wall` after a cursor. Answer it with `Topic.answer` or `Topic.unanswered`."""

    topic: "Topic"
    wall: str
    after: Cursor
    limit: int


class Numbers:
    """The relay's own positions, for messages that carry none. `run` names this life of the relay, as an epoch."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._count = count(1)

    def next(self) -> Cursor:
        return Cursor(self._run, next(self._count))


class Topic:
    """`wall` is the slug where messages carry (epoch, seq) of their own; elsewhere the relay's numbers are used."""

    def __init__(self, destination: str, wall: str | None, shared: Shared, numbers: Numbers) -> None:
        settings = shared.settings
        self.destination = destination
        self.wall = wall
        self.ring = Ring(settings.ring_age, settings.ring_bytes)
        self.last_head: Message | None = None  # as it came
        self.audience = Audience(destination, self.ring, shared, logged=wall is not None)
        self._numbers = numbers
        self._settings = settings
        self._counts = shared.counts
        self._held: dict[int, Message] = {}
        self._goal = 0  # the highest seq of this epoch known to exist
        self._hole_since: float | None = None
        self._head: Message | None = None  # waits behind the hole
        self._reading: Cursor | None = None
        self._read_again = 0.0  # not before
        self._in_doubt = False  # upstream was away: the log may have more
        self._unflushed = 0  # bytes

    @property
    def restless(self) -> bool:
        """Whether time matters: a hole is open or somebody waits for the catalogue."""
        return self._hole_since is not None or self._in_doubt or bool(self.audience.waiting)

    @property
    def idle(self) -> bool:
        """Whether nothing would be lost by forgetting the topic."""
        return not self.audience and self.ring.end is None and self._reading is None

    def abandoned(self, now: float) -> bool:
        """Whether nobody reads it and its numbers are only ours, so that it can begin anew with the next message."""
        return self.wall is None and not self.audience and self.ring.older_than(now)

    # ── messages in ──────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Take a message. Call `flush` soon, once for all that came together."""
        self._counts.received += 1
        if self.wall is None:
            cursor = self._numbers.next()
            if self.ring.end is None:
                self.ring.begin(Cursor(cursor.epoch, cursor.seq - 1))
            self._append(self._message(headers, body, cursor, now))
            return
        cursor = _position(headers)
        if cursor is None:
            self.audience.tell(self._message(headers, body, None, now))
        elif headers.get("kind") == "head":
            self._take_head(self._message(headers, body, None, now), cursor, now)
        elif self._enter(cursor.epoch, cursor.seq - 1, now):
            self._take(self._message(headers, body, cursor, now), cursor.seq, now)

    def _message(self, headers: Mapping[str, str], body: bytes, cursor: Cursor | None, now: float) -> Message:
        if cursor is None:
            return Message(self.destination, headers, body, cursor=None, number=str(self._numbers.next()), at=now)
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
        self.last_head = message
        self._goal = max(self._goal, head.seq)
        if head.seq <= self.ring.end.seq:
            self.audience.tell(message)
            return
        self._head = message
        self._open_hole(now)

    def flush(self, now: float) -> None:
        """Write what is new to those who read."""
        self._unflushed = 0
        self.audience.flush(now)

    # ── holes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _open_hole(self, now: float) -> None:
        if self._hole_since is None:
            self._hole_since = now

    def _close_hole(self) -> None:
        self._hole_since = None
        if self._head is not None:
            self.audience.tell(self._head)
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

    def doubt(self) -> None:
        """What came from upstream may not have been all: look in the log without waiting for a hole to show."""
        self._in_doubt = self.wall is not None and self.ring.end is not None

    def wish(self, now: float) -> Read | None:
        """What to ask the catalogue now, if anything; one question at a time."""
        if self.wall is None or self._reading is not None or now < self._read_again:
            return None
        end = self.ring.end
        if self._hole_since is not None or self._in_doubt:
            assert end is not None
            after = end
        else:
            oldest = self.audience.oldest()
            if oldest is None:
                return None
            after = oldest
            if end is not None and end.epoch == after.epoch:
                after = min(after, end)
        self.audience.asked(after)
        self._reading = after
        return Read(self, self.wall, after, self._settings.replay_events)

    def unanswered(self, read: Read, now: float) -> None:
        """The catalogue could not be read; it is asked again while there is time."""
        self._reading = None
        self._read_again = now + self._settings.tick
        self.audience.unanswered()

    def answer(self, read: Read, events: Sequence[StoredEvent] | None, now: float) -> None:
        """What the catalogue said (None: it can't say them all). Call `flush` afterwards."""
        self._reading = None
        self._in_doubt = False
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
        self.audience.refuse(after, now)

    def _settle(self, now: float) -> None:
        self.audience.settle(now, hole=self._hole_since is not None)

    def _stored(self, event: StoredEvent, now: float) -> Message:
        headers = wire.headers(event.epoch, event.seq, event.kind, event.key)
        return self._message(headers, event.body.encode(), Cursor(event.epoch, event.seq), now)

    def tick(self, now: float) -> None:
        """Let deadlines pass. Call `flush` afterwards."""
        if self._hole_since is not None and now - self._hole_since >= self._settings.fill_within:
            self._give_up()
        if self.audience.waiting:
            self._settle(now)


def _position(headers: Mapping[str, str]) -> Cursor | None:
    """The message's own position, or None where it names none that can be read."""
    try:
        return Cursor.parse(f"{headers['epoch']}-{headers['seq']}")
    except (KeyError, ValueError):
        return None
