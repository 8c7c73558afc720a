"""Who is behind a connection, and who is a neighbour."""

import pytest

from relay.addresses import Proxies, neighbourhood

PROXIES = Proxies(("10.0.0.0/8", "::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.1", [], "203.0.113.1"),
        ("203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("", ["198.51.100.1"], ""),
        ("10.0.0.1", ["nonsense"], "nonsense"),
    ],
)
def test_the_nearest_that_is_no_trusted_proxy_is_the_viewer(peer: str, forwarded: list[str], address: str) -> None:
    assert PROXIES.address_of(peer, forwarded) == address


def test_an_ipv6_household_is_one_address() -> None:
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8:0:0:ffff::2") == "2001:db8::/64"
    assert neighbourhood("2001:db8:0:1::1") != neighbourhood("2001:db8::1")
    assert neighbourhood("203.0.113.1") == "203.0.113.1"
    assert neighbourhood("no:address") == "no:address"
