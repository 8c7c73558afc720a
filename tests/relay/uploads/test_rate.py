"""Who sends too slowly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.uploads.rate import RateFloor

RATE = 1000


def _floor() -> RateFloor:
    return RateFloor(RATE, window=30.0, grace=30.0)


def test_in_the_first_moments_everybody_is_fast_enough() -> None:
    floor = _floor()
    assert all(floor.came(0, 1.0) for _ in range(29))
    assert not floor.came(0, 1.0)


def test_a_guest_at_the_floor_goes_on_for_ever_and_one_below_it_does_not() -> None:
    floor = _floor()
    assert all(floor.came(RATE, 1.0) for _ in range(1000))
    assert not all(floor.came(RATE - 50, 1.0) for _ in range(60))


def test_a_burst_long_ago_does_not_help() -> None:
    floor = _floor()
    assert floor.came(10_000_000, 1.0)
    assert not all(floor.came(1, 1.0) for _ in range(62))


def test_time_in_which_the_store_was_slow_does_not_count() -> None:
    floor = _floor()
    assert all(floor.came(64 * 1024, 0.0) for _ in range(1000))


@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(0.0, 5.0)), max_size=100))
def test_a_wait_within_its_patience_is_never_too_long(waits: list[tuple[int, float]]) -> None:
    floor = _floor()
    for count, seconds in waits:
        if not floor.came(count, seconds):
            return
    if floor.patience > 0:
        assert floor.came(0, floor.patience * 0.999)


def test_patience_is_what_is_left_until_the_average_is_too_low() -> None:
    assert _floor().patience == pytest.approx(30.0)
