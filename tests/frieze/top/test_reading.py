"""A relay's metrics, read and compared."""

import pytest

from frieze.top.reading import parse
from tests.frieze.top.exposition import reading, text


def test_values_are_found_by_name_by_label_and_in_sum() -> None:
    read = reading(1.0, {"main": 5, "stage": 2}, viewers={"main": (3, 1, 0), "stage": (2, 0, 0)})
    assert read.get("frieze_relay_delivered_total") == 7
    assert read.by("frieze_relay_viewers", "wall", stage="live") == {"main": 3, "stage": 2}
    assert read.get("frieze_relay_nothing") is None


def test_growth_is_by_label() -> None:
    before, now = reading(1.0, {"main": 5}), reading(2.0, {"main": 9, "new": 4})
    assert now.growth(before, "frieze_relay_delivered_total", "wall") == {"main": 4, "new": 4}


def test_a_relay_that_started_again_counts_from_nothing() -> None:
    before, now = reading(1.0, {"main": 5}), reading(2.0, {"main": 9}, started=2000.0)
    assert now.growth(before, "frieze_relay_delivered_total", "wall") == {"main": 9}


@pytest.mark.parametrize("strange", ["", "<html>", "up 1\n", text({"main": 1}).replace("connections", "others")])
def test_what_is_no_relays_metrics_is_refused(strange: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(strange, 0.0)
