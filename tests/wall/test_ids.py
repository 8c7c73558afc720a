"""Identities sort by time where they should and say nothing where they should not."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wall.events import Cursor
from wall.ids import epoch, random_id, ulid

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
moments = st.integers(0, 80 * 365 * 86_400_000).map(
    lambda ms: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
)
entropy = st.binary(min_size=16, max_size=16)


@given(moments, moments, entropy, entropy)
def test_a_later_ulid_sorts_above(one: datetime, other: datetime, some: bytes, more: bytes) -> None:
    earlier, later = sorted((one, other))
    if later - earlier >= timedelta(milliseconds=2):
        assert ulid(earlier, some) < ulid(later, more)


def test_a_ulid_has_the_standards_form() -> None:
    assert ulid(datetime(1970, 1, 1, tzinfo=UTC), bytes(10)) == "0" * 26
    # the example of the standard's own text: 1469918176385 ms begin with 01ARYZ6S41
    assert ulid(datetime.fromtimestamp(1469918176.385, UTC), b"\xff" * 10) == "01ARYZ6S41" + "Z" * 16


@given(entropy, entropy)
def test_random_ids_are_26_characters_and_as_different_as_their_bytes(one: bytes, other: bytes) -> None:
    assert re.fullmatch("[a-z2-7]{26}", random_id(one))
    assert (random_id(one) == random_id(other)) == (one == other)


@given(moments, moments)
def test_an_epoch_is_above_the_older_one_also_when_the_clock_was_set_back(before: datetime, now: datetime) -> None:
    older = epoch(before)
    newer = epoch(now, older)
    assert newer > older
    assert epoch(now, newer) > newer
    assert Cursor.parse(f"{newer}-0").epoch == newer


def test_an_epoch_is_the_time_in_base_36() -> None:
    assert int(epoch(NOW), 36) == int(NOW.timestamp() * 1000)
    assert epoch(NOW, epoch(NOW)) == epoch(NOW + timedelta(milliseconds=1))
