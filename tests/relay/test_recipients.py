"""The same bytes to many real sockets, in batches and one by one."""

import socket
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from relay.batches import BATCH, batch_writer
from relay.recipients import Batches, Recipients

DATA = b"MESSAGE\n\nbody\0"


@dataclass(eq=False)
class Connection:
    """A socket, what its other side gets, and what came back to be kept for it."""

    ours: socket.socket
    theirs: socket.socket
    batched: bool = True
    kept: list[bytes] = field(default_factory=list[bytes])

    @property
    def descriptor(self) -> int | None:
        return self.ours.fileno() if self.batched else None

    def writer(self) -> Callable[[bytes], object]:
        return self.kept.append

    def got(self) -> bytes:
        try:
            return self.theirs.recv(1_000_000)
        except BlockingIOError:
            return b""


@dataclass(eq=False)
class Place:
    reader: Connection


Make = Callable[..., Place]


@pytest.fixture
def make() -> Generator[Make]:
    with ExitStack() as stack:

        def _make(*, batched: bool = True) -> Place:
            ours, theirs = map(stack.enter_context, socket.socketpair())
            ours.setblocking(False)
            theirs.setblocking(False)
            return Place(Connection(ours, theirs, batched))

        yield _make


def full(place: Place) -> None:
    with pytest.raises(BlockingIOError):
        while True:
            place.reader.ours.send(b"-" * 65536)


def recipients(*places: Place) -> Recipients[Place]:
    made = Recipients[Place](Batches())
    for place in places:
        made.add(place)
    return made


def test_this_system_writes_in_batches() -> None:
    """Otherwise the tests below would prove nothing."""
    assert batch_writer() is not None


def test_everybody_gets_all_of_it_once_and_nothing_is_kept(make: Make) -> None:
    places = [make() for _ in range(20)]
    made = recipients(*places)
    made.write(DATA)
    made.write(DATA[::-1])
    assert len(made) == 20
    assert {place.reader.got() for place in places} == {DATA + DATA[::-1]}
    assert not any(place.reader.kept for place in places)


def test_more_than_one_batch(make: Make) -> None:
    place = make()
    requests_of = batch_writer()
    assert requests_of is not None
    requests = requests_of.requests()
    for _ in range(2 * BATCH + 3):
        requests.append(place.reader.ours.fileno())
    short = requests_of.write(requests, b"x")
    # a pair of sockets holds only so many messages at once: nothing is written that is not told, nor told twice
    assert len(place.reader.got()) + len(short) == 2 * BATCH + 3
    assert len({place for place, _ in short}) == len(short)


def test_who_is_full_or_takes_a_part_keeps_the_rest(make: Make) -> None:
    places = [make() for _ in range(10)]
    made = recipients(*places)
    full(places[3])
    large = bytes(range(256)) * 8192  # 2 MB: a socket takes a part of it
    made.write(large)
    assert places[3].reader.kept == [large]
    for place in places[:3] + places[4:]:
        (rest,) = place.reader.kept
        assert 0 < len(rest) < len(large)
        assert place.reader.got() + rest == large


def test_a_broken_connection_harms_nobody_else(make: Make) -> None:
    places = [make() for _ in range(10)]
    made = recipients(*places)
    places[0].reader.theirs.close()
    places[5].reader.ours.close()  # its descriptor is none any more
    places[9].reader.theirs.close()
    made.write(DATA)
    for number, place in enumerate(places):
        if number in (0, 5, 9):
            assert place.reader.kept == [DATA]
        else:
            assert (place.reader.got(), place.reader.kept) == (DATA, [])


def test_who_has_left_gets_nothing_and_all_others_do(make: Make) -> None:
    places = [make() for _ in range(40)]
    made = recipients(*places)
    gone = [places[index] for index in (0, 39, 7, 8, 20)]
    for place in gone:
        made.remove(place)
        made.remove(place)  # again, which changes nothing
    made.add(gone[2])
    made.write(DATA)
    there = [place for place in places if place not in gone or place is gone[2]]
    assert set(made) == set(there)
    assert all(place.reader.got() == (DATA if place in there else b"") for place in places)


def test_those_without_a_socket_and_few_with_one_are_written_to_one_by_one(make: Make) -> None:
    alone = [make(batched=False) for _ in range(10)]
    few = [make() for _ in range(2)]
    made = recipients(*alone, *few)
    made.write(DATA)
    assert [place.reader.kept for place in alone + few] == [[DATA]] * 12
    made.remove(alone[0])
    made.write(DATA)
    assert alone[0].reader.kept == [DATA]


def test_nobody_is_added_twice(make: Make) -> None:
    place = make()
    made = recipients(place)
    with pytest.raises(ValueError, match="once"):
        made.add(place)


def test_where_the_system_can_not_all_is_written_one_by_one(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.batches.platform.machine", lambda: "a machine of tomorrow")
    places = [make() for _ in range(10)]
    recipients(*places).write(DATA)
    assert [place.reader.kept for place in places] == [[DATA]] * 10
