"""Viewer tokens."""

from wall.tokens import ViewerToken

KEY = b"k" * 32
TOKEN = ViewerToken(wall="party", link=7, until=1_790_000_000)


def test_a_token_is_read_back_for_its_wall_and_its_key_alone() -> None:
    text = TOKEN.signed(KEY)
    assert ViewerToken.read(text, "party", KEY) == TOKEN
    assert ViewerToken.read(text, "other", KEY) is None
    assert ViewerToken.read(text, "party", b"x" * 32) is None


def test_no_character_of_a_token_can_be_changed() -> None:
    text = TOKEN.signed(KEY)
    for place, was in enumerate(text):
        for other in {"0", "1", "f", ".", "", "é"} - {was}:
            assert ViewerToken.read(text[:place] + other + text[place + 1 :], "party", KEY) is None


def test_a_token_needs_no_escaping_in_headers_and_addresses() -> None:
    assert set(TOKEN.signed(KEY)) <= set("0123456789abcdef.")
