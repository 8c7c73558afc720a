"""Who is asking: the address behind proxies that we trust, and what of it counts as one household."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network


class Proxies:
    """Networks whose `X-Forwarded-For` is believed."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = tuple(ip_network(network) for network in trusted)

    def address_of(self, peer: str, forwarded: Sequence[str]) -> str:
        """Who is behind `peer`: itself, or where it is a trusted proxy, the nearest it forwards for that is none."""
        hops = [hop.strip() for line in forwarded for hop in line.split(",")]
        while hops and self._trusts(peer):
            peer = hops.pop()
        return peer

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def neighbourhood(address: str) -> str:
    """What counts as one address: an IPv6 household has 2⁶⁴ of them."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
