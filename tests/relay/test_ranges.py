"""Conditions and ranges, clause by clause of RFC 9110 §13 and §14."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.ranges import FAILED, NOT_MODIFIED, UNSATISFIABLE, WHOLE, Outcome, Part, Whole, judge

ETAG = b'"abc"'
MODIFIED = 1_790_000_000
LENGTH = 1000


def http_date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


def ask(method: str = "GET", *, length: int = LENGTH, modified: int | None = MODIFIED, **headers: str) -> Outcome:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return judge(method, raw, etag=ETAG, modified=modified, length=length)


@pytest.mark.parametrize(
    ("wanted", "outcome"),
    [
        ("bytes=0-0", Part(0, 1)),
        ("bytes=0-", Part(0, 1000)),
        ("bytes=10-19", Part(10, 10)),
        ("bytes=990-5000", Part(990, 10)),
        ("bytes=999-", Part(999, 1)),
        ("bytes=-1", Part(999, 1)),
        ("bytes=-5000", Part(0, 1000)),
        ("Bytes=5-6", Part(5, 2)),
        ("bytes= 5-6 , ", Part(5, 2)),
        ("bytes=" + "0" * 200 + "5-6", Part(5, 2)),
        ("bytes=1000-", UNSATISFIABLE),
        ("bytes=1000-1005", UNSATISFIABLE),
        ("bytes=-0", UNSATISFIABLE),
        ("bytes=" + "9" * 100 + "-", UNSATISFIABLE),
    ],
)
def test_one_range_gets_its_part_or_is_unsatisfiable(wanted: str, outcome: Outcome) -> None:
    assert ask(range=wanted) == outcome


@pytest.mark.parametrize(
    "wanted",
    [
        *("", "bytes", "bytes=", "bytes=-", "bytes=,", "bytes=a-b", "bytes=5-4", "bytes=1-2-3", "bytes=+1-2"),
        *("bytes=0-1,3-4", "bytes=0-0, 0-0", "seconds=1-2", "bytes=1 -2", "bytes=-1-", "0-5", "bytes=\xb2-"),
        "bytes=" + "0" * 300 + "-5",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(50)),
    ],
)
def test_several_ranges_and_headers_that_make_no_sense_get_the_whole(wanted: str) -> None:
    assert ask(range=wanted) == WHOLE


def test_nothing_of_an_empty_body_is_in_any_range() -> None:
    assert ask(range="bytes=0-", length=0) == ask(range="bytes=-5", length=0) == UNSATISFIABLE


def test_a_range_is_for_get_only() -> None:
    assert ask("HEAD", range="bytes=0-1") == WHOLE


def test_what_content_range_says() -> None:
    assert Part(10, 5).content_range(100) == b"bytes 10-14/100"
    assert UNSATISFIABLE.content_range(100) == b"bytes */100"


@pytest.mark.parametrize(
    ("match", "outcome"),
    [
        ('"abc"', WHOLE),
        ("*", WHOLE),
        ('"x", "abc"', WHOLE),
        ('"x"', FAILED),
        ('W/"abc"', FAILED),
        ("abc", FAILED),
        ("", FAILED),
    ],
)
def test_if_match_compares_strongly(match: str, outcome: Outcome) -> None:
    assert ask(if_match=match) == outcome


@pytest.mark.parametrize(
    ("match", "outcome"),
    [
        ('"abc"', NOT_MODIFIED),
        ('W/"abc"', NOT_MODIFIED),
        ("*", NOT_MODIFIED),
        ('"x",W/"y" , "abc"', NOT_MODIFIED),
        ('"abcd"', WHOLE),
        ('"x"abc', WHOLE),
        ("", WHOLE),
    ],
)
def test_if_none_match_compares_weakly(match: str, outcome: Outcome) -> None:
    assert ask(if_none_match=match) == ask("HEAD", if_none_match=match) == outcome


def test_a_tag_comes_before_a_date() -> None:
    newer, older = http_date(MODIFIED + 10), http_date(MODIFIED - 10)
    assert ask(if_none_match='"x"', if_modified_since=newer) == WHOLE
    assert ask(if_none_match='"abc"', if_modified_since=older) == NOT_MODIFIED
    assert ask(if_match='"abc"', if_unmodified_since=older) == WHOLE
    assert ask(if_match='"x"', if_none_match='"abc"') == FAILED


def test_dates_in_all_three_forms() -> None:
    for same in ("Mon, 21 Sep 2026 14:13:20 GMT", "Monday, 21-Sep-26 14:13:20 GMT", "Mon Sep 21 14:13:20 2026"):
        assert ask(if_modified_since=same) == NOT_MODIFIED
        assert ask(if_unmodified_since=same) == WHOLE
    assert ask(if_modified_since=http_date(MODIFIED - 1)) == WHOLE
    assert ask(if_unmodified_since=http_date(MODIFIED - 1)) == FAILED


@pytest.mark.parametrize("date", ["yesterday", "", "Mon, 99 Foo 2026", "1", "Mon, 21 Sep 99999999 14:13:20 GMT"])
def test_what_is_no_date_says_nothing(date: str) -> None:
    assert ask(if_modified_since=date) == ask(if_unmodified_since=date) == WHOLE


def test_without_last_modified_no_date_decides() -> None:
    now = http_date(MODIFIED)
    assert ask(modified=None, if_modified_since=now) == ask(modified=None, if_unmodified_since=now) == WHOLE
    assert ask(modified=None, range="bytes=0-1", if_range=now) == WHOLE


@pytest.mark.parametrize(
    ("condition", "same"),
    [
        ('"abc"', True),
        (http_date(MODIFIED), True),
        ('W/"abc"', False),
        ('"x"', False),
        ('"abc", "x"', False),
        ("*", False),
        (http_date(MODIFIED + 1), False),
        (http_date(MODIFIED - 1), False),
        ('"' + "x" * 300 + '"', False),
    ],
)
def test_if_range_gives_the_part_of_exactly_the_same_and_else_the_whole(condition: str, same: bool) -> None:
    assert ask(range="bytes=2-3", if_range=condition) == (Part(2, 2) if same else WHOLE)


def test_if_range_without_a_range_says_nothing() -> None:
    assert ask(if_range='"x"') == WHOLE


def test_lists_may_stand_on_several_lines_and_everything_else_may_not() -> None:
    def lines(*headers: tuple[bytes, bytes]) -> Outcome:
        return judge("GET", headers, etag=ETAG, modified=MODIFIED, length=LENGTH)

    assert lines((b"if-none-match", b'"x"'), (b"if-none-match", ETAG)) == NOT_MODIFIED
    assert lines((b"if-match", b'"x"'), (b"if-match", ETAG)) == WHOLE
    assert lines((b"range", b"bytes=0-1"), (b"range", b"bytes=0-1")) == WHOLE
    assert lines((b"if-range", ETAG), (b"if-range", ETAG), (b"range", b"bytes=0-1")) == WHOLE


@given(
    st.dictionaries(
        st.sampled_from(["range", "if_range", "if_match", "if_none_match", "if_modified_since"]),
        st.text(st.characters(max_codepoint=255), max_size=300),
    ),
    st.integers(0, 2000),
)
def test_whatever_comes_a_part_lies_within_the_body(headers: dict[str, str], length: int) -> None:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    outcome = judge("GET", raw, etag=ETAG, modified=MODIFIED, length=length)
    if isinstance(outcome, Part):
        assert 0 <= outcome.start < outcome.start + outcome.length <= length


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_what_slicing_gives(length: int, first: int, last: int) -> None:
    body = bytes(range(length))
    outcome = ask(length=length, range=f"bytes={first}-{last}")
    if isinstance(outcome, Part):
        assert body[outcome.start : outcome.start + outcome.length] == body[first : last + 1]
    else:
        assert isinstance(outcome, Whole) == (last < first)
