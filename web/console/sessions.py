"""Who is asking: the session's cookie, the page's token, and the Origin a write must come from.

The session itself is a row of the catalogue (`catalogue.operators`); the browser holds a random token in an
HttpOnly cookie. Writes prove three times that our own page made them: SameSite=Strict, Origin, and a token that
only a page which could read our answers knows.
"""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from wall.catalogue import Catalogue
from wall.catalogue.operators import SESSION_LIFE, Session
from web.console.refusals import Refused

COOKIE = "frieze_session"
TOKEN_HEADER = "frieze-token"  # noqa: S105 - the name of a header
_PURPOSE = b"frieze console writes"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """An operator with a session. `secret` is the cookie's value and never leaves the server again."""

    session: Session
    secret: str

    @property
    def operator(self) -> str:
        return self.session.operator

    @property
    def token(self) -> str:
        """What the page sends along with each write: an HMAC, so that it gives away nothing of the cookie."""
        return hmac.new(self.secret.encode(), _PURPOSE, hashlib.sha256).hexdigest()

    @property
    def digest(self) -> bytes:
        """The session's key in the catalogue, which keeps digests only."""
        return hashlib.sha256(self.secret.encode()).digest()


async def signed_in(catalogue: Catalogue, connection: HTTPConnection) -> SignedIn:
    """The operator behind a request. Raises Refused (401)."""
    secret = connection.cookies.get(_cookie_name(connection), "")
    session = await catalogue.operators.session(secret) if secret else None
    if session is None:
        raise Refused(401, "signed_out", "You are not signed in. Ask for a link: frieze operator link NAME.")
    return SignedIn(session=session, secret=secret)


def check_origin(connection: HTTPConnection, origins: Collection[str]) -> None:
    """A write comes from a page of this very host, or of one in `origins`. Raises Refused (403)."""
    origin = connection.headers.get("origin")
    if origin is None or not (_same(connection, origin) or origin in origins):
        raise Refused(403, "origin", "This request did not come from the console's own page.")
    if connection.headers.get("sec-fetch-site", "same-origin") == "cross-site" and origin not in origins:
        raise Refused(403, "origin", "This request did not come from the console's own page.")


def check_token(connection: HTTPConnection, operator: SignedIn) -> None:
    """A write carries the session's token. Raises Refused (403)."""
    given = connection.headers.get(TOKEN_HEADER, "")
    if not hmac.compare_digest(given.encode(), operator.token.encode()):
        raise Refused(403, "token", "This page is older than your sign-in. Reload it and try again.")


def check_json(connection: HTTPConnection) -> None:
    """A write is JSON, which no form of a stranger's page can send. Raises Refused (415)."""
    if connection.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "not_json", "The console takes application/json only.")


def give_cookie(connection: HTTPConnection, response: Response, secret: str) -> None:
    """Put the session into the browser. Strict: the console's page itself needs no cookie, only its requests do."""
    response.set_cookie(
        _cookie_name(connection),
        secret,
        max_age=int(SESSION_LIFE.total_seconds()),
        path="/",
        secure=_is_https(connection),
        httponly=True,
        samesite="strict",
    )


def take_cookie(connection: HTTPConnection, response: Response) -> None:
    """Take the session out of the browser."""
    response.delete_cookie(
        _cookie_name(connection), path="/", secure=_is_https(connection), httponly=True, samesite="strict"
    )


def _is_https(connection: HTTPConnection) -> bool:
    return connection.url.scheme == "https"


def _cookie_name(connection: HTTPConnection) -> str:
    # browsers take `__Host-` only over https, and then no subdomain can plant the cookie
    return f"__Host-{COOKIE}" if _is_https(connection) else COOKIE


def _same(connection: HTTPConnection, origin: str) -> bool:
    given = urlsplit(origin)
    return given.scheme == connection.url.scheme and given.netloc == connection.headers.get("host")
