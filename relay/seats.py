"""Who reads a topic: connections as it sees them, their seats, and the groups that share frames.

A seat is in one of three stages. `live`: it has all there is, its group writes to it, it holds no cursor of its own.
`behind`: its socket was full; it holds the cursor of the last message it has and is written nothing until the socket
has drained. `waiting`: the ring does not reach back to its cursor; the catalogue has been asked.
"""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from relay.ring import Shape
from wall.events import Cursor

if TYPE_CHECKING:
    from relay.topic import Topic


class Reader(Protocol):
    """A connection, as a topic sees it."""

    @property
    def paused(self) -> bool:
        """Whether its socket is full."""
        ...

    @property
    def seats(self) -> "list[Seat]":
        """Its places, at all topics; topics add and remove them."""
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


class Stage(Enum):
    WAITING = "waiting"
    BEHIND = "behind"
    LIVE = "live"
    LEFT = "left"


class Seat:
    """One reader's place at one topic. `receipt` is what its SUBSCRIBE asked for."""

    __slots__ = ("asked", "cursor", "deadline", "fresh", "group", "reader", "receipt", "stage", "topic")

    @property
    def id(self) -> str:
        """The subscription's id."""
        return self.group.shape.key[0]

    def __init__(self, reader: Reader, topic: "Topic", group: "Group", receipt: str | None) -> None:
        self.reader = reader
        self.topic = topic
        self.group = group
        self.receipt = receipt
        self.stage = Stage.WAITING
        self.fresh = True  # its reader has not been told `joined`
        self.cursor: Cursor | None = None  # while not live: the last message it has
        self.asked = False  # the read under way will decide about it
        self.deadline = 0.0


class Group:
    """The seats that share their frames. `cursor`: what all live ones have."""

    __slots__ = ("cursor", "flushed", "live", "seats", "shape")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.cursor: Cursor | None = None
        self.live: dict[Seat, Callable[[bytes], object]] = {}
        self.seats = 0
        self.flushed = 0.0  # when its live seats were last written to
