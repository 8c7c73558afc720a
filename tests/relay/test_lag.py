"""The histogram counts deliveries, each once, by how old they were."""

import pytest

from relay.lag import BOUNDS, Lag


def test_every_delivery_is_counted_once_below_each_bound_it_does_not_exceed() -> None:
    lag = Lag()
    lag.observe(0.0004, 3)
    lag.observe(0.045, 10)  # a bound is in its own bucket
    lag.observe(99.0, 1)
    buckets = dict(lag.buckets())
    assert (buckets["0.0005"], buckets["0.03"], buckets["0.045"], buckets["30.0"], buckets["+Inf"]) == (
        3,
        3,
        13,
        13,
        14,
    )
    assert lag.seconds == pytest.approx(3 * 0.0004 + 10 * 0.045 + 99.0)


def test_the_bounds_rise_and_have_the_promised_p99_and_the_alerts_limit_among_them() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))
    assert {0.045, 2.0} <= set(BOUNDS)
