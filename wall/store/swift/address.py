"""Where a Swift store is: `swift://HOST[:PORT][/PATH]/CONTAINER?auth=…`, read into a record.

    swift://swift.example/wall?auth=v1
    swift://cloud.example:5000/v3/wall?auth=v3&project=events&region=north

HOST, PORT and PATH are those of the login, which then says where the objects lie. Who we are is never in the URL.
"""

import re
from dataclasses import dataclass, fields
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from wall.errors import SettingsError

Auth = Literal["v1", "v3", "v3applicationcredential"]
Interface = Literal["public", "internal", "admin"]
# each with the path of its login where the URL names none
_AUTHS: dict[str, tuple[Auth, str]] = {
    "v1": ("v1", "/auth/v1.0"),
    "v3": ("v3", "/v3"),
    "v3applicationcredential": ("v3applicationcredential", "/v3"),
}
_INTERFACES: dict[str, Interface] = {"public": "public", "internal": "internal", "admin": "admin"}
# what Swift takes as a name of at most 256 bytes, and what needs no quoting in any path; the rest is for "_segments"
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_EXAMPLE = "swift://HOST/CONTAINER?auth=v1, or swift://HOST:5000/v3/CONTAINER?auth=v3&project=NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwiftAddress:
    """`login` is the URL that is asked for a token; `public` the origin that browsers use, where it is another one."""

    login: str
    container: str
    auth: Auth
    project: str = ""
    project_domain: str = "Default"
    user_domain: str = "Default"
    region: str = ""
    interface: Interface = "public"
    public: str = ""

    @property
    def segments(self) -> str:
        """The container for the parts of large objects, so that no listing shows them among the objects."""
        return f"{self.container}_segments"

    @property
    def host(self) -> str:
        return urlsplit(self.login).netloc


_PARAMETERS = ({field.name for field in fields(SwiftAddress)} - {"login", "container"}) | {"tls"}


def parse_address(url: str) -> SwiftAddress:
    """Raises SettingsError, in a sentence without anything secret."""
    parts = _split(url)
    path, _, container = parts.path.rpartition("/")
    if not _CONTAINER.fullmatch(container):
        raise _wrong(f"names no container of letters, digits, '.', '_' and '-'; it must be like {_EXAMPLE}")
    given = _parameters(parts.query)
    auth, usual_path = _AUTHS.get(given.pop("auth", ""), (None, ""))
    if auth is None:
        raise _wrong(f"needs auth=, one of {', '.join(_AUTHS)}; it must be like {_EXAMPLE}")
    tls = given.pop("tls", "yes")
    if tls not in ("yes", "no"):
        raise _wrong("has a tls= that is neither yes nor no")
    if auth == "v3" and not given.get("project"):
        raise _wrong("needs project=, the name of the project the container belongs to")
    interface = _INTERFACES.get(given.pop("interface", "public"))
    if interface is None:
        raise _wrong(f"has an interface= that is none of {', '.join(_INTERFACES)}")
    public = given.pop("public", "").rstrip("/")
    if public and not re.fullmatch(r"https?://[^/?#@\s]+", public):
        raise _wrong("has a public= that is no origin like https://media.example")
    login = f"{'https' if tls == 'yes' else 'http'}://{parts.netloc}{path or usual_path}"
    return SwiftAddress(login=login, container=container, auth=auth, interface=interface, public=public, **given)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_right = urlsplit(""), False
    if parts.username is not None or parts.password is not None:
        raise _wrong("holds a user or password; put them into FRIEZE_STORE_USER and FRIEZE_STORE_PASSWORD")
    if not port_is_right or parts.scheme != "swift" or not parts.hostname or parts.fragment:
        raise _wrong(f"can't be read; it must be like {_EXAMPLE}")
    return parts


def _parameters(query: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _PARAMETERS:
            raise _wrong(f"has {name!r}, which it does not know; it knows {', '.join(sorted(_PARAMETERS))}")
        if name in given:
            raise _wrong(f"has {name}= twice")
        given[name] = value
    return given


def _wrong(what: str) -> SettingsError:
    return SettingsError(f"FRIEZE_STORE_URL {what}.")
