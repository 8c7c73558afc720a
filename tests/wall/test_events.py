"""Cursors: written and read, ordered by age, and nothing else is taken for one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wall.events import Cursor, Event

cursors = st.builds(Cursor, st.from_regex(r"[a-z0-9]{4,16}", fullmatch=True), st.integers(0, 10**18 - 1))


@given(cursors)
def test_a_cursor_is_read_back_as_it_was_written(cursor: Cursor) -> None:
    assert Cursor.parse(str(cursor)) == cursor


@given(st.lists(cursors, max_size=6))
def test_the_epoch_counts_before_the_seq(some: list[Cursor]) -> None:
    assert sorted(some) == sorted(some, key=lambda cursor: (cursor.epoch, cursor.seq))


def test_a_newer_epoch_is_above_any_seq_of_an_older_one() -> None:
    assert Cursor("mi8q4w2a", 999) < Cursor("mi8q4w2a", 1000) < Cursor("mi8q4w2b", 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "q7ka",
        "q7ka-",
        "-812",
        "q7ka-01",
        "q7ka--1",
        "q7ka-+1",
        "q7ka-1.0",
        "q7ka-1e3",
        "Q7KA-812",
        "q7k-812",
        "a" * 17 + "-1",
        "q7ka-" + "9" * 19,
        "q7ka-1\n",
        " q7ka-1",
        "q7ka-1 ",
        "q7ka-1-2",
        "q7ka-١",
        "é7ka-1",
        "q7ka-1\x00",
    ],
)
def test_junk_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match="a cursor looks like"):
        Cursor.parse(text)


@given(st.text())
def test_any_text_is_a_cursor_that_is_written_the_same_or_a_value_error(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except ValueError:
        return
    assert str(cursor) == text


def test_an_events_cursor_is_where_a_reader_is_after_it() -> None:
    event = Event(wall="main", epoch="mi8q4w2a", seq=7, kind="removed", at=datetime(2026, 11, 21, tzinfo=UTC))
    assert str(event.cursor) == "mi8q4w2a-7"
