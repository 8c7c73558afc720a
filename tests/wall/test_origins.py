"""Origins in our own store."""

from wall.origins import stored_key, stored_origin


def test_a_stored_origin_gives_its_key_back_and_no_other_origin_has_one() -> None:
    assert stored_key(stored_origin("abc")) == "abc"
    assert stored_key("https://example.org/a.jpg") is None
