"""Where the broker is: `stomp://user:password@host:61613,other:61613`."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from wall.errors import SettingsError

STOMP_PORT = 61613  # ActiveMQ's own default for STOMP


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """`hosts` in the order to try them: one broker, or one pair with a shared store, never independent ones."""

    hosts: tuple[tuple[str, int], ...]
    user: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return ",".join(f"{host}:{port}" for host, port in self.hosts)


def parse_broker_url(url: str, *, user: str | None = None, password: str | None = None) -> BrokerAddress:
    """Read a `stomp://` URL; `user` and `password` fill in what it lacks. Raises SettingsError."""
    wanted = "FRIEZE_BROKER_URL should look like stomp://user:password@host:61613"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SettingsError(f"{wanted}; a bracket in it has no other half.") from error
    if parts.scheme != "stomp" or not parts.netloc:
        raise SettingsError(f"{wanted}, or be the word embedded.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        # what looks like a host here may be half of the password, so it is not repeated
        raise SettingsError(f"{wanted}; in a password, write / as %2F, ? as %3F and # as %23.")
    login, _, places = parts.netloc.rpartition("@")
    name, _, secret = login.partition(":")
    hosts = tuple(_host(place, wanted) for place in places.split(","))
    return BrokerAddress(hosts=hosts, user=unquote(name) or user or "", password=unquote(secret) or password or "")


def _host(place: str, wanted: str) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    try:
        port = parts.port or STOMP_PORT
    except ValueError as error:
        raise SettingsError(f"{wanted}; {place!r} has no port number.") from error
    if not parts.hostname:
        raise SettingsError(f"{wanted}; {place!r} names no host.")
    return parts.hostname, port
