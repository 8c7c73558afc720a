from ipaddress import ip_address, ip_network

import pytest

from ingest.addresses import is_allowed, is_public, parse_address


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])
def test_ordinary_hosts_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_everything_special_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


def test_an_operators_networks_are_allowed_and_no_others() -> None:
    allow = (ip_network("127.0.0.0/8"), ip_network("fd00::/8"))
    assert is_allowed(ip_address("127.0.0.1"), allow)
    assert is_allowed(ip_address("fd00::5"), allow)
    assert not is_allowed(ip_address("10.0.0.1"), allow)
    assert not is_allowed(ip_address("::ffff:127.0.0.1"), allow)


@pytest.mark.parametrize(("text", "expected"), [("[::1]", "::1"), ("fe80::1%eth0", "fe80::1"), ("1.2.3.4", "1.2.3.4")])
def test_addresses_are_read_in_every_spelling(text: str, expected: str) -> None:
    assert parse_address(text) == ip_address(expected)


def test_a_name_is_no_address() -> None:
    assert parse_address("example.org") is None
