"""What happens on a wall: events in seq order, cursors into them, and the snapshot a newcomer starts from."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from wall.posts import Post

EventKind = Literal["published", "updated", "removed", "wall", "head"]

_CURSOR = re.compile(r"([a-z0-9]{4,16})-(0|[1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """The last event a reader has applied; reading gives what comes after it.

    `epoch` names one life of a wall's counter and sorts by age; `seq` counts from 1 (0: nothing yet).
    """

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read `<epoch>-<seq>`. Raises ValueError, whose text may be shown, when it is anything else."""
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise ValueError("a cursor looks like <epoch>-<seq>, for example q7ka-812")
        return cls(match[1], int(match[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class WallView:
    """What viewers may know of a wall."""

    slug: str
    title: str
    settings: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact about a post on a wall, or (kind `wall`) about the wall itself.

    `seq` counts one wall's events from 1 without holes. A `head` has no seq of its own: its `seq` is the highest
    that the broker has confirmed.
    """

    wall: str
    epoch: str
    seq: int
    kind: EventKind
    at: datetime
    post: Post | None = None
    post_ids: tuple[str, ...] = ()
    view: WallView | None = None

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.epoch, self.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The wall as it is at `cursor`: the newest approved posts, newest first. `now` is the server's time."""

    cursor: Cursor
    now: datetime
    wall: WallView
    posts: tuple[Post, ...]
