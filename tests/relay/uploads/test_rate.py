"""Who sends too slowly."""

import pickle

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


def test_a_byte_now_and_then_is_too_slow_and_remembers_no_more_than_its_window() -> None:
    floor = _floor()
    assert not all(floor.came(1, 29.0) for _ in range(3))
    floor = _floor()
    for _ in range(10_000):
        assert floor.came(RATE, 0.9)
    # 40 marks of two numbers; all ten thousand would be hundreds of times as long
    assert len(pickle.dumps(floor)) < 1_000
