"""Which pages may connect."""

import pytest

from wall.sites import origin_allowed


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "wall.example", True),
        ("https://wall.example", "wall.example", True),
        ("http://wall.example:8080", "wall.example:8080", True),
        ("http://WALL.example", "wall.EXAMPLE:80", True),
        ("https://wall.example", "wall.example:443", True),
        ("https://listed.example", "wall.example", True),
        ("https://listed.example:444", "wall.example", False),
        ("http://wall.example:8081", "wall.example:8080", False),
        ("https://evil.example", "wall.example", False),
        ("https://wall.example.evil.example", "wall.example", False),
        ("https://evil@wall.example", "wall.example", False),
        ("null", "wall.example", False),
        ("", "wall.example", False),
        ("file://wall.example", "wall.example", False),
        ("https://wall.example", None, False),
    ],
)
def test_an_origin_is_right_when_it_is_our_host_or_listed(origin: str | None, host: str | None, allowed: bool) -> None:
    assert origin_allowed(origin, host, ("https://listed.example",)) is allowed
