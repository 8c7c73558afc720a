"""Slow readers: everything, then the newest, then the end; a removal is never skipped and nobody is deceived."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.pace import Newest, Patience, Progress, Verdict
from relay.ring import Message
from relay.settings import RelaySettings
from tests.relay.readers import FakeReader, Wall
from wall.events import Cursor

PATIENCE = Patience(newest_after=5.0, end_after=60.0, stuck_after=30.0)


@pytest.mark.parametrize(
    ("age", "still", "verdict"),
    [
        (0.0, 0.0, Verdict.ALL),
        (4.9, 29.9, Verdict.ALL),
        (5.0, 0.0, Verdict.NEWEST),
        (59.9, 29.9, Verdict.NEWEST),
        (60.0, 0.0, Verdict.END),
        (0.0, 30.0, Verdict.END),
    ],
)
def test_age_and_stillness_decide(age: float, still: float, verdict: Verdict) -> None:
    assert PATIENCE.verdict(age, still) is verdict


def test_where_nothing_supersedes_there_is_no_newest() -> None:
    patience = Patience(newest_after=None, end_after=60.0, stuck_after=30.0)
    assert patience.verdict(59.0, 0.0) is Verdict.ALL
    assert patience.verdict(60.0, 0.0) is Verdict.END


def test_a_socket_that_takes_a_little_is_not_still() -> None:
    progress = Progress(0.0, 1_000)
    assert progress.still(10.0, 1_000) == 10.0
    assert progress.still(11.0, 900) == 0.0
    assert progress.still(15.0, 900) == 4.0


def message(seq: int, kind: str, key: str | None = None, *, gap: bool = False) -> Message:
    headers = {"epoch": "aaaa", "seq": str(seq), "kind": kind} | ({"key": key} if key else {})
    return Message(
        "/topic/wall.main", headers, b"{}", cursor=Cursor("aaaa", seq), number=f"aaaa-{seq}", at=0.0, gap=gap
    )


def told(messages: Sequence[Message]) -> list[str]:
    return [
        f"{each.seq} {each.kind}" + (" gap" if each.gap else "") + (f" follows {each.follows}" if each.follows else "")
        for each in messages
    ]


def test_what_a_later_event_of_the_same_post_supersedes_is_left_out() -> None:
    line = [
        message(11, "published", "a"),
        message(12, "published", "b"),
        message(13, "updated", "a"),
        message(14, "wall"),
        message(15, "removed", "b"),
        message(16, "updated", "a"),
        message(17, "wall"),
    ]
    newest = Newest(10, line)
    assert told(newest.messages) == ["11 published", "15 removed follows 11", "16 updated", "17 wall"]
    assert newest.left_out == 3


def test_a_removal_stays_although_the_post_was_restored_and_removed_again() -> None:
    line = [
        message(1, "removed", "a"),
        message(2, "published", "a"),
        message(3, "removed", "a"),
        message(4, "removed"),  # of several posts
    ]
    assert told(Newest(0, line).messages) == ["1 removed", "3 removed follows 1", "4 removed"]


def test_a_gap_stays_a_gap_also_when_the_message_that_told_of_it_is_left_out() -> None:
    line = [message(3, "updated", "a", gap=True), message(4, "published", "b"), message(5, "updated", "a")]
    assert told(Newest(1, line).messages) == ["4 published gap", "5 updated"]


def test_the_frame_says_what_it_follows() -> None:
    wall = Wall()
    reader = wall.reader(takes=1)
    wall.send(1)
    wall.wait(0.1)
    wall.send(2, kind="updated", key="a")
    wall.send(3, kind="updated", key="a")
    wall.wait(6.0)
    reader.drain(wall.now)
    last = reader.frames[-1].headers
    assert (last["seq"], last["gap"], last["follows"]) == ("3", "superseded", "1")


def test_below_the_limit_everybody_gets_everything() -> None:
    wall = Wall()
    reader = wall.reader(takes=1)
    wall.send(1)
    wall.send(2, 3, key="a")
    wall.wait(4.0)
    reader.drain(wall.now)
    assert reader.got == ["1", "2", "3"]


def test_a_replay_of_old_messages_is_complete_age_counts_from_the_joining() -> None:
    wall = Wall()
    wall.send(1, 2, 3, key="a")
    wall.wait(300.0)
    reader = wall.reader("aaaa-1")
    assert reader.answers == [(True, "aaaa-3")]
    assert reader.got == ["2", "3"]


def test_who_takes_a_little_but_never_catches_up_is_ended_after_a_minute() -> None:
    wall = Wall(RelaySettings(batch_messages=1))
    reader = wall.reader(takes=1)
    for seq in range(1, 200):
        wall.send(seq, key=f"p{seq}")
        wall.wait(1.0)
        if reader.paused and seq % 4 == 0:
            reader.drain(wall.now, takes=1)
    assert reader.ended
    assert reader.seats == []


def test_those_at_the_same_place_share_what_is_left_out() -> None:
    wall = Wall()
    readers = [wall.reader(takes=1) for _ in range(3)]
    wall.send(1)
    wall.send(2, 3, 4, key="a")
    wall.wait(6.0)
    for reader in readers:
        reader.drain(wall.now)
    assert [reader.got for reader in readers] == [["1", "4 gap"]] * 3
    assert wall.hub.counts.conflated == 2, "worked out once"


events = st.tuples(st.sampled_from(["published", "updated", "removed"]), st.sampled_from("abcd"))
script = st.lists(
    st.one_of(
        st.tuples(st.just("event"), events),
        st.tuples(st.just("drain"), st.sampled_from([1, 2, None])),
        st.tuples(st.just("fill"), st.just(1)),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 2.0, 6.0])),
    ),
    max_size=60,
)


@given(script)
@settings(max_examples=200, deadline=None)
def test_however_slow_the_reader_its_wall_ends_up_right_and_every_removal_reaches_it(
    script: list[tuple[str, tuple[str, str] | float | None]],
) -> None:
    wall = Wall(RelaySettings(batch_messages=3, end_after=1e9, stuck_after=1e9))
    reader = wall.reader()
    truth: dict[str, tuple[int, str]] = {}
    removals: list[int] = []
    seq = 0
    for step, what in script:
        match step, what:
            case "event", (str(kind), str(key)):
                seq += 1
                truth[key] = (seq, kind)
                if kind == "removed":
                    removals.append(seq)
                wall.send(seq, kind=kind, key=key)
            case "drain", (int() | None) as takes if reader.paused:
                reader.drain(wall.now, takes)
            case "fill", _ if not reader.paused:
                reader.takes = 1
            case "wait", float(seconds):
                wall.wait(seconds)
            case _:
                pass
    reader.takes = None
    if reader.paused:
        reader.drain(wall.now)
    assert_unbroken(reader)
    shown = {frame.headers["key"]: (int(frame.headers["seq"]), frame.headers["kind"]) for frame in reader.frames}
    assert shown == truth
    assert [int(f.headers["seq"]) for f in reader.frames if f.headers["kind"] == "removed"] == removals


def assert_unbroken(reader: FakeReader) -> None:
    last = 0
    for frame in reader.frames:
        seq = int(frame.headers["seq"])
        assert seq > last
        if seq != last + 1:
            assert frame.headers["gap"] == "superseded"
            assert int(frame.headers["follows"]) == last, "it follows what this reader has"
        last = seq
