"""All connections of a relay: who is let in, from where, and when each is due for a look."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from relay.addresses import Proxies, neighbourhood
from relay.settings import RelaySettings
from relay.wheel import Wheel
from wall.stomp.errors import Code, StompError

# Why a connection is not let in; each is counted from the start, so that the first one is seen as a step.
REASONS = ("connections", "address", "origin")
# How a connection ends (RFC 6455 §7.4.1, and ours), as labels: what others send must not make new ones.
GONE = 1006  # without a close
OTHER = 0
ENDINGS = {
    1000: "goodbye",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    GONE: "connection lost",
    1007: "no text",
    1008: "policy",
    1009: "message too big",
    1011: "internal error",
    1012: "restart",
    1013: "try again later",
    OTHER: "another code of theirs",
    **{int(code): code.name.lower().replace("_", " ") for code in Code},
}


class Connection(Protocol):
    """What is counted. `address` is where it comes from, as `Connections.admit` has written it; `paused`: its socket is
    full."""

    address: str
    paused: bool

    def visit(self, now: float) -> float | None:
        """Do what is due; gives when to come again, None: not any more."""
        ...

    def leave_at(self, moment: float) -> None:
        """Close at `moment`, because the relay stops."""
        ...

    def shut_out(self, destination: str) -> None:
        """The secret link of a wall, whose events go to `destination`, is a new one: end, unless a service."""
        ...

    def abort(self) -> None:
        """Be gone now."""
        ...


class Connections:
    """`all` are those that were admitted and have not ended. Since the start: `admitted` counts who was let in,
    `refusals`, by reason, who was not, and `endings`, by close code, how those that were ended."""

    def __init__(self, settings: RelaySettings, now: float) -> None:
        self.all: set[Connection] = set()
        self.admitted = 0
        self.refusals: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        self.endings: Counter[int] = Counter()
        self.stopping = False
        self._settings = settings
        self._wheel: Wheel[Connection] = Wheel(settings.tick, now)
        self._addresses: Counter[str] = Counter()
        self._proxies = Proxies(settings.trusted_proxies)

    def __len__(self) -> int:
        return len(self.all)

    def admit(self, connection: Connection, address: str) -> StompError | None:
        """Count a connection in, or say why not."""
        key = neighbourhood(address)
        if self.stopping or len(self.all) >= self._settings.connections:
            self.refused("connections")
            return StompError(Code.TOO_MANY_CONNECTIONS, "Too many connections; come back in a moment")
        if self._addresses[key] >= self._settings.connections_per_address:
            self.refused("address")
            return StompError(
                Code.TOO_MANY_CONNECTIONS, "Too many connections from your address; come back in a moment"
            )
        self._addresses[key] += 1
        connection.address = key
        self.all.add(connection)
        self.admitted += 1
        return None

    def gone(self, connection: Connection) -> None:
        """A connection has ended."""
        self._wheel.discard(connection)
        if connection not in self.all:
            return
        self.all.discard(connection)
        self._addresses[connection.address] -= 1
        if not self._addresses[connection.address]:
            del self._addresses[connection.address]

    def due(self, connection: Connection, at: float) -> None:
        """Have `Connection.visit` called at `at`."""
        self._wheel.schedule(connection, at)

    def turn(self, now: float) -> None:
        """Visit all that are due."""
        for connection in self._wheel.due(now):
            again = connection.visit(now)
            if again is not None:
                self._wheel.schedule(connection, max(again, now))

    def refused(self, reason: str) -> None:
        self.refusals[reason] += 1

    def ending(self, connection: Connection, code: int) -> None:
        """One of `all` is about to end with this close code. Codes that others make up are counted as `OTHER`."""
        if connection in self.all:
            self.endings[code if code in ENDINGS else OTHER] += 1

    def dismiss(self, now: float, drain: float) -> None:
        """Admit nobody more, and have everybody leave, spread over `drain` seconds."""
        self.stopping = True
        for connection in tuple(self.all):
            connection.leave_at(now + random.uniform(0, drain))  # noqa: S311 - spreads load, hides nothing

    def abort(self) -> None:
        for connection in tuple(self.all):
            connection.abort()

    def address_of(self, peer: str, forwarded: Sequence[str]) -> str:
        """Who is behind `peer` (relay/addresses.py)."""
        return self._proxies.address_of(peer, forwarded)
