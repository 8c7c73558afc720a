"""How long a slow reader is waited for, and what it is given when it can read again.

It is written nothing while its socket is full. Then it gets, by how long ago the oldest message it lacks came:

    all of them, several per write  →  only those that no later one supersedes  →  nothing more: it is disconnected

and it is disconnected as well when its socket has taken not one byte for too long. Nobody else waits for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from relay.ring import Message


class Verdict(Enum):
    ALL = "everything it missed"
    NEWEST = "only what nothing later supersedes"
    END = "disconnect; it may come back with its cursor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Limits of one kind of destination, in seconds. `newest_after` None: there, no message supersedes another."""

    newest_after: float | None
    end_after: float
    stuck_after: float

    def verdict(self, age: float, still: float) -> Verdict:
        """`age`: for how long it has lacked its oldest missing message; `still`: for how long it has taken nothing."""
        if age >= self.end_after or still >= self.stuck_after:
            return Verdict.END
        if self.newest_after is not None and age >= self.newest_after:
            return Verdict.NEWEST
        return Verdict.ALL


class Progress:
    """What a full socket takes: `backlog` are the bytes it has not taken yet. Only full ones have one."""

    __slots__ = ("_backlog", "_moved")

    def __init__(self, now: float, backlog: int) -> None:
        self._backlog = backlog
        self._moved = now

    def still(self, now: float, backlog: int) -> float:
        """For how many seconds it has taken nothing, given what is left now."""
        if backlog != self._backlog:
            self._backlog, self._moved = backlog, now
        return now - self._moved


_SUPERSEDED_BY = {
    "updated": ("updated", "published", "removed"),
    "published": ("published", "removed"),
    "wall": ("wall",),
}


class Newest:
    """What is left of a line of messages, all after `start` (the seq of the last one before them), when those that a
    later one supersedes are left out. `end` is the seq of the last one. It serves whoever stands anywhere on it.

    Superseded are an `updated` by any later event of its post, a `published` by its removal or a later `published`
    (an `updated` alone does not say where on the wall its post stands), a `wall` by a later one. A `removed` always
    stays. A message after one that was left out says so: `gap:superseded`, and in `follows` the seq
    that it directly follows for this reader. Messages before which something is missing keep `gap:true`.
    """

    def __init__(self, start: int, line: Sequence[Message]) -> None:
        self.start = start
        self.end = line[-1].seq
        self.messages: list[Message] = []
        later: set[tuple[str, str | None]] = set()  # kinds and posts
        kept: list[bool] = []
        for message in reversed(line):
            kept.append(not any((kind, message.key) in later for kind in _SUPERSEDED_BY.get(message.kind, ())))
            later.add((message.kind, message.key))
        before, lost = start, False
        for message, keep in zip(line, reversed(kept), strict=True):
            lost = lost or message.gap
            if not keep:
                continue
            if lost:
                self.messages.append(message.marked(gap=True))
            elif message.seq != before + 1:
                self.messages.append(message.following(before))
            else:
                self.messages.append(message)
            before, lost = message.seq, False
        self._places = {start: 0} | {message.seq: place for place, message in enumerate(self.messages, 1)}

    @property
    def left_out(self) -> int:
        return self.end - self.start - len(self.messages)

    def after(self, seq: int, end: int) -> Sequence[Message] | None:
        """What follows for a reader at `seq`, if this line ends at `end` and `seq` stands on it."""
        place = self._places.get(seq) if end == self.end else None
        return None if place is None else self.messages[place:]
