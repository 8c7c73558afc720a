"""What a guest's request says, once, at the border."""

import hmac
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.types import Receive, Scope

from relay.uploads.body import Body
from relay.uploads.refusals import Refusal
from relay.uploads.settings import UploadSettings
from wall.catalogue.uploads import Asked, digest
from wall.sites import origin_allowed
from wall.uploads import (
    AUTHOR_CHARACTERS,
    CAPTION_CHARACTERS,
    NAME_CHARACTERS,
    plain_type,
)

_GUEST = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
# no file system holds one larger, and no number of ours overflows below it
_LARGEST = 2**50
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)
_Headers = list[tuple[bytes, bytes]]


class UploadRequest:
    """One request; `address` is who sends it, as it counts for slots."""

    def __init__(self, scope: Scope, receive: Receive, settings: UploadSettings, address: str) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.address = address
        self.body = Body(receive, settings)
        self._headers = headers
        self._settings = settings
        length = headers.get(b"content-length", "")
        self.length = int(length) if _LENGTH.fullmatch(length) else None
        # without these two there is no body to wait for
        self.body.over = not self.length and b"transfer-encoding" not in headers

    def check_origin(self) -> None:
        """Raise Refusal for a page of another site. Who names no Origin is no page; nothing here goes by cookies."""
        headers = self._headers
        if not origin_allowed(headers.get(b"origin"), headers.get(b"host"), self._settings.origins):
            sentence = "This page may not add anything here; an operator can add its origin."
            raise Refusal(HTTPStatus.FORBIDDEN, "origin", sentence)

    @property
    def cross(self) -> _Headers:
        """What lets a page of a listed site read the answer (CORS)."""
        origin = self._headers.get(b"origin")
        vary = [(b"vary", b"origin")]
        if origin is None or origin not in self._settings.origins:
            return vary
        return [*vary, (b"access-control-allow-origin", origin.encode("latin-1")), *_EXPOSED]

    @property
    def bearer(self) -> str:
        """What stands in `Authorization: Bearer …`."""
        scheme, _, credentials = self._headers.get(b"authorization", "").partition(" ")
        return credentials.strip() if scheme.lower() == "bearer" else ""

    def bears(self, key: str) -> bool:
        """Whether `bearer` is this key; how long that takes says nothing about it."""
        return hmac.compare_digest(self.bearer.encode(), key.encode())

    @property
    def guest(self) -> bytes | None:
        """The digest of the guest's token, if there is one."""
        token = self._headers.get(b"x-frieze-guest", "")
        return digest(token) if _GUEST.fullmatch(token) else None

    def known_guest(self) -> bytes:
        """Raises Refusal."""
        if self.guest is None:
            raise _bad("guest", "The header X-Frieze-Guest is missing: 22 to 64 characters that nobody can guess.")
        return self.guest

    def is_guest(self, guest: bytes) -> bool:
        return self.guest is not None and hmac.compare_digest(self.guest, guest)

    async def asked(self, wall: str) -> Asked:
        """What a POST asks for. Raises Refusal."""
        return read_asked(wall, self.known_guest(), await self._json())

    async def _json(self) -> Mapping[str, Any]:
        if not self._headers.get(b"content-type", "").lower().startswith("application/json"):
            # a form of a foreign page could not say this without being asked first (CORS)
            raise _bad("request", "The body must be application/json.")
        try:
            fields = json.loads(await self.body.whole(self._settings.request, self._settings.request_within))
        except TimeoutError as error:
            raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "idle", "The request did not come in time.") from error
        except (ValueError, RecursionError) as error:
            raise _bad("request", "The body is no JSON, or too long.") from error
        if not isinstance(fields, dict):
            raise _bad("request", "The body must be a JSON object.")
        return fields


def read_asked(wall: str, guest: bytes, fields: Mapping[str, Any]) -> Asked:
    """Check what a page says about a file. Raises Refusal."""
    size, sha256 = fields.get("size"), fields.get("sha256")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise _bad("request", "`size` must be the number of bytes, at least 1.")
    if size > _LARGEST:
        sentence = "Nothing may be that large."
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "size", sentence, facts={"limit": _LARGEST})
    if sha256 is not None and (not isinstance(sha256, str) or not _SHA256.fullmatch(sha256)):
        raise _bad("request", "`sha256` must be 64 hexadecimal digits in lower case.")
    return Asked(
        wall=wall,
        guest=guest,
        size=size,
        type=plain_type(_text(fields, "type", 200)),
        name=_text(fields, "name", NAME_CHARACTERS),
        author=_text(fields, "author", AUTHOR_CHARACTERS),
        caption=_text(fields, "caption", CAPTION_CHARACTERS),
        sha256=sha256,
        consent=fields.get("consent") is True,
        direct=fields.get("direct") is not False,
    )


def _text(fields: Mapping[str, Any], name: str, longest: int) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _bad("request", f"`{name}` must be a text.")
    # what can't be printed has no place on a wall, nor (NUL, lone surrogates) in a database
    kept = "".join(c if c.isprintable() else " " for c in value if not "\ud800" <= c <= "\udfff")
    return kept.strip()[:longest].strip()


def _bad(code: str, sentence: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, code, sentence)


_EXPOSED: _Headers = [
    (b"access-control-expose-headers", b"location, retry-after"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]
PREFLIGHT: _Headers = [
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE"),
    (b"access-control-allow-headers", b"authorization, content-type, x-frieze-guest"),
    (b"access-control-max-age", b"600"),
]
