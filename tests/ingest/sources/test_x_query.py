"""What is added to an operator's query, and which queries X would not take."""

import pytest

from ingest.sources.x_query import LONGEST, full_query
from tests.fakes.x_language import QueryRefused, read_query
from wall.errors import SourceRefused


@pytest.mark.parametrize(
    ("query", "whole"),
    [
        ("#frieze", "#frieze has:images -is:retweet"),
        ("  #frieze lang:en ", "#frieze lang:en has:images -is:retweet"),
        ("#a OR #b", "(#a OR #b) has:images -is:retweet"),
        ("#a OR #b has:images", "(#a OR #b has:images) has:images -is:retweet"),
        ("(#a OR #b) has:images", "(#a OR #b) has:images -is:retweet"),
        ("#a has:images -is:retweet", "#a has:images -is:retweet"),
        ("#a -has:images", "#a -has:images has:images -is:retweet"),
        ("(#a has:images) OR #b -is:retweet", "((#a has:images) OR #b -is:retweet) has:images"),
        ('"one OR two"', '"one OR two" has:images -is:retweet'),
    ],
)
def test_pictures_are_asked_for_and_retweets_left_out(query: str, whole: str) -> None:
    assert full_query(query) == whole
    read_query(whole)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "has:images",
        "lang:en -#frieze",
        "(#a",
        "#a)",
        '"open',
        "-(#a #b)",
        '""',
        "#",
        "OR",
        "#" + "a" * LONGEST,
    ],
)
def test_what_x_would_refuse_is_refused_at_once(query: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        full_query(query)
    assert str(refused.value).endswith((".", "narrows.", query))


def test_the_length_counts_what_we_add() -> None:
    fits = LONGEST - len(" has:images -is:retweet")
    assert len(full_query("a" * fits)) == LONGEST
    with pytest.raises(SourceRefused, match="513 characters"):
        full_query("a" * (fits + 1))


def test_the_stand_in_reads_the_language_by_itself() -> None:
    with pytest.raises(QueryRefused):
        read_query("has:images")
