"""Who is written the same bytes at the same moment."""

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from relay.batches import BatchWriter, Requests, batch_writer

# A batch is two system calls; so few are written to one by one (a guess, not measured).
_FEW = 4


class Connected(Protocol):
    """A connection in which nothing waits to be written, as long as it is a recipient's."""

    @property
    def descriptor(self) -> int | None:
        """The socket that bytes may be written to past `writer`; None where they may not. It stays open until the
        recipient is removed."""
        ...

    def writer(self) -> Callable[[bytes], object]:
        """What writes bytes, and keeps what the socket does not take at once."""
        ...


class Recipient(Protocol):
    @property
    def reader(self) -> Connected: ...


T = TypeVar("T", bound=Recipient)


class Batches:
    """What the recipients of a relay are written with; opened for the first one that has a socket."""

    __slots__ = ("_opened", "_writer")

    def __init__(self) -> None:
        self._opened = False
        self._writer: BatchWriter | None = None

    def open(self) -> BatchWriter | None:
        """None where the system has none."""
        if not self._opened:
            self._opened = True
            self._writer = batch_writer()
        return self._writer


class Recipients(Generic[T]):
    """Those with a socket are written to in batches (relay/batches.py), all others one by one."""

    __slots__ = ("_alone", "_batched", "_batches", "_places", "_requests")

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._alone: dict[T, Callable[[bytes], object]] = {}
        self._batched: list[T] = []
        self._places: dict[T, int] = {}  # in `_batched` and `_requests`
        self._requests: Requests | None = None

    def __len__(self) -> int:
        return len(self._alone) + len(self._batched)

    def __iter__(self) -> Iterator[T]:
        yield from self._alone
        yield from self._batched

    def add(self, recipient: T) -> None:
        """Raises ValueError for one that is there already."""
        if recipient in self._places or recipient in self._alone:
            raise ValueError("a recipient is added once")
        descriptor = recipient.reader.descriptor
        batches = None if descriptor is None else self._batches.open()
        if descriptor is None or batches is None:
            self._alone[recipient] = recipient.reader.writer()
            return
        if self._requests is None:
            self._requests = batches.requests()
        self._places[recipient] = len(self._batched)
        self._batched.append(recipient)
        self._requests.append(descriptor)

    def remove(self, recipient: T) -> None:
        """Write it nothing more; nothing happens where it is none."""
        place = self._places.pop(recipient, None)
        if place is None or self._requests is None:
            self._alone.pop(recipient, None)
            return
        last = self._batched.pop()
        self._requests.remove(place)
        if last is not recipient:
            self._batched[place] = last
            self._places[last] = place

    def write(self, data: bytes) -> None:
        """Write it to all; who can't take all of it keeps the rest. Nobody may be added or removed meanwhile."""
        for write in self._alone.values():
            write(data)
        batches = self._batches.open() if len(self._batched) > _FEW else None
        if batches is None or self._requests is None:
            for recipient in self._batched:
                recipient.reader.writer()(data)
            return
        for place, taken in batches.write(self._requests, data):
            # the connection itself knows what to do about a full socket, or a broken one
            self._batched[place].reader.writer()(data[taken:])
