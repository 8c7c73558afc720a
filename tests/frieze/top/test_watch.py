"""Sums, rates and quantiles of several relays."""

import math

import pytest

from frieze.top.watch import HISTORY, Frame, MediaLine, Watch, quantile
from tests.frieze.top.exposition import reading

LAG = {"0.01": 90, "0.1": 99, "2.0": 100, "+Inf": 100}


def test_the_first_look_has_no_rates_yet() -> None:
    frame = Watch().take({"a": reading(0.0, {"main": 500})})
    assert (frame.rate, frame.history, frame.p99, frame.nodes[0].cpu) == (0, (), None, None)


def test_rates_are_the_growth_by_second_summed_over_relays_and_walls() -> None:
    watch = Watch()
    watch.take({"a": reading(0.0, {"main": 100}), "b": reading(0.5, {"main": 10, "stage": 0})})
    frame = watch.take({"a": reading(2.0, {"main": 300}), "b": reading(1.5, {"main": 30, "stage": 5})})
    assert (frame.rate, frame.bytes) == (100 + 20 + 5, 125_000)
    assert [node.rate for node in frame.nodes] == [100, 25]


def test_walls_are_summed_over_relays_the_busiest_first_and_other_last() -> None:
    frame = Watch().take(
        {
            "a": reading(0.0, {}, viewers={"main": (3, 1, 0), "other": (9, 0, 0), "empty": (0, 0, 0)}),
            "b": reading(0.0, {}, viewers={"main": (2, 0, 2), "stage": (1, 0, 0)}),
        }
    )
    assert [(w.name, w.viewers, w.slow, w.waiting) for w in frame.walls] == [
        ("main", 8, 1, 2),
        ("stage", 1, 0, 0),
        ("empty", 0, 0, 0),
        ("other", 9, 0, 0),
    ]
    assert (frame.viewers, frame.slow) == (18, 4)


def test_a_relay_that_cant_be_read_says_why_and_the_others_still_count() -> None:
    watch = Watch()
    watch.take({"a": reading(0.0, {"main": 0}), "b": reading(0.0, {"main": 0})})
    frame = watch.take({"a": reading(1.0, {"main": 8}), "b": "can’t be reached"})
    assert [node.trouble for node in frame.nodes] == [None, "can’t be reached"]
    assert frame.rate == 8


def test_a_relay_that_is_back_makes_no_spike() -> None:
    watch = Watch()
    watch.take({"a": reading(0.0, {"main": 0})})
    watch.take({"a": "gone"})
    assert watch.take({"a": reading(2.0, {"main": 1_000_000})}).rate == 0


def test_lag_is_of_the_last_frames_only() -> None:
    watch = Watch()
    watch.take({"a": reading(0.0, {}, lag=dict.fromkeys(LAG, 0))})
    assert watch.take({"a": reading(1.0, {}, lag=LAG)}).p99 == pytest.approx(0.1)
    for second in range(2, 11):
        assert watch.take({"a": reading(float(second), {}, lag=LAG)}).p99 == pytest.approx(0.1)
    assert watch.take({"a": reading(11.0, {}, lag=LAG)}).p99 is None


def test_history_is_a_minute() -> None:
    watch, frame = Watch(), Frame()
    for second in range(100):
        frame = watch.take({"a": reading(float(second), {"main": second}, viewers={"main": (1, 0, 0)})})
    assert frame.history == (1.0,) * HISTORY
    assert frame.walls[0].history == (1.0,) * HISTORY


def test_a_count_that_this_version_does_not_know_is_told_by_its_name() -> None:
    more = (
        'frieze_relay_gaps_total 2\nfrieze_relay_newly_counted_total 3\nfrieze_relay_refused_total{reason="origin"} 4\n'
    )
    frame = Watch().take({"a": reading(0.0, {}, more=more), "b": reading(0.0, {}, more=more)})
    assert frame.counts == {"gaps": 4, "newly_counted": 6}
    assert frame.refused == {"origin": 8}


def media(sent: int, received: int, hit: int, miss: int) -> str:
    return (
        f'frieze_media_sent_bytes_total{{source="memory"}} {sent}\nfrieze_media_sent_bytes_total{{source="store"}} 0\n'
        f'frieze_media_streams 3\nfrieze_media_cache_total{{result="hit"}} {hit}\n'
        f'frieze_media_cache_total{{result="miss"}} {miss}\nfrieze_media_store_errors_total{{reason="away"}} 2\n'
        'frieze_media_refused_total{reason="streams"} 1\nfrieze_media_refused_total{reason="store"} 4\n'
        f"frieze_uploads_received_bytes_total {received}\nfrieze_uploads_running 5\nfrieze_uploads_slots_limit 64\n"
        'frieze_uploads_stored_total 7\nfrieze_uploads_lost_total 1\nfrieze_uploads_refused_total{code="size"} 2\n'
    )


def test_pictures_and_videos_are_summed_over_relays_with_their_rates() -> None:
    watch = Watch()
    watch.take({"a": reading(0.0, {}, more=media(0, 0, 0, 0)), "b": reading(0.0, {}, more=media(0, 0, 0, 0))})
    now = {"a": reading(2.0, {}, more=media(2000, 600, 9, 1)), "b": reading(2.0, {}, more=media(4000, 0, 9, 1))}
    assert watch.take(now).media == MediaLine(
        sent=3000.0,
        streams=6,
        hits=0.9,
        store_errors=4,
        kept_out=10,
        received=300.0,
        uploads=10,
        slots=128,
        stored=14,
        lost=2,
        refused=4,
    )


def test_the_share_from_memory_is_unknown_while_nobody_asks() -> None:
    frame = Watch().take({"a": reading(0.0, {}, more=media(5, 5, 5, 5))})
    assert frame.media is not None
    assert frame.media.hits is None


def test_relays_without_pictures_tell_of_none() -> None:
    assert Watch().take({"a": reading(0.0, {"main": 1})}).media is None


def test_a_quantile_lies_within_its_bucket() -> None:
    assert quantile(dict(LAG), 0.5) == pytest.approx(0.01 * 50 / 90)
    assert quantile(dict(LAG), 0.99) == pytest.approx(0.1)
    assert quantile({"1.0": 0, "+Inf": 3}, 0.5) == math.inf
    assert quantile({"1.0": 0, "+Inf": 0}, 0.5) is None
    assert quantile({}, 0.5) is None
