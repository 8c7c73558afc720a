"""Positions, holes, resume and slow readers, without sockets and with a clock that stands still."""

import pytest

from relay.settings import RelaySettings
from tests.relay.readers import WALL, FakeReader, Wall, key
from wall.stomp.frames import Version


def test_live_readers_share_the_same_bytes() -> None:
    wall = Wall()
    one, other = wall.reader(), wall.reader()
    wall.send(1, 2)
    assert one.got == ["1", "2"]
    assert one.writes[0] is other.writes[0]


def test_messages_that_come_together_go_out_in_one_write() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1, 2, 3)
    assert len(reader.writes) == 1


def test_the_message_id_is_the_position() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(812)
    assert reader.frames[0].headers["message-id"] == "aaaa-812"


def test_a_joiner_gets_what_comes_and_hears_where_the_topic_stands() -> None:
    wall = Wall()
    wall.send(1, 2)
    reader = wall.reader()
    assert (reader.answers, reader.got) == ([(None, "aaaa-2")], [])
    wall.send(3)
    assert reader.got == ["3"]


def test_repeats_are_dropped() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1, 2, 2, 1, 3)
    wall.send(2)
    assert reader.got == ["1", "2", "3"]
    assert wall.hub.counts.repeated == 3


def test_a_newer_epoch_replaces_the_ring_and_an_older_one_is_ignored() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(5)
    wall.send(1, epoch="bbbb")
    wall.send(6)
    assert [frame.headers["message-id"] for frame in reader.frames] == ["aaaa-5", "bbbb-1"]
    assert wall.hub.counts.stale == 1
    assert wall.reader("aaaa-5").answers == [(False, "bbbb-1")]


def test_a_head_is_passed_on_and_not_stored() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1)
    wall.head(1)
    assert reader.got == ["1", "head"]
    assert wall.reader("aaaa-0").got == ["1"]


def test_a_hole_is_filled_from_the_log_before_what_comes_after_it() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1, 4)
    assert reader.got == ["1"]
    wall.log = [1, 2, 3, 4]
    wall.answer()
    assert reader.got == ["1", "2", "3", "4"]
    assert wall.hub.counts.filled == 3


def test_stragglers_fill_a_hole_without_the_log() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1, 3, 4, 2)
    assert reader.got == ["1", "2", "3", "4"]
    assert wall.answer() == 0


def test_a_hole_that_cannot_be_filled_is_marked_after_two_seconds() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1, 3, 4)
    wall.send(6, kind="removed")
    for _ in range(7):
        wall.answer()
        wall.wait(0.25)
    assert reader.got == ["1"]
    wall.wait(0.25)
    assert reader.got == ["1", "3 gap", "4", "6 gap"]
    wall.send(7)
    assert reader.got[-1] == "7"


def test_a_log_that_has_lost_the_events_is_not_waited_for() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1, 3)
    wall.log = [3]
    wall.answer()
    assert reader.got == ["1", "3 gap"]


def test_the_log_is_asked_again_while_there_is_time() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1, 3)
    wall.answer()
    wall.log = [1, 2, 3]
    assert wall.answer() == 0, "not at once"
    wall.wait(0.5)
    wall.answer()
    assert reader.got == ["1", "2", "3"]


def test_what_was_said_while_upstream_was_away_is_read_as_soon_as_it_is_back() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1)
    wall.log = [1, 2, 3]
    wall.hub.doubt()
    assert wall.answer() == 1
    assert reader.got == ["1", "2", "3"]
    assert wall.answer() == 0, "asked once"
    wall.hub.doubt()
    wall.log = None
    assert wall.answer() == 1
    wall.log = [1, 2, 3, 4]
    wall.wait(1.0)
    wall.answer()
    assert reader.got[-1] == "4", "a log that was away is asked again"


def test_a_lost_last_event_is_found_by_the_head_and_comes_before_it() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1)
    wall.head(3)
    assert reader.got == ["1"]
    wall.log = [1, 2, 3]
    wall.answer()
    assert reader.got == ["1", "2", "3", "head"]


def test_a_head_is_delivered_though_its_hole_cannot_be_filled_so_viewers_repair() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1)
    wall.head(3)
    wall.wait(2.0)
    assert reader.got == ["1", "head"]
    wall.log = [1, 2, 3]
    wall.head(3)
    wall.answer()
    assert reader.got == ["1", "head", "2", "3", "head"]


def test_what_waits_behind_a_hole_is_bounded() -> None:
    wall = Wall(RelaySettings(held_messages=3))
    reader = wall.reader()
    wall.send(1, 3, 4, 5, 6)
    assert reader.got == ["1", "3 gap", "4", "5", "6"]


# ── resume ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cursor_within_the_ring_gets_what_it_missed_then_live() -> None:
    wall = Wall()
    wall.send(1, 2, 3)
    reader = wall.reader("aaaa-1")
    wall.send(4)
    assert reader.answers == [(True, "aaaa-3")]
    assert reader.got == ["2", "3", "4"]


def test_a_cursor_older_than_the_ring_is_answered_from_the_log() -> None:
    wall = Wall()
    wall.send(5, 6)
    reader = wall.reader("aaaa-2")
    assert reader.answers == []
    wall.send(7)
    assert reader.got == [], "nothing live before the answer"
    wall.log = [1, 2, 3, 4, 5, 6, 7]
    wall.answer()
    assert reader.answers == [(True, "aaaa-7")]
    assert reader.got == ["3", "4", "5", "6", "7"]
    wall.send(8)
    assert reader.got[-1] == "8"


def test_after_a_restart_of_the_relay_the_log_answers() -> None:
    wall = Wall()
    wall.log = [1, 2, 3]
    reader = wall.reader("aaaa-1")
    wall.answer()
    assert (reader.answers, reader.got) == ([(True, "aaaa-3")], ["2", "3"])
    wall.send(3, 4)
    assert reader.got == ["2", "3", "4"]


def test_a_viewer_ahead_of_this_relay_is_not_sent_back() -> None:
    wall = Wall()
    early = wall.reader()
    wall.send(1)
    wall.log = [1, 2, 3]
    reader = wall.reader("aaaa-2")
    wall.answer()
    assert (reader.answers, reader.got) == ([(True, "aaaa-3")], ["3"])
    assert early.got == ["1", "2", "3"]
    wall.send(2, 3, 4)
    assert early.got == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("cursor", "log"),
    [
        ("aaaa-9", [1, 2, 3, 4, 5]),  # above the head
        ("aaaa-1", [4, 5]),  # too old
        ("bbbb-1", [1, 2, 3, 4, 5]),  # unknown epoch
        ("9999-1", None),  # an older epoch than the ring's
    ],
)
def test_what_cannot_be_answered_in_full_is_not_answered_in_part(cursor: str, log: list[int] | None) -> None:
    wall = Wall()
    wall.send(4, 5)
    wall.log = log
    reader = wall.reader(cursor)
    wall.answer()
    assert (reader.answers, reader.got) == ([(False, "aaaa-5")], [])
    wall.send(6)
    assert reader.got == ["6"]


def test_a_log_that_cannot_be_read_means_not_recovered_within_two_seconds() -> None:
    wall = Wall()
    wall.send(4)
    reader = wall.reader("aaaa-1")
    wall.answer()
    wall.wait(1.9)
    assert reader.answers == []
    wall.wait(0.1)
    assert reader.answers == [(False, "aaaa-4")]


def test_more_than_the_log_gives_at_once_is_not_recovered() -> None:
    wall = Wall(RelaySettings(replay_events=10))
    wall.send(100)
    wall.log = list(range(1, 101))
    reader = wall.reader("aaaa-50")
    wall.answer()
    assert (reader.answers, reader.got) == ([(False, "aaaa-100")], [])


def test_many_who_resume_at_once_cost_one_question() -> None:
    wall = Wall()
    wall.send(5)
    wall.log = [1, 2, 3, 4, 5]
    readers = [wall.reader(f"aaaa-{number % 4}") for number in range(100)]
    assert wall.answer() == 1
    assert all(reader.answers == [(True, "aaaa-5")] for reader in readers)
    assert readers[3].got == ["4", "5"]


def test_one_too_old_cursor_does_not_spoil_the_others() -> None:
    wall = Wall()
    wall.send(8)
    wall.log = [5, 6, 7, 8]
    old, fine = wall.reader("aaaa-1"), wall.reader("aaaa-5")
    wall.answer()
    assert old.answers == [(False, "aaaa-8")]
    assert (fine.answers, fine.got) == ([(True, "aaaa-8")], ["6", "7", "8"])


def test_resuming_across_a_marked_gap_asks_the_log_and_mends_the_ring() -> None:
    wall = Wall()
    wall.send(1, 3)
    wall.wait(2.0)
    wall.log = [1, 2, 3]
    reader = wall.reader("aaaa-1")
    wall.answer()
    assert (reader.answers, reader.got) == ([(True, "aaaa-3")], ["2", "3"])


def test_leaving_while_waiting_for_the_log_leaves_nothing() -> None:
    wall = Wall()
    wall.send(5)
    reader = wall.reader("aaaa-1")
    wall.hub.leave(reader.seats[0])
    wall.log = [1, 2, 3, 4, 5]
    wall.answer()
    wall.wait(3.0)
    assert (reader.answers, reader.got, bool(wall.topic.audience)) == ([], [], False)


# ── slow readers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_full_socket_is_written_nothing_and_then_all_it_missed_at_once() -> None:
    wall = Wall()
    slow, healthy = wall.reader(takes=1), wall.reader()
    wall.send(1)
    for seq in range(2, 6):
        wall.send(seq)
    assert (slow.got, healthy.got) == (["1"], ["1", "2", "3", "4", "5"])
    slow.drain()
    assert slow.got == healthy.got
    assert len(slow.writes) == 2
    wall.send(6)
    assert slow.got[-1] == "6"


def test_a_reader_full_in_one_topic_is_not_written_to_in_another() -> None:
    wall = Wall()
    reader = wall.reader(takes=1)
    wall.hub.subscribe("/topic/screens.main", reader, key("sub-1"), None, None, 0.0)
    wall.hub.receive(WALL, {"epoch": "aaaa", "seq": "1"}, b"{}", 0.0)
    wall.hub.receive("/topic/screens.main", {}, b"reload", 0.0)
    wall.hub.flush(0.0)
    assert len(reader.got) == 1
    reader.drain()
    assert sorted(reader.got) == ["1", "reload"]


def test_catching_up_goes_in_batches_and_stops_when_full_again() -> None:
    wall = Wall(RelaySettings(batch_messages=2))
    reader = wall.reader(takes=1)
    for seq in range(1, 8):
        wall.send(seq)
    reader.drain(takes=2)
    assert reader.got == ["1", "2", "3", "4", "5"]
    assert [len(write) > 0 for write in reader.writes] == [True] * 3
    reader.drain()
    assert reader.got == ["1", "2", "3", "4", "5", "6", "7"]


def test_a_reader_that_the_ring_has_passed_is_helped_by_the_log() -> None:
    wall = Wall(RelaySettings(ring_bytes=4_000))
    reader = wall.reader(takes=1)
    for seq in range(1, 8):
        wall.send(seq, size=700)
    reader.drain()
    assert reader.got == ["1"]
    wall.log = list(range(1, 8))
    wall.answer()
    assert reader.got == ["1", "2", "3", "4", "5", "6", "7"]


def test_a_reader_that_nobody_can_help_is_told_so_not_skipped() -> None:
    wall = Wall(RelaySettings(ring_bytes=4_000))
    reader = wall.reader(takes=1)
    for seq in range(1, 10):
        wall.send(seq, size=1_000)
    wall.log = [8, 9]
    reader.drain()
    wall.answer()
    assert (reader.got, reader.behind) == (["1"], 1)


def test_a_reader_left_behind_in_two_seats_leaves_once() -> None:
    wall = Wall(RelaySettings(ring_bytes=4_000))
    reader = wall.reader()
    wall.hub.subscribe(WALL, reader, key("sub-1"), None, None, 0.0)
    wall.send(1)
    reader.takes = 1
    for seq in range(2, 20):
        wall.send(seq, size=1_000)
    wall.log = [18, 19]
    reader.drain()
    wall.answer()
    assert (reader.behind, reader.seats, wall.topic.audience.waiting) == (1, [], [])


def test_a_slow_reader_meets_a_new_epoch_after_the_pause() -> None:
    wall = Wall()
    reader = wall.reader(takes=1)
    wall.send(1, 2)
    wall.send(3)
    wall.send(1, 2, epoch="bbbb")
    reader.drain()
    assert [frame.headers["message-id"] for frame in reader.frames] == ["aaaa-1", "aaaa-2", "bbbb-1", "bbbb-2"]


def test_more_in_one_turn_than_the_ring_holds_still_reaches_live_readers() -> None:
    wall = Wall(RelaySettings(ring_bytes=300_000))
    reader = wall.reader()
    for seq in range(1, 101):
        wall.hub.receive(WALL, {"epoch": "aaaa", "seq": str(seq)}, b"x" * 10_000, 0.0)
    wall.hub.flush(0.0)
    assert reader.got == [str(seq) for seq in range(1, 101)]


# ── topics without seq ───────────────────────────────────────────────────────────────────────────────────────────────


def test_topics_without_seq_are_numbered_by_the_relay() -> None:
    wall = Wall()
    reader = FakeReader(wall.hub)
    wall.hub.subscribe("/topic/console.main", reader, key(), None, None, 0.0)
    for body in (b"one", b"two"):
        wall.hub.receive("/topic/console.main", {}, body, 0.0)
    wall.hub.flush(0.0)
    assert reader.got == ["one", "two"]
    assert [frame.headers["message-id"] for frame in reader.frames] == ["rtest-1", "rtest-2"]


def test_a_message_without_position_on_a_wall_reaches_who_is_there() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.hub.receive(WALL, {"seq": "x"}, b"hello", 0.0)
    wall.hub.flush(0.0)
    assert reader.frames[0].body == b"hello"


def test_every_subscription_id_gets_its_own_frames_from_the_same_message() -> None:
    wall = Wall()
    readers = [wall.reader(subscription=f"sub-{number}") for number in range(9)]
    wall.send(1)
    assert [reader.frames[0].headers["subscription"] for reader in readers] == [f"sub-{n}" for n in range(9)]
    assert key()[1] is Version.V1_2
