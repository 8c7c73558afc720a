"""What a page says about a file, checked at the border."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.uploads.refusals import Refusal
from relay.uploads.requests import read_asked
from wall.catalogue.uploads import digest

GUEST = digest("g" * 26)
GOOD: dict[str, Any] = {"size": 1, "type": "image/JPG", "name": "a.jpg", "consent": True}


def test_texts_are_cut_and_cleaned() -> None:
    asked = read_asked("main", GUEST, GOOD | {"author": " Ada\n\0 ", "caption": "x" * 600, "name": "n" * 300})
    assert (asked.author, len(asked.caption), len(asked.name), asked.type) == ("Ada", 500, 255, "image/jpeg")


@pytest.mark.parametrize(
    "wrong",
    [{"size": 0}, {"size": -1}, {"size": "1"}, {"size": True}, {"size": 1.5}, {"sha256": "xyz"}, {"name": 3}],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as error:
        read_asked("main", GUEST, GOOD | wrong)
    assert (error.value.status, error.value.code) == (400, "request")


@pytest.mark.parametrize("size", [2**50 + 1, 10**400], ids=["large", "absurd"])
def test_a_size_that_nothing_has_is_refused(size: int) -> None:
    with pytest.raises(Refusal) as error:
        read_asked("main", GUEST, GOOD | {"size": size})
    assert (error.value.status, error.value.code) == (413, "size")


@pytest.mark.parametrize("consent", [None, False, "true", 1])
def test_only_a_clear_yes_is_consent(consent: object) -> None:
    assert not read_asked("main", GUEST, GOOD | {"consent": consent}).consent


@given(
    st.dictionaries(
        st.sampled_from(["size", "type", "name", "author", "caption", "sha256"]),
        st.text(alphabet="a \0\n\t\x7f\u00ad\u202e\u00e9\ud800\udfff\U0001f600", max_size=600) | st.integers(),
    )
)
def test_whatever_a_stranger_writes_is_refused_or_fits(fields: dict[str, Any]) -> None:
    try:
        asked = read_asked("main", GUEST, GOOD | fields)
    except Refusal:
        return
    for text in (asked.name, asked.author, asked.caption):
        assert text.isprintable()
        text.encode()
