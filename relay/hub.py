"""All topics of a relay, and who may find them: exact names for everybody, wildcards for services."""

import time
from collections.abc import Callable, Iterator, Mapping

from relay.credit import Credit
from relay.lag import Lag
from relay.ring import ShapeKey
from relay.seats import Counts, Reader, Seat, Shared
from relay.settings import RelaySettings
from relay.topic import Numbers, Read, Topic
from wall.destinations import PRIVATE, WALL, valid_slug
from wall.events import Cursor

TOPIC = "/topic/"
# Rings are looked over for old messages this often (seconds); their limit in bytes holds at every moment.
_SWEEP_EVERY = 5.0


class Wildcard:
    """A subscription to many topics, now and later, as ActiveMQ spells them: `*` is one name, `>` is all the rest."""

    __slots__ = ("_names", "credit", "key", "reader")

    def __init__(self, destination: str, reader: Reader, key: ShapeKey, credit: Credit | None = None) -> None:
        self.credit = credit
        self._names = destination.removeprefix(TOPIC).split(".")
        self.reader = reader
        self.key = key

    def matches(self, destination: str) -> bool:
        names = destination.removeprefix(TOPIC).split(".")
        for number, name in enumerate(self._names):
            if name == ">":
                return len(names) > number
            if number >= len(names) or name not in ("*", names[number]):
                return False
        return len(names) == len(self._names)


class Hub:
    """`run` names this life of the relay, in the form of an epoch; it numbers messages that have no seq.

    After each call that takes messages, `flush` is due (`dirty` says so); it is cheaper once for many. `clock` is read
    after each write to a group only, for the lag; everything else is given `now`.
    """

    def __init__(self, settings: RelaySettings, run: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts = Counts()
        self.lag = Lag()
        self.heard: float | None = None  # when the last message came
        self.topics: dict[str, Topic] = {}
        self.dirty: dict[Topic, None] = {}
        self._shared = Shared(settings, clock, self.lag, self.counts)
        self._numbers = Numbers(run)
        self._wildcards: list[Wildcard] = []
        self._restless: dict[Topic, None] = {}
        self._sweep_at = 0.0

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, destination: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Take a message for one topic. Raises ValueError when `destination` is none."""
        if not is_topic(destination):
            raise ValueError(f"{destination} is no topic; write /topic/<name>")
        self.heard = now
        topic = self._topic(destination, now)
        topic.receive(headers, body, now)
        self._touch(topic)

    def flush(self, now: float) -> None:
        """Write out what has come since the last time."""
        dirty, self.dirty = self.dirty, {}
        for topic in dirty:
            topic.flush(now)
            if topic.restless:
                self._restless[topic] = None

    def doubt(self) -> None:
        """Upstream was away: every wall is looked up in the log."""
        for topic in self.topics.values():
            topic.doubt()
            self._touch(topic)

    def wishes(self, now: float) -> list[Read]:
        """What to ask the catalogue; call `answer` or `unanswered` with each."""
        return [read for topic in self._restless if (read := topic.wish(now)) is not None]

    def tick(self, now: float) -> None:
        """Let deadlines pass; a few times a second."""
        for topic in tuple(self._restless):
            topic.tick(now)
            self._touch(topic)
        if now >= self._sweep_at:
            self._sweep_at = now + _SWEEP_EVERY
            for topic in tuple(self.topics.values()):
                topic.ring.trim(now)
                self._forget(topic, now)

    def touch(self, topic: Topic) -> None:
        """Something happened to `topic` from outside: an answer of the catalogue."""
        self._touch(topic)

    # ── readers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def subscribe(
        self,
        destination: str,
        reader: Reader,
        key: ShapeKey,
        receipt: str | None,
        cursor: Cursor | None,
        now: float,
        credit: Credit | None = None,
    ) -> Seat:
        """Seat a reader at one topic; `Reader.joined` says when it is live."""
        topic = self._topic(destination, now)
        seat = topic.audience.join(reader, key, receipt, cursor, now, credit)
        self._touch(topic)
        return seat

    def subscribe_many(
        self, destination: str, reader: Reader, key: ShapeKey, now: float, credit: Credit | None = None
    ) -> Wildcard:
        """Seat a reader at every topic that matches, also later ones."""
        wildcard = Wildcard(destination, reader, key, credit)
        self._wildcards.append(wildcard)
        for topic in tuple(self.topics.values()):
            if wildcard.matches(topic.destination):
                topic.audience.join(reader, key, None, None, now, credit)
        return wildcard

    def leave(self, seat: Seat) -> None:
        seat.audience.leave(seat)
        topic = self.topics.get(seat.audience.destination)
        if topic is not None:
            self._forget(topic, 0.0)

    def leave_many(self, wildcard: Wildcard) -> None:
        """No later topics; the seats it has are left one by one."""
        self._wildcards.remove(wildcard)

    def park(self, reader: Reader, now: float) -> None:
        """The reader's socket is full. Safe to call from within its `write`."""
        if self._shared.writing:
            self._shared.stalled.append(reader)
            return
        for seat in reader.seats:
            seat.audience.park(seat, now)

    def resume(self, reader: Reader, now: float) -> None:
        """The reader's socket has drained: it gets what it missed."""
        for seat in tuple(reader.seats):
            if reader.paused:
                return
            seat.audience.catch_up(seat, now)
            self._touch(self.topics[seat.audience.destination])

    def opened(self, reader: Reader, credit: Credit) -> None:
        """Something was acknowledged: the next flush sends what waited for it."""
        for seat in reader.seats:
            if seat.credit is credit:
                self._touch(self.topics[seat.audience.destination])

    # ── topics ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _topic(self, destination: str, now: float) -> Topic:
        topic = self.topics.get(destination)
        if topic is None:
            topic = self.topics[destination] = Topic(destination, sequenced(destination), self._shared, self._numbers)
            for wildcard in self._wildcards:
                if wildcard.matches(destination):
                    topic.audience.join(wildcard.reader, wildcard.key, None, None, now, wildcard.credit)
        return topic

    def _touch(self, topic: Topic) -> None:
        self.dirty[topic] = None
        if topic.restless:
            self._restless[topic] = None
        else:
            self._restless.pop(topic, None)

    def _forget(self, topic: Topic, now: float) -> None:
        if topic.idle or topic.abandoned(now):
            self.topics.pop(topic.destination, None)
            self._restless.pop(topic, None)
            self.dirty.pop(topic, None)


def is_topic(destination: str) -> bool:
    """Whether it names exactly one topic."""
    name = destination.removeprefix(TOPIC)
    return name != destination and bool(name) and not is_wildcard(destination)


def is_wildcard(destination: str) -> bool:
    return destination.startswith(TOPIC) and any(name in ("*", ">") for name in _names(destination))


def _names(destination: str) -> Iterator[str]:
    yield from destination.removeprefix(TOPIC).split(".")


def sequenced(destination: str) -> str | None:
    """The slug of a wall whose events carry (epoch, seq), or None."""
    for prefix in (WALL, PRIVATE):
        if destination.startswith(prefix) and valid_slug(slug := destination[len(prefix) :]):
            return slug
    return None
