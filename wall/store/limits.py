"""How long a store on the network is waited for (reference: docs/limits.md)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLimits:
    """All in seconds. Tests give smaller ones."""

    connect: float = 5.0  # until there is a connection, TLS included
    first_byte: float = 10.0  # from the request to the answer's first byte
    idle: float = 30.0  # without a byte, in either direction
    answer: float = 120.0  # from the last byte of an upload to the store's confirmation
    roll_back: float = 30.0  # for taking back a write that failed
