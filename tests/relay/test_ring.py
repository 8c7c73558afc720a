import pytest

from relay.framing import BINARY, TEXT
from relay.ring import Message, Ring, Shape
from relay.tcp import PLAIN
from wall.events import Cursor
from wall.stomp.codec import Decoder, Limits
from wall.stomp.frames import Version

EPOCH = "aaaa"


def message(seq: int, *, at: float = 0.0, body: bytes = b"{}", gap: bool = False, **headers: str) -> Message:
    cursor = Cursor(EPOCH, seq)
    return Message("/topic/wall.main", headers, body, cursor=cursor, number=str(cursor), at=at, gap=gap)


def ring(*messages: Message, age: float = 100.0, size: int = 10_000) -> Ring:
    made = Ring(age, size)
    made.begin(Cursor(EPOCH, messages[0].seq - 1 if messages else 0))
    for one in messages:
        made.append(one)
    return made


def seqs(made: Ring, after: int, count: int = 64, size: int = 100_000) -> list[int] | None:
    found = made.after(Cursor(EPOCH, after), count, size)
    return None if found is None else [one.seq for one in found]


def test_a_cursor_reads_what_comes_after_it() -> None:
    made = ring(*map(message, range(3, 8)))
    assert seqs(made, 2) == [3, 4, 5, 6, 7]
    assert seqs(made, 5) == [6, 7]
    assert seqs(made, 7) == []
    assert seqs(made, 1) is None


def test_a_read_is_limited_by_count_and_by_size_but_gives_something() -> None:
    made = ring(*(message(seq, body=b"x" * 1000) for seq in range(1, 6)))
    assert seqs(made, 0, count=2) == [1, 2]
    assert seqs(made, 0, size=2_500) == [1, 2]
    assert seqs(made, 0, size=10) == [1]


def test_old_messages_go_by_age_then_by_size() -> None:
    made = ring(*(message(seq, at=seq) for seq in range(1, 6)), age=3.0)
    assert seqs(made, 2) == [3, 4, 5]
    assert seqs(made, 1) is None
    made = ring(*(message(seq, body=b"x" * 1000) for seq in range(1, 6)), size=3_500)
    assert len(made) == 3
    assert made.bytes <= 3_500


def test_the_newest_message_stays_however_old() -> None:
    made = ring(message(1))
    made.trim(1_000_000.0)
    assert seqs(made, 0) == [1]


def test_a_cursor_of_another_epoch_reads_from_the_start() -> None:
    made = ring(message(5), message(6))
    found = made.after(Cursor("zzzz", 9), 64, 1000)
    assert found is not None
    assert [one.seq for one in found] == [5, 6]


@pytest.mark.parametrize(("seq", "complete"), [(1, False), (2, True), (4, True), (5, False)])
def test_only_a_cursor_within_the_ring_can_be_answered_in_full(seq: int, complete: bool) -> None:
    assert ring(message(3), message(4)).complete_after(Cursor(EPOCH, seq)) is complete


def test_behind_a_gap_nothing_is_complete() -> None:
    made = ring(message(3), message(5, gap=True), message(6))
    assert not made.complete_after(Cursor(EPOCH, 3))
    assert made.complete_after(Cursor(EPOCH, 5))


def test_mending_closes_a_gap_and_takes_back_its_mark() -> None:
    made = ring(message(3), message(6, gap=True))
    assert made.mend([message(4), message(5)])
    assert seqs(made, 2) == [3, 4, 5, 6]
    assert made.complete_after(Cursor(EPOCH, 2))
    last = made.after(Cursor(EPOCH, 5), 1, 1000)
    assert last
    assert b"gap" not in last[0].rest(Version.V1_2)


def test_mending_reaches_back_before_the_ring() -> None:
    made = ring(message(5))
    assert made.mend([message(3), message(4), message(5)])
    assert made.complete_after(Cursor(EPOCH, 2))


def test_what_does_not_fit_is_not_mended_in_part() -> None:
    made = ring(message(5), size=100)
    assert not made.mend([message(3, body=b"x" * 200), message(4)])
    assert seqs(made, 3) is None


def test_a_message_is_framed_once_for_all_of_a_shape() -> None:
    one = message(1)
    first, second = (Shape(("sub-0", Version.V1_2, TEXT), shared=True) for _ in range(2))
    assert first.frame(one) is second.frame(one)
    assert Shape(("sub-1", Version.V1_2, TEXT), shared=True).frame(one) != first.frame(one)


def test_shapes_that_are_not_shared_keep_nothing() -> None:
    one = message(1)
    Shape(("unique", Version.V1_2, TEXT), shared=False).frame(one)
    assert not one.made


def test_kept_encodings_are_few_whatever_the_shapes() -> None:
    one = message(1)
    for number in range(20):
        Shape((f"sub-{number}", Version.V1_2, PLAIN), shared=True).frame(one)
    assert len(one.made) <= 4


def test_the_frame_names_subscription_destination_and_position_once() -> None:
    one = message(
        7, kind="published", receipt="r", subscription="forged", destination="/topic/forged", persistent="true"
    )
    (frame,) = Decoder(Limits()).feed(Shape(("a:b", Version.V1_2, PLAIN), shared=True).frame(one))
    assert frame.command == "MESSAGE"
    assert frame.headers == {
        "subscription": "a:b",
        "message-id": "aaaa-7",
        "destination": "/topic/wall.main",
        "kind": "published",
        "content-length": "2",
    }


def test_a_body_that_is_no_text_never_travels_in_a_text_frame() -> None:
    one = message(1, body=b"\xff")
    framed = Shape(("s", Version.V1_2, TEXT), shared=True).frame(one)
    assert framed == Shape(("s", Version.V1_2, BINARY), shared=True).frame(one)
    assert framed[0] == 0x82
