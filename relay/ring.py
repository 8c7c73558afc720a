"""The last messages of one topic, framed once and shared by everybody.

A position is a cursor (epoch, seq): the event's own on a wall, the relay's own elsewhere. A reader holds the cursor
of the last message it has; `after` gives what comes next. Nothing here knows who reads.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Protocol

from relay.deflate import DEFLATE_FROM, deflate, stored
from wall.events import Cursor
from wall.stomp.codec import encode_headers
from wall.stomp.frames import Frame, Version

# Encodings of one message kept for others: stompjs numbers its ids sub-0, sub-1, …, so real walls have one to three.
SHARED_SHAPES = 4

# Ours to say, or the broker's business only; everything else that came with SEND goes on with MESSAGE.
_OURS = frozenset(
    {
        "destination",
        "message-id",
        "subscription",
        "ack",
        "receipt",
        "transaction",
        "content-length",
        "persistent",
        "gap",
        "follows",
    }
    | {"login", "passcode", "expires", "priority", "timestamp", "redelivered"}
)


class Wrap(Protocol):
    """What carries STOMP frames on one kind of connection; `is_text` says whether the body is. One object per kind."""

    deflates: bool

    def __call__(self, payload: bytes, is_text: bool) -> bytes: ...

    def deflated(self, payload: bytes, is_text: bool) -> bytes:
        """Carry what is compressed already; only where it `deflates`."""
        ...


ShapeKey = tuple[str, Version, Wrap]


class Shape:
    """How messages look on one kind of connection under one subscription id; equal shapes share their frames."""

    __slots__ = ("_prefix", "_stored", "_wrap", "key", "shared", "version")

    def __init__(self, key: "ShapeKey", shared: bool) -> None:
        subscription, version, wrap = self.key = key
        headers = encode_headers(Frame("MESSAGE", {"subscription": subscription}), version)
        self._prefix = b"MESSAGE\n" + headers
        self._stored = stored(self._prefix) if wrap.deflates else None
        self._wrap = wrap
        self.version = version
        self.shared = shared

    def frame(self, message: "Message") -> bytes:
        """The message as it goes to the socket."""
        if not self.shared:
            return self._make(message)
        made = message.made.get(self.key)
        if made is None:
            if len(message.made) >= SHARED_SHAPES:
                message.made.clear()
            made = message.made[self.key] = self._make(message)
        return made

    def _make(self, message: "Message") -> bytes:
        if self._stored is not None and message.size >= DEFLATE_FROM:
            return self._wrap.deflated(self._stored + message.deflated(self.version), message.text)
        return self._wrap(self._prefix + message.rest(self.version), message.text)


class Message:
    """One message, immutable but for what has been encoded of it so far.

    `cursor` is its position, or None where it has none (a head; see `Topic.receive`). `gap`: messages before it are
    missing. `follows`: the seq it comes right after, for readers who were spared what it supersedes. `text`: its body
    is UTF-8, so it may travel in a text frame (RFC 6455 §8.1).
    """

    __slots__ = (
        "_deflated",
        "_headers",
        "_rest",
        "at",
        "body",
        "cursor",
        "destination",
        "follows",
        "gap",
        "key",
        "kind",
        "made",
        "size",
        "text",
    )

    def __init__(
        self,
        destination: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        cursor: Cursor | None,
        number: str,
        at: float,
        gap: bool = False,
        follows: int | None = None,
    ) -> None:
        self.destination = destination
        self.body = body
        self.cursor = cursor
        self.kind = headers.get("kind", "")
        self.key = headers.get("key")
        self.at = at
        self.gap = gap
        self.follows = follows
        self.text = _is_text(body)
        self.made: dict[ShapeKey, bytes] = {}
        self._headers = {
            "message-id": number,
            "destination": destination,
            **_marks(gap, follows),
            **{name: value for name, value in headers.items() if name not in _OURS},
            "content-length": str(len(body)),
        }
        self._rest: tuple[Version, bytes] | None = None
        self._deflated: tuple[Version, bytes] | None = None
        self.size = len(body) + sum(len(name) + len(value) + 2 for name, value in self._headers.items())

    @property
    def seq(self) -> int:
        assert self.cursor is not None
        return self.cursor.seq

    def rest(self, version: Version) -> bytes:
        """All of the STOMP frame after the subscription header, for nearly always one version."""
        if self._rest is None or self._rest[0] is not version:
            headers = encode_headers(Frame("MESSAGE", self._headers), version)
            self._rest = (version, b"%s\n%s\0" % (headers, self.body))
        return self._rest[1]

    def deflated(self, version: Version) -> bytes:
        """The same, compressed once for all who agreed to it."""
        if self._deflated is None or self._deflated[0] is not version:
            self._deflated = (version, deflate(self.rest(version)))
        return self._deflated[1]

    def marked(self, gap: bool) -> "Message":
        """The same message, saying that there is (or is not) a gap before it."""
        return self if self.gap is gap and self.follows is None else self._marked(gap, None)

    def following(self, seq: int) -> "Message":
        """The same message, saying that what came after `seq` and before it is superseded."""
        return self._marked(False, seq)

    def _marked(self, gap: bool, follows: int | None) -> "Message":
        return Message(
            self.destination,
            self._headers,
            self.body,
            cursor=self.cursor,
            number=self._headers["message-id"],
            at=self.at,
            gap=gap,
            follows=follows,
        )


def _marks(gap: bool, follows: int | None) -> dict[str, str]:
    if gap:
        return {"gap": "true"}
    return {} if follows is None else {"gap": "superseded", "follows": str(follows)}


def first(messages: Sequence[Message], count: int, size: int) -> Sequence[Message]:
    """The first of them: at most `count` and about `size` bytes, at least one where there is one."""
    for number, message in enumerate(messages[:count]):
        size -= message.size
        if size < 0:
            return messages[: max(number, 1)]
    return messages[:count]


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


class Ring:
    """Messages in seq order of one epoch, limited by age (seconds), then bytes.

    `end` is the cursor of the newest message there has been, None before the first one. `floor` is the oldest
    cursor whose successors are all here.
    """

    __slots__ = ("_age", "_bytes", "_limit", "_messages", "end", "floor")

    def __init__(self, age: float, size: int) -> None:
        self._age = age
        self._limit = size
        self._messages: list[Message] = []
        self._bytes = 0
        self.end: Cursor | None = None
        self.floor: Cursor | None = None

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def bytes(self) -> int:
        return self._bytes

    def begin(self, cursor: Cursor) -> None:
        """Forget everything; what comes next comes after `cursor`."""
        self._messages.clear()
        self._bytes = 0
        self.end = self.floor = cursor

    def append(self, message: Message) -> None:
        """Take the next message of the ring's epoch: its seq is the highest so far."""
        assert message.cursor is not None
        self._messages.append(message)
        self._bytes += message.size
        self.end = message.cursor
        self.trim(message.at)

    def trim(self, now: float) -> None:
        """Let go of what is too old or too much; the newest message stays."""
        drop = 0
        for message in self._messages[:-1]:
            if message.at > now - self._age and self._bytes <= self._limit:
                break
            self._bytes -= message.size
            self.floor = message.cursor
            drop += 1
        if drop:
            del self._messages[:drop]

    def older_than(self, now: float) -> bool:
        """Whether even the newest message is older than the limit of age at `now`."""
        return not self._messages or self._messages[-1].at <= now - self._age

    def after(self, cursor: Cursor | None, count: int, size: int) -> Sequence[Message] | None:
        """The messages after `cursor`, at most `count` and about `size` bytes (at least one).

        A cursor of another epoch, or None, reads from the ring's start: its reader meets a new epoch. None: the ring
        has let go of the message after this one.
        """
        place = self._place(cursor)
        return None if place is None else first(self._messages[place : place + count], count, size)

    def came_after(self, cursor: Cursor | None) -> float | None:
        """When the message after `cursor` came; the oldest one's moment where that has gone, None: there is none."""
        place = self._place(cursor) or 0
        return self._messages[place].at if place < len(self._messages) else None

    def _place(self, cursor: Cursor | None) -> int | None:
        """Where the messages after `cursor` begin, or None where the first of them has gone."""
        if self.floor is None or not self._messages or cursor is None or cursor.epoch != self.floor.epoch:
            return 0
        if cursor.seq < self.floor.seq:
            return None
        return bisect_right(self._messages, cursor.seq, key=attrgetter("seq"))

    def complete_after(self, cursor: Cursor) -> bool:
        """Whether every message after `cursor` is here: it is of this epoch, not too old, not above the end, and
        there is no gap behind it."""
        if self.floor is None or self.end is None or cursor.epoch != self.end.epoch:
            return False
        if not self.floor.seq <= cursor.seq <= self.end.seq:
            return False
        place = bisect_right(self._messages, cursor.seq, key=attrgetter("seq"))
        return not any(message.gap for message in self._messages[place:])

    def mend(self, messages: Sequence[Message]) -> bool:
        """Put in messages that were missing, none above `end`. False, and nothing changed, if they don't fit.

        They may take as much again as the ring's limit, until the next message comes: a ring that has let go of
        messages is full, and whoever they are for reads them at once.
        """
        if not messages:
            return True
        merged = {message.seq: message for message in self._messages}
        added = [message for message in messages if message.seq not in merged]
        grown = self._bytes + sum(message.size for message in added)
        if grown > 2 * self._limit:
            return False
        merged.update((message.seq, message) for message in added)
        seqs = sorted(merged)
        oldest = merged[seqs[0]]
        assert oldest.cursor is not None
        floor = Cursor(oldest.cursor.epoch, seqs[0] - 1)
        if self.floor is None or floor.seq < self.floor.seq:
            self.floor = floor
        self._messages = [merged[seq].marked(gap=seq - 1 not in merged and seq - 1 != self.floor.seq) for seq in seqs]
        self._bytes = grown
        return True
