"""A reader without a socket: it keeps what is written to it, and is full when the test says so."""

from collections.abc import Callable, Sequence

from relay.hub import Hub
from relay.log import StoredEvent
from relay.ring import ShapeKey
from relay.seats import Seat
from relay.settings import RelaySettings
from relay.tcp import PLAIN
from relay.topic import Topic
from wall.events import Cursor
from wall.stomp.codec import Decoder, Limits
from wall.stomp.frames import Frame, Version

WALL = "/topic/wall.main"


def key(subscription: str = "sub-0", *, metered: bool = False) -> ShapeKey:
    return ShapeKey(subscription, Version.V1_2, PLAIN, metered=metered)


class FakeReader:
    """`takes`: how many writes its socket takes before it is full."""

    def __init__(self, hub: Hub, takes: int | None = None, now: Callable[[], float] = lambda: 0.0) -> None:
        self.hub = hub
        self.now = now
        self.ended = False  # for being too slow
        self.takes = takes
        self.paused = False
        self.seats: list[Seat] = []
        self.writes: list[bytes] = []
        self.answers: list[tuple[bool | None, str | None]] = []
        self.behind = 0

    @property
    def descriptor(self) -> None:
        """None."""

    def writer(self) -> Callable[[bytes], object]:
        return self.write

    def write(self, data: bytes) -> None:
        assert not self.paused, "written to while its socket is full"
        self.writes.append(data)
        if self.takes is not None:
            self.takes -= 1
            if self.takes <= 0:
                self.paused = True
                self.hub.park(self, self.now())

    def drain(self, now: float = 0.0, takes: int | None = None) -> None:
        self.takes = takes
        self.paused = False
        self.hub.resume(self, now)

    def joined(self, seat: Seat, recovered: bool | None, head: Cursor | None) -> bytes:
        self.answers.append((recovered, str(head) if head else None))
        return b""

    def left_behind(self, seat: Seat) -> None:
        self.behind += 1
        self.leave()

    def too_slow(self) -> None:
        self.ended = True
        self.leave()

    def leave(self) -> None:
        for each in tuple(self.seats):
            self.hub.leave(each)

    @property
    def frames(self) -> list[Frame]:
        return list(Decoder(Limits()).feed(b"".join(self.writes)))

    @property
    def got(self) -> list[str]:
        """What it was told, in short: `3`, `5 gap`, `head`."""
        return [
            "head"
            if frame.headers.get("kind") == "head"
            else frame.headers.get("seq", frame.body.decode()) + (" gap" if "gap" in frame.headers else "")
            for frame in self.frames
        ]


class Wall:
    """A hub with one wall and a catalogue's log that the test writes; time stands still unless told."""

    def __init__(self, settings: RelaySettings | None = None) -> None:
        self.hub = Hub(settings or RelaySettings(), "rtest", lambda: self.now)
        self.now = 0.0
        self.log: list[int] | None = None  # seqs it has; None: it can't be read
        self.log_epoch = "aaaa"
        self.asked: list[str] = []

    def reader(self, cursor: str | None = None, subscription: str = "sub-0", takes: int | None = None) -> FakeReader:
        reader = FakeReader(self.hub, takes, lambda: self.now)
        at = Cursor.parse(cursor) if cursor else None
        self.hub.subscribe(WALL, reader, key(subscription), "r", at, self.now)
        self.hub.flush(self.now)
        return reader

    def send(
        self, *seqs: int, epoch: str = "aaaa", kind: str = "published", key: str | None = None, size: int = 2
    ) -> None:
        for seq in seqs:
            headers = {"epoch": epoch, "seq": str(seq), "kind": kind} | ({"key": key} if key else {})
            self.hub.receive(WALL, headers, b"x" * size, self.now)
        self.hub.flush(self.now)

    def head(self, seq: int, epoch: str = "aaaa") -> None:
        self.send(seq, epoch=epoch, kind="head")

    def answer(self) -> int:
        """Let the log answer all that is asked; gives how many questions that were."""
        questions = 0
        while wishes := self.hub.wishes(self.now):
            for read in wishes:
                questions += 1
                self.asked.append(str(read.after))
                if self.log is None:
                    read.topic.unanswered(read, self.now)
                else:
                    read.topic.answer(read, self._events(read.after, read.limit), self.now)
                self.hub.touch(read.topic)
            self.hub.flush(self.now)
        return questions

    def _events(self, after: Cursor, limit: int) -> Sequence[StoredEvent] | None:
        assert self.log is not None
        known = [self.log[0] - 1, *self.log] if self.log else [0]
        if after.epoch != self.log_epoch or after.seq not in known:
            return None
        return [
            StoredEvent(wall="main", epoch=after.epoch, seq=seq, kind="published", key=None, body="{}")
            for seq in self.log
            if seq > after.seq
        ][:limit]

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.hub.tick(self.now)
        self.hub.flush(self.now)

    @property
    def topic(self) -> Topic:
        return self.hub.topics[WALL]
