"""The places of readers at topics, and the groups that share frames.

A seat is in one of three stages. `live`: it has all there is, its group writes to it, it holds no cursor of its own.
`behind`: its socket was full; it holds the cursor of the last message it has and is written nothing until the socket
has drained; what it gets then is decided in relay/pace.py. `waiting`: the ring does not reach back to its cursor; the
catalogue has been asked.

A metered seat (its subscription acknowledges, relay/credit.py) is never live: it is always behind, by nothing or by
what its window does not let through, and is served by itself after each flush.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from relay.credit import Credit
from relay.lag import Lag
from relay.pace import Verdict
from relay.recipients import Batches, Recipients
from relay.ring import Shape
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

    @property
    def descriptor(self) -> int | None:
        """Its socket, where bytes may be written past `writer` as long as it is live; None where they may not. It
        stays open until all its seats have been left."""
        ...

    def writer(self) -> Callable[[bytes], object]:
        """What writes framed bytes to its socket. Writing may set `paused`; the reader then calls `Hub.park`."""
        ...

    def joined(self, seat: "Seat", recovered: bool | None, head: Cursor | None) -> bytes:
        """The subscription is live from here: gives what to write before the missed messages, in one write with them.
        `recovered` is None where none was asked."""
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
    """What the relay did, since it started. Each is a metric; its help text stands in `relay/metrics.py`."""

    received: int = 0
    repeated: int = 0
    stale: int = 0
    delivered: int = 0
    delivered_bytes: int = 0
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
    clock: Callable[[], float]
    lag: Lag = field(default_factory=Lag)
    counts: Counts = field(default_factory=Counts)
    writing: bool = False  # seats must stay where they are
    stalled: list[Reader] = field(default_factory=list[Reader])  # paused while writing
    batches: Batches = field(default_factory=Batches)


class Seated(NamedTuple):
    """How many seats of a topic are in which stage."""

    live: int
    behind: int
    waiting: int


class Home(Protocol):
    """What a seat belongs to: the audience of one topic. `logged`: the catalogue's log has the topic's messages."""

    destination: str
    logged: bool

    def leave(self, seat: "Seat") -> None:
        """Take it away; its reader hears nothing more from it."""
        ...

    def park(self, seat: "Seat", now: float) -> None:
        """Its reader's socket is full."""
        ...

    def catch_up(self, seat: "Seat", now: float) -> None:
        """Its reader's socket has drained."""
        ...

    def verdict(self, seat: "Seat", now: float, still: float) -> Verdict:
        """Whether its reader is still waited for, whose socket has taken nothing for `still` seconds."""
        ...


class Seat:
    """One reader's place at one topic. `receipt` is what its SUBSCRIBE asked for. `credit`: it is metered."""

    __slots__ = (
        "asked",
        "audience",
        "credit",
        "cursor",
        "deadline",
        "fresh",
        "group",
        "reader",
        "receipt",
        "since",
        "stage",
    )

    @property
    def id(self) -> str:
        """The subscription's id."""
        return self.group.shape.key[0]

    def __init__(self, reader: Reader, audience: "Home", group: "Group", receipt: str | None) -> None:
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
        self.credit: Credit | None = None


class Group:
    """The seats that share their frames. `cursor`: what all live ones have."""

    __slots__ = ("cursor", "flushed", "live", "seats", "shape")

    def __init__(self, shape: Shape, batches: Batches) -> None:
        self.shape = shape
        self.cursor: Cursor | None = None
        self.live = Recipients[Seat](batches)
        self.seats = 0
        self.flushed = 0.0  # when its live seats were last written to
