"""Which network addresses Frieze may fetch from: ordinary hosts of the public internet, and what an operator allowed.

A list of what is refused, not `ipaddress.is_global`, whose meaning differs between Python versions. Sources: the IANA
special-purpose registries for IPv4 and IPv6 (RFC 6890 and later).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_IPV4_REFUSED = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a provider's customers
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local; where clouds keep their credentials
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# All global unicast lies here; mapped, NAT64, unique local, link-local and multicast addresses lie outside.
_IPV6_GLOBAL = IPv6Network("2000::/3")
_IPV6_REFUSED = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def is_public(address: Address) -> bool:
    """Whether this is an ordinary unicast address of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _IPV4_REFUSED)
    return address in _IPV6_GLOBAL and not any(address in network for network in _IPV6_REFUSED)


def is_allowed(address: Address, allow: tuple[Network, ...]) -> bool:
    """Whether an operator's list (FRIEZE_FETCH_ALLOW) holds this address."""
    return any(address in network for network in allow)


def parse_address(text: str) -> Address | None:
    """The address that `text` is (brackets and zone allowed), or None where it is a name."""
    try:
        return ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
