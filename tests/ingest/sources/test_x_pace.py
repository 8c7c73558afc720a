"""Intervals, the shared bucket and the daily budget."""

import pytest

from ingest.sources.x_api import Rate
from ingest.sources.x_pace import CEILING, FLOOR, Budget, Pace

NOW = 1_800_000_000.0
DAY = 24 * 3600.0


def test_a_search_that_finds_nothing_is_polled_less_and_less() -> None:
    pace = Pace()
    intervals = [pace.next_in("a", empty, NOW) for empty in range(10)]
    assert intervals[0] == FLOOR
    assert intervals == sorted(intervals)
    assert intervals[-1] == CEILING


def test_searches_share_what_the_window_leaves() -> None:
    pace = Pace()
    pace.learn(Rate(450, 110, NOW + 900))
    assert pace.next_in("a", 0, NOW) == pytest.approx(10)
    assert pace.next_in("b", 0, NOW) == pytest.approx(20)
    assert pace.next_in("b", 0, NOW + 400) == pytest.approx(500 / 90)


def test_nobody_asks_while_the_window_is_used_up() -> None:
    pace = Pace()
    pace.learn(Rate(450, 0, NOW + 300))
    assert pace.closed_until(NOW) == NOW + 300
    assert pace.closed_until(NOW + 301) is None


def test_quiet_grows_until_an_answer_comes() -> None:
    pace = Pace()
    assert [pace.be_quiet(NOW) - NOW for _ in range(6)] == [60, 120, 240, 480, 900, 900]
    assert pace.closed_until(NOW) == NOW + 900
    pace.answered()
    assert pace.be_quiet(NOW) == NOW + 60


def test_a_burst_of_pages_is_slowed_to_the_window() -> None:
    pace = Pace()
    waits = [pace.take(NOW) for _ in range(13)]
    assert waits[:10] == [0.0] * 10
    assert waits[10:] == pytest.approx([2.0, 4.0, 6.0])


def test_a_post_returned_twice_on_a_day_is_counted_once() -> None:
    budget = Budget(50)
    budget.spend("a", [1, 2, 3], NOW)
    budget.spend("b", [3, 4], NOW)
    assert budget.page_size(NOW) == 46
    assert budget.memory("b")["read"] == 1


def test_less_than_the_smallest_page_is_nothing() -> None:
    budget = Budget(100)
    budget.spend("a", range(91), NOW)
    assert budget.page_size(NOW) == 0


def test_a_restart_remembers_and_a_new_day_forgets() -> None:
    before = Budget(100)
    before.spend("a", range(60), NOW)
    after = Budget(100)
    memory = before.memory("a")
    after.recall("a", memory["day"], memory["read"], NOW)
    after.recall("a", memory["day"], memory["read"], NOW)
    assert after.page_size(NOW) == 40
    assert after.page_size(NOW + DAY) == 100
    tomorrow = Budget(100)
    tomorrow.recall("a", memory["day"], memory["read"], NOW + DAY)
    assert tomorrow.page_size(NOW + DAY) == 100


def test_without_a_budget_nothing_is_kept() -> None:
    budget = Budget(None)
    budget.spend("a", range(1000), NOW)
    assert (budget.page_size(NOW), budget.memory("a")) == (100, {})
