"""Viewer tokens: the right to read one secret wall, signed by the web part and checked by relays without asking.

    token = link "." until "." signature

`link` numbers the wall's secret link that the viewer came by: renewing it makes every older token worthless.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

# Long enough to connect with on a bad network and to come back with after a short cut; a page fetches a new one then.
TOKEN_SECONDS = 15 * 60

_TOKEN = re.compile(r"([1-9][0-9]{0,14})\.([1-9][0-9]{0,14})\.([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerToken:
    """Good for the wall `wall` until `until` (seconds since 1970)."""

    wall: str
    link: int
    until: int

    def signed(self, key: bytes) -> str:
        """The token as it travels: no character of it needs escaping in a header, a STOMP frame or an address."""
        return f"{self.link}.{self.until}.{self._signature(key)}"

    def _signature(self, key: bytes) -> str:
        return hmac.new(key, f"viewer {self.wall} {self.link} {self.until}".encode(), hashlib.sha256).hexdigest()

    @classmethod
    def read(cls, text: str, wall: str, key: bytes) -> "ViewerToken | None":
        """The token if `key` signed it for this wall, also when its time is over; None for anything else."""
        match = _TOKEN.fullmatch(text)
        if match is None:
            return None
        token = cls(wall=wall, link=int(match[1]), until=int(match[2]))
        return token if hmac.compare_digest(match[3], token._signature(key)) else None
