"""Numbers are short, and a sparkline is as wide as it was asked to be."""

import math

import pytest

from frieze.top import figures


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0.0004, "0.4 ms"), (0.0381, "38 ms"), (0.9994, "999 ms"), (1.24, "1.2 s"), (math.inf, "> 30 s")],
)
def test_a_lag_has_two_or_three_digits(seconds: float | None, said: str) -> None:
    assert figures.short(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (92.1e6, "92.1 MB"), (3e12, "3000 GB")],
)
def test_a_size_has_a_unit(number: float | None, said: str) -> None:
    assert figures.size(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "–"), (4.9, "4 s"), (598, "9 m 58 s"), (61, "1 m 01 s"), (12000, "3 h 20 m")]
)
def test_an_age_has_two_units_at_most(seconds: float | None, said: str) -> None:
    assert figures.age(seconds) == said


def test_counts_have_commas_and_small_rates_a_decimal() -> None:
    assert (figures.count(4012), figures.count(12_345_678)) == ("4,012", "12.3 M")
    assert (figures.rate(0), figures.rate(1.94), figures.rate(80_258.4)) == ("0", "1.9", "80,258")


def test_a_sparkline_tells_nothing_seen_from_nothing_and_the_most_from_the_rest() -> None:
    assert figures.sparkline([0, 4, 8], 5, 5) == "  ▁▅█"
    assert figures.sparkline([0, 0], 3, 3) == " ▁▁"
    assert figures.sparkline([], 3, 3) == "   "


def test_a_narrow_sparkline_shows_means() -> None:
    assert figures.sparkline([0, 8, 8, 8], 2, 4) == "▅█"


@pytest.mark.parametrize("width", [1, 7, 20, 40, 60, 200])
def test_a_sparkline_is_never_wider_than_asked(width: int) -> None:
    assert len(figures.sparkline(range(100), width, 60)) == min(width, 60)


def test_a_chart_of_two_rows_fills_the_lower_one_first() -> None:
    assert figures.chart([4, 8, 16], 3, 3, 2) == ["  █", "▄██"]
