"""What a session tells its caller: one event for each frame of the other side, and `Broken` for the last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wall.stomp.errors import StompError


@dataclass(frozen=True, slots=True)
class Connect:
    """The other side wants in: answer with `accept`, or with `error`."""

    login: str | None
    passcode: str | None


class AckMode(StrEnum):
    """What STOMP calls them: nothing to acknowledge, up to a message, one message."""

    AUTO = "auto"
    CLIENT = "client"
    INDIVIDUAL = "client-individual"


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A subscription begins; send `receipt` (where there is one) once it is live.

    `named`: the other side gave `id`, and MESSAGE frames say it. In 1.0 it may leave it out; then `id` is the
    destination and MESSAGE has no header `subscription`.
    """

    id: str
    destination: str
    headers: Mapping[str, str]
    receipt: str | None
    mode: AckMode = AckMode.AUTO
    named: bool = True


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    id: str
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Send:
    destination: str
    headers: Mapping[str, str]
    body: bytes
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Ack:
    """A message was consumed or (`consumed` is false, NACK) was not.

    `id` is the `ack` header of its MESSAGE in 1.2; before, its `message-id`, in 1.1 together with `subscription`.
    """

    id: str
    subscription: str | None
    consumed: bool
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Begin:
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """It waits for its transaction's COMMIT. Refuse it now if it must be refused: a COMMIT can't fail."""

    effect: Send | Ack
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Commit:
    """All of this happens now, in this order, with nothing of anybody else's in between."""

    effects: Sequence[Send | Ack]
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Abort:
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The other side leaves: send its receipt, then close."""

    receipt: str | None


@dataclass(frozen=True, slots=True)
class Broken:
    """The other side broke the protocol; the last event. Send `answer`, then close with `error.code`."""

    error: StompError
    answer: bytes


Event = Connect | Subscribe | Unsubscribe | Send | Ack | Begin | Held | Commit | Abort | Disconnect | Broken
