"""The window itself, and metered seats at a topic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.credit import Credit, ack_name
from relay.seats import Stage
from relay.settings import RelaySettings
from tests.relay.readers import WALL, FakeReader, Wall, key
from wall.events import Cursor


def names(*numbers: int) -> list[str]:
    return [ack_name(f"aaaa-{number}", WALL, "s") for number in numbers]


def test_what_is_sent_closes_the_window_and_an_ack_opens_it() -> None:
    credit = Credit(2, cumulative=False)
    credit.spend(names(1, 2))
    assert credit.left == 0
    credit.settle(names(2)[0])
    assert credit.left == 1
    assert credit.find(names(1)[0], exact=True), "acknowledging the second says nothing of the first"


def test_a_cumulative_ack_covers_all_before_it() -> None:
    credit = Credit(4, cumulative=True)
    credit.spend(names(1, 2, 3))
    credit.settle(names(2)[0])
    assert credit.left == 3
    assert credit.find(names(3)[0], exact=True)


def test_what_was_never_sent_or_is_settled_is_unknown() -> None:
    credit = Credit(4, cumulative=True)
    credit.spend(names(1, 2))
    credit.settle(names(2)[0])
    assert [credit.find(name, exact=True) for name in names(1, 2, 3)] == [None, None, None]
    credit.settle(names(3)[0])
    assert credit.left == 4


def test_a_message_id_finds_the_oldest_with_it() -> None:
    credit = Credit(4, cumulative=False)
    credit.spend([ack_name("aaaa-1", "/topic/wall.b", "s"), ack_name("aaaa-1", "/topic/wall.a", "s")])
    assert credit.find("aaaa-1", exact=False) == "aaaa-1@/topic/wall.b@s"
    assert credit.find("aaaa", exact=False) is None
    assert credit.find("aaaa-1", exact=True) is None


@given(st.lists(st.one_of(st.just(None), st.integers(0, 30))), st.integers(1, 5), st.booleans())
def test_the_window_is_what_a_plain_list_says(steps: list[int | None], limit: int, cumulative: bool) -> None:
    credit, model, sent = Credit(limit, cumulative=cumulative), list[str](), 0
    for step in steps:
        if step is None:
            if credit.left:
                sent += 1
                credit.spend(names(sent))
                model += names(sent)
        else:
            (name,) = names(step)
            credit.settle(name)
            if name in model:
                at = model.index(name)
                model = model[at + 1 :] if cumulative else model[:at] + model[at + 1 :]
        assert credit.left == limit - len(model) >= 0
        assert all(credit.find(name, exact=True) for name in model)


# ── at a topic ───────────────────────────────────────────────────────────────────────────────────────────────────────


def metered(wall: Wall, limit: int = 2, *, cumulative: bool = False) -> tuple[FakeReader, Credit]:
    reader, credit = FakeReader(wall.hub), Credit(limit, cumulative=cumulative)
    wall.hub.subscribe(WALL, reader, key(metered=True), "r", None, wall.now, credit)
    wall.hub.flush(wall.now)
    return reader, credit


def acknowledge(wall: Wall, reader: FakeReader, credit: Credit, seq: int) -> None:
    credit.settle(ack_name(f"aaaa-{seq}", WALL, "sub-0"))
    wall.hub.opened(reader, credit)
    wall.hub.flush(wall.now)


def test_messages_wait_behind_a_closed_window_and_come_in_order_when_it_opens() -> None:
    wall = Wall()
    reader, credit = metered(wall)
    wall.send(1, 2, 3, 4, 5)
    assert reader.got == ["1", "2"]
    acknowledge(wall, reader, credit, 1)
    assert reader.got == ["1", "2", "3"]
    acknowledge(wall, reader, credit, 3)
    acknowledge(wall, reader, credit, 2)
    assert reader.got == ["1", "2", "3", "4", "5"]


def test_nobody_else_waits_for_a_closed_window() -> None:
    wall = Wall()
    free = wall.reader()
    slow, _ = metered(wall, 1)
    wall.send(1, 2, 3)
    assert free.got == ["1", "2", "3"]
    assert slow.got == ["1"]
    assert free.seats[0].credit is None
    assert free.seats[0].stage is Stage.LIVE


def test_an_open_window_gets_messages_at_once_and_never_enters_the_live_ones() -> None:
    wall = Wall()
    reader, credit = metered(wall, 10)
    for seq in range(1, 6):
        wall.send(seq)
        assert reader.got[-1] == str(seq)
    assert not reader.seats[0].group.live
    assert credit.left == 5


def test_a_head_goes_through_the_window_as_well() -> None:
    wall = Wall()
    reader, credit = metered(wall, 2)
    wall.send(1)
    wall.head(1)
    wall.head(1)
    assert reader.got == ["1", "head"]
    assert credit.left == 0
    assert all(credit.find(frame.headers["ack"], exact=True) for frame in reader.frames)


def test_a_full_socket_and_a_closed_window_both_hold() -> None:
    wall = Wall()
    reader, credit = metered(wall, 3)
    reader.takes = 1
    wall.send(1)
    wall.send(2, 3, 4)
    assert reader.got == ["1"]
    reader.drain()
    assert reader.got == ["1", "2", "3"]
    acknowledge(wall, reader, credit, 1)
    assert reader.got == ["1", "2", "3", "4"]


def test_a_window_that_opens_after_the_ring_has_passed_is_served_from_the_log() -> None:
    wall = Wall(RelaySettings(ring_bytes=400))
    wall.log = list(range(1, 7))
    reader, credit = metered(wall, 1)
    for seq in range(1, 7):
        wall.send(seq, size=100)
    assert reader.got == ["1"]
    acknowledge(wall, reader, credit, 1)
    wall.answer()
    assert reader.got == ["1", "2"]
    assert wall.asked == ["aaaa-1"]
    assert reader.behind == 0


def test_where_there_is_no_log_a_window_that_stays_closed_is_left_behind() -> None:
    wall = Wall(RelaySettings(ring_bytes=400))
    reader, credit = FakeReader(wall.hub), Credit(1, cumulative=True)
    topic = "/topic/screens.main"
    wall.hub.subscribe(topic, reader, key(metered=True), None, None, 0.0, credit)
    for _ in range(6):
        wall.hub.receive(topic, {}, b"x" * 100, 0.0)
        wall.hub.flush(0.0)
    assert len(reader.frames) == 1
    credit.settle(reader.frames[0].headers["ack"])
    wall.hub.opened(reader, credit)
    wall.hub.flush(0.0)
    assert reader.behind == 1


def test_a_topic_that_only_ever_found_the_window_closed_loses_nothing_silently() -> None:
    wall = Wall(RelaySettings(ring_bytes=400))
    reader, credit = FakeReader(wall.hub), Credit(1, cumulative=False)
    wall.hub.subscribe_many("/topic/screens.>", reader, key(metered=True), 0.0, credit)
    for topic in ("/topic/screens.a", *["/topic/screens.b"] * 6):
        wall.hub.receive(topic, {}, b"x" * 100, 0.0)
        wall.hub.flush(0.0)
    credit.settle(reader.frames[0].headers["ack"])
    wall.hub.opened(reader, credit)
    wall.hub.flush(0.0)
    assert reader.behind == 1


def test_a_resumed_subscription_gets_what_it_missed_through_the_window() -> None:
    wall = Wall()
    wall.send(*range(1, 6))
    reader, credit = FakeReader(wall.hub), Credit(2, cumulative=True)
    wall.hub.subscribe(WALL, reader, key(metered=True), "r", Cursor("aaaa", 2), 0.0, credit)
    assert reader.answers == [(True, "aaaa-5")]
    assert reader.got == ["3", "4"]
    acknowledge(wall, reader, credit, 4)
    assert reader.got == ["3", "4", "5"]


def test_the_seats_of_a_wildcard_share_one_window_in_turn() -> None:
    wall = Wall()
    reader, credit = FakeReader(wall.hub), Credit(1, cumulative=False)
    wall.hub.subscribe_many("/topic/wall.>", reader, key(metered=True), 0.0, credit)
    slugs = ("a", "b", "c")
    for seq in (1, 2):
        for slug in slugs:
            wall.hub.receive(f"/topic/wall.{slug}", {"epoch": "aaaa", "seq": str(seq)}, b"", 0.0)
    wall.hub.flush(0.0)
    for _ in range(5):
        credit.settle(reader.frames[-1].headers["ack"])
        wall.hub.opened(reader, credit)
        wall.hub.flush(0.0)
    got = [(frame.headers["destination"][-1], frame.headers["seq"]) for frame in reader.frames]
    assert sorted(got[:3]) == [("a", "1"), ("b", "1"), ("c", "1")]
    assert sorted(got[3:]) == [("a", "2"), ("b", "2"), ("c", "2")]


def test_who_leaves_is_served_nothing_more() -> None:
    wall = Wall()
    reader, credit = metered(wall, 1)
    wall.send(1, 2)
    wall.hub.leave(reader.seats[0])
    credit.settle(ack_name("aaaa-1", WALL, "sub-0"))
    wall.hub.opened(reader, credit)
    wall.send(3)
    assert reader.got == ["1"]


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_every_limit_gives_the_same_messages_in_the_end(limit: int) -> None:
    wall = Wall()
    reader, credit = metered(wall, limit, cumulative=True)
    for seq in range(1, 21):
        wall.send(seq)
        while not credit.left:
            acknowledge(wall, reader, credit, int(reader.got[-1]))
    assert reader.got == [str(seq) for seq in range(1, 21)]


@given(
    st.lists(st.sampled_from(["send", "ack oldest", "ack newest", "fill", "drain", "head"]), max_size=60),
    st.integers(1, 4),
    st.booleans(),
)
def test_whatever_happens_in_which_order_nothing_is_lost_repeated_or_over_the_limit(
    steps: list[str], limit: int, cumulative: bool
) -> None:
    wall = Wall()
    reader, credit = metered(wall, limit, cumulative=cumulative)
    waiting: list[str] = []
    seen = sent = 0

    def look() -> None:
        nonlocal seen
        waiting.extend(frame.headers["ack"] for frame in reader.frames[seen:])
        seen = len(reader.frames)
        assert len(waiting) <= limit
        assert credit.left == limit - len(waiting)

    def settle(at: int) -> None:
        name = waiting[at]
        credit.settle(name)
        del waiting[0 if cumulative else at : at + 1]
        wall.hub.opened(reader, credit)
        wall.hub.flush(wall.now)

    for step in steps:
        if step == "send":
            sent += 1
            wall.send(sent)
        elif step == "head" and sent:
            wall.head(sent)
        elif step == "fill" and not reader.paused:
            reader.takes = 1
        elif step == "drain":
            reader.drain()
        elif step.startswith("ack") and waiting:
            settle(0 if step == "ack oldest" else len(waiting) - 1)
        look()
    reader.drain()
    look()
    while waiting:
        settle(0)
        look()
    assert [got for got in reader.got if got != "head"] == [str(seq) for seq in range(1, sent + 1)]
