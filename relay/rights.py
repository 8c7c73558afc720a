"""Who may read and write what.

A service may read and write any topic. Everybody else writes nothing and reads public walls and screens, and a secret
wall with a token for that wall (wall/tokens.py). A token is asked for when somebody comes in: what runs goes on after
the token's time, until the wall's link is renewed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wall.destinations import PRIVATE, SCREENS, WALL, private_topic, valid_slug
from wall.stomp.errors import Code, StompError
from wall.tokens import ViewerToken

SHUT_OUT = "This wall has a new secret link; come back with a token that was made for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walls:
    """The walls as the catalogue had them: by slug, the number of the secret link, None where the wall is public.

    `key` signs viewer tokens.
    """

    key: bytes
    links: Mapping[str, int | None]

    def renewed(self, older: "Walls") -> list[str]:
        """The topics of the walls whose link is another one than in `older`."""
        return [
            private_topic(slug)
            for slug, link in older.links.items()
            if link is not None and self.links.get(slug) != link
        ]


def check_write(*, service: bool) -> None:
    """Raises StompError for everybody but a service."""
    if not service:
        raise StompError(Code.NO_RIGHT_TO_WRITE, "Viewers only read; log in as the service account to SEND")


def check_read(destination: str, token: str | None, walls: Walls | None, now: float) -> None:
    """Raises StompError where a viewer may not read `destination` at `now` (seconds since 1970).

    `walls` may be older than the token, so that a wall or a link it does not know yet is no reason to refuse; None:
    the catalogue has not been read yet.
    """
    if _public(destination):
        return
    slug = destination.removeprefix(PRIVATE)
    if slug == destination or not valid_slug(slug) or token is None:
        raise StompError(
            Code.NO_RIGHT_TO_READ,
            f"Without a login only {WALL}<wall> and {SCREENS}<wall> may be read, "
            f"and {PRIVATE}<wall> by a page that shows a token and its Origin",
        )
    if walls is None:
        raise StompError(Code.TOKEN_OVER, "No token can be checked just now; come back in a moment")
    read = ViewerToken.read(token, slug, walls.key)
    if read is None:
        raise StompError(Code.NO_RIGHT_TO_READ, "This token is not for this wall; ask for one with its secret link")
    if read.until <= now:
        raise StompError(Code.TOKEN_OVER, "This token's time is over; come back with a new one")
    if read.link < (walls.links.get(slug) or 0):
        raise StompError(Code.TOKEN_OVER, SHUT_OUT)


def _public(destination: str) -> bool:
    """Whether anybody may read it: walls and their screens (wall.destinations.VIEWER_READS), one or, as ActiveMQ
    spells it, all; secret walls have topics of another name."""
    return any(
        destination.startswith(prefix) and (valid_slug(rest := destination[len(prefix) :]) or rest in ("*", ">"))
        for prefix in (WALL, SCREENS)
    )
