"""The server's side of one STOMP connection, as a plain object.

    WAITING ── CONNECT, STOMP ──► ASKED ── accept() ──► OPEN ── DISCONNECT ──► LEAVING
       └──────────────── any error, in any state ──► ENDED ◄──────────────────────┘

Bytes go in with `receive`, which gives events one by one; the caller acts on each before taking the next (so that a
SUBSCRIBE right behind a CONNECT meets a decided login). Bytes to send come back from `accept`, `receipt` and `error`.
An error ends the session: STOMP 1.2, "ERROR": "the server MUST then close the connection just after".
What stands in a transaction is given twice: as `Held` when it comes, so that the caller can refuse it at once, and in
`Commit` when it takes effect. The session knows nothing of topics, rights or messages that went out. Times are
seconds of any one clock.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from wall.stomp.codec import Decoder, Limits, encode
from wall.stomp.errors import Code, StompError
from wall.stomp.events import (
    Abort,
    Ack,
    AckMode,
    Begin,
    Broken,
    Commit,
    Connect,
    Disconnect,
    Event,
    Held,
    Send,
    Subscribe,
    Unsubscribe,
)
from wall.stomp.frames import Frame, Version
from wall.stomp.transactions import TransactionLimits, Transactions

# Newest first.
VERSIONS = (Version.V1_2, Version.V1_1, Version.V1_0)

# A beat may be late by as much again: a loaded browser or a phone delays its timers (STOMP 1.2, "Heart-beating":
# "the receiver SHOULD take into account timing inaccuracies"; Artemis doubles as well).
HEART_BEAT_GRACE = 2.0

_TRANSACTIONS = TransactionLimits()


class State(Enum):
    WAITING = "waiting for CONNECT"
    ASKED = "login to be decided"
    OPEN = "open"
    LEAVING = "the other side said DISCONNECT"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """`greeting` holds until `accept`; the ids' limit is in characters."""

    greeting: Limits
    subscriptions: int
    id_length: int
    transactions: TransactionLimits = _TRANSACTIONS


class Session:
    """One connection. `versions` is what may be negotiated: a WebSocket subprotocol may have chosen already."""

    __slots__ = (
        "_asked_beat",
        "_decoder",
        "_limits",
        "_subscriptions",
        "_transactions",
        "_versions",
        "beat_every",
        "expect_every",
        "heard",
        "opened",
        "state",
        "version",
    )

    def __init__(self, limits: SessionLimits, now: float, versions: tuple[Version, ...] = VERSIONS) -> None:
        self.state = State.WAITING
        self.version = versions[0]
        self.opened = now
        self.heard = now  # when bytes last came in
        self.beat_every = 0.0  # seconds; 0: no beats wanted
        self.expect_every = 0.0
        self._limits = limits
        self._versions = versions
        self._decoder = Decoder(limits.greeting)
        self._subscriptions: set[str] | None = None
        self._transactions: Transactions[Send | Ack] | None = None
        self._asked_beat = (0, 0)

    def receive(self, data: bytes, now: float) -> Iterator[Event]:
        """Take bytes; act on each event before taking the next. Nothing comes after Disconnect or Broken."""
        self.heard = now
        receipt: str | None = None
        try:
            for frame in self._decoder.feed(data):
                receipt = frame.headers.get("receipt")
                yield self._take(frame)
                receipt = None
                if self.state in (State.LEAVING, State.ENDED):
                    return
        except StompError as error:
            yield Broken(error, self.error(error, receipt))

    def accept(self, limits: Limits, beat: float, expect: float, session: str = "1") -> bytes:
        """Let the other side in. Gives the CONNECTED frame.

        `limits` hold from the next frame. `beat`: the shortest seconds between beats we send, `expect`: the
        shortest we ask for; the longer of ours and theirs counts, none where either side says 0. `session` names
        the connection in 1.0, which asks for it and knows no heart-beats.
        """
        assert self.state is State.ASKED
        self.state = State.OPEN
        self._decoder.version = self.version
        self._decoder.limits = limits
        if self.version is Version.V1_0:
            return encode(
                Frame("CONNECTED", {"version": self.version, "session": session, "server": "frieze"}), self.version
            )
        can_send, wants = self._asked_beat
        self.beat_every = max(beat, wants / 1000) if beat and wants else 0.0
        self.expect_every = max(expect, can_send / 1000) if expect and can_send else 0.0
        headers = {
            "version": self.version,
            "heart-beat": f"{round(beat * 1000)},{round(expect * 1000)}",
            "server": "frieze",
        }
        return encode(Frame("CONNECTED", headers), self.version)

    def receipt(self, receipt: str, headers: Mapping[str, str] | None = None) -> bytes:
        """The RECEIPT of a frame whose effect has happened."""
        return encode(Frame("RECEIPT", {"receipt-id": receipt, **(headers or {})}), self.version)

    def error(self, error: StompError, receipt: str | None = None) -> bytes:
        """End the session. Gives the ERROR frame; close after it."""
        self.state = State.ENDED
        self._transactions = None
        body = error.public.encode()
        headers = {
            "message": error.public,
            "code": str(int(error.code)),
            "content-type": "text/plain",
            "content-length": str(len(body)),
            **error.headers,
        }
        if receipt is not None:
            headers["receipt-id"] = receipt
        return encode(Frame("ERROR", headers, body), self.version)

    @property
    def connected(self) -> bool:
        """Whether the CONNECT has come."""
        return self.state is not State.WAITING

    def silent(self, now: float) -> bool:
        """Whether the other side has missed its heart-beats."""
        return self.expect_every > 0 and now - self.heard > self.expect_every * HEART_BEAT_GRACE

    def late(self, now: float, patience: float) -> bool:
        """Whether CONNECT has not come within `patience` seconds."""
        return self.state is State.WAITING and now - self.opened >= patience

    def _take(self, frame: Frame) -> Event:
        act = self._table.get((self.state, frame.command))
        if act is None:
            raise self._misplaced(frame.command)
        # 1.0, "SUBSCRIBE": "The body … is ignored"; since 1.1 a body there is an error.
        if frame.body and frame.command != "SEND" and self.version is not Version.V1_0:
            raise StompError(Code.BODY_NOT_ALLOWED, f"A {frame.command} frame has no body; only SEND has")
        self._check_length("receipt", frame.headers.get("receipt", ""))
        return act(self, frame)

    def _misplaced(self, command: str) -> StompError:
        if command not in _COMMANDS:
            return StompError(
                Code.UNKNOWN_COMMAND, "Unknown command; STOMP commands are in capitals, see stomp.github.io"
            )
        if self.state is State.WAITING:
            return StompError(Code.NOT_CONNECTED, "Send CONNECT before anything else")
        return StompError(Code.ALREADY_CONNECTED, "Send CONNECT only once; open a new connection to change the login")

    def _connect(self, frame: Frame) -> Event:
        offered = frame.headers.get("accept-version", Version.V1_0).split(",")
        version = next((version for version in self._versions if version in offered), None)
        if version is None:
            ours = ",".join(reversed(self._versions))
            raise StompError(
                Code.NO_COMMON_VERSION,
                f"Supported versions are {ours}; name one in accept-version",
                headers={"version": ours},
            )
        self.version = version
        login, passcode = frame.headers.get("login"), frame.headers.get("passcode")
        self.state = State.ASKED
        if version is Version.V1_0:
            # padded in its own examples ("login: <username>"), like every header of 1.0; no heart-beats there
            return Connect(login and login.strip(), passcode and passcode.strip())
        self._asked_beat = _heart_beat(frame.headers.get("heart-beat", "0,0"))
        return Connect(login, passcode)

    def _subscribe(self, frame: Frame) -> Event:
        destination = _required(frame, "destination")
        subscription = self._subscription(frame)
        text = frame.headers.get("ack", AckMode.AUTO)
        if text not in _ACK_MODES:
            raise StompError(Code.BAD_HEADER, f"ack is one of {', '.join(_ACK_MODES)}")
        for name, refused, sentence in _ELSEWHERE:
            value = frame.headers.get(name)
            if value is not None and (refused is None or value == refused):
                raise StompError(Code.NOT_SUPPORTED, sentence)
        if self._subscriptions is None:
            self._subscriptions = set()
        if subscription in self._subscriptions:
            raise StompError(
                Code.SUBSCRIPTION_ID_IN_USE,
                "This id has a subscription already; UNSUBSCRIBE first or use another id",
            )
        if len(self._subscriptions) >= self._limits.subscriptions:
            raise StompError(
                Code.TOO_MANY_SUBSCRIPTIONS,
                f"At most {self._limits.subscriptions} subscriptions per connection",
            )
        self._subscriptions.add(subscription)
        receipt, named = frame.headers.get("receipt"), bool(frame.headers.get("id"))
        return Subscribe(subscription, destination, frame.headers, receipt, AckMode(text), named)

    def _unsubscribe(self, frame: Frame) -> Event:
        subscription = self._known(self._subscription(frame))
        assert self._subscriptions is not None
        self._subscriptions.remove(subscription)
        return Unsubscribe(subscription, frame.headers.get("receipt"))

    def _send(self, frame: Frame) -> Event:
        destination = _required(frame, "destination")
        send = Send(destination, frame.headers, frame.body, frame.headers.get("receipt"))
        return self._hold(frame, send) if "transaction" in frame.headers else send

    def _ack(self, frame: Frame) -> Event:
        if frame.command == "NACK" and self.version is Version.V1_0:
            raise StompError(Code.NOT_SUPPORTED, "NACK came with STOMP 1.1; name a newer version in accept-version")
        subscription: str | None = None
        if self.version is Version.V1_1:
            subscription = self._known(_required(frame, "subscription"))
        message = _required(frame, "id" if self.version is Version.V1_2 else "message-id")
        ack = Ack(message, subscription, frame.command == "ACK", frame.headers.get("receipt"))
        return self._hold(frame, ack) if "transaction" in frame.headers else ack

    def _hold(self, frame: Frame, effect: Send | Ack) -> Held:
        transactions = self._open_transactions()
        size = len(frame.body) + sum(len(name) + len(value) for name, value in frame.headers.items())
        transactions.hold(_required(frame, "transaction"), effect, size)
        return Held(effect, effect.receipt)

    def _begin(self, frame: Frame) -> Event:
        transaction = _required(frame, "transaction")
        self._check_length("transaction", transaction)
        self._open_transactions().begin(transaction)
        return Begin(frame.headers.get("receipt"))

    def _commit(self, frame: Frame) -> Event:
        effects = self._open_transactions().end(_required(frame, "transaction"))
        return Commit(effects, frame.headers.get("receipt"))

    def _abort(self, frame: Frame) -> Event:
        self._open_transactions().end(_required(frame, "transaction"))
        return Abort(frame.headers.get("receipt"))

    def _disconnect(self, frame: Frame) -> Event:
        self.state = State.LEAVING
        self._transactions = None  # 1.2, "BEGIN": what was not committed is aborted
        return Disconnect(frame.headers.get("receipt"))

    def _open_transactions(self) -> Transactions[Send | Ack]:
        if self._transactions is None:
            self._transactions = Transactions(self._limits.transactions)
        return self._transactions

    def _subscription(self, frame: Frame) -> str:
        """What names the subscription: `id`, or in 1.0 without one its destination."""
        if self.version is Version.V1_0 and not frame.headers.get("id"):
            return _required(frame, "destination")
        subscription = _required(frame, "id")
        self._check_length("id", subscription)
        return subscription

    def _known(self, subscription: str) -> str:
        if not self._subscriptions or subscription not in self._subscriptions:
            raise StompError(Code.SUBSCRIPTION_UNKNOWN, "No subscription has this id; use the id of the SUBSCRIBE")
        return subscription

    def _check_length(self, name: str, text: str) -> None:
        if len(text) > self._limits.id_length:
            raise StompError(Code.BAD_HEADER, f"{name} is longer than {self._limits.id_length} characters")

    # What may come in which state; everything else is misplaced.
    _table: ClassVar[dict[tuple[State, str], Callable[["Session", Frame], Event]]] = {
        (State.WAITING, "CONNECT"): _connect,
        (State.WAITING, "STOMP"): _connect,
        (State.OPEN, "SUBSCRIBE"): _subscribe,
        (State.OPEN, "UNSUBSCRIBE"): _unsubscribe,
        (State.OPEN, "SEND"): _send,
        (State.OPEN, "ACK"): _ack,
        (State.OPEN, "NACK"): _ack,
        (State.OPEN, "BEGIN"): _begin,
        (State.OPEN, "COMMIT"): _commit,
        (State.OPEN, "ABORT"): _abort,
        (State.OPEN, "DISCONNECT"): _disconnect,
    }


def _required(frame: Frame, name: str) -> str:
    value = frame.headers.get(name)
    if not value:
        raise StompError(Code.HEADER_MISSING, f"{frame.command} needs the header {name}")
    return value


def _heart_beat(text: str) -> tuple[int, int]:
    """Read `<can send>,<wants>`, both milliseconds."""
    can_send, comma, wants = text.partition(",")
    # a day is long enough, and keeps int() cheap
    if not comma or not all(part.isascii() and part.isdigit() and len(part) <= 8 for part in (can_send, wants)):
        raise StompError(
            Code.BAD_HEADER, "heart-beat reads <can send>,<wants> in milliseconds, for example 10000,10000"
        )
    return int(can_send), int(wants)


_COMMANDS = frozenset(
    {"CONNECT", "STOMP", "SUBSCRIBE", "UNSUBSCRIBE", "SEND", "DISCONNECT"} | {"ACK", "NACK", "BEGIN", "COMMIT", "ABORT"}
)
_ACK_MODES = tuple(AckMode)

_RESUME = "Durable subscriptions are not kept here; SUBSCRIBE with the header cursor to get what you missed"
_SELECT = "Selectors are not supported; subscribe to the wall you want and look at its headers key and kind"
_OWN = "A subscription hears its own connection's messages too; leave the header out"
# Headers of SUBSCRIBE that would change what arrives and that we can't do: (name, value it is refused for or None for
# any, what to use instead). Others, known or not, say nothing that a topic could break, and are ignored.
_ELSEWHERE = (
    ("selector", None, _SELECT),
    ("activemq.subscriptionName", None, _RESUME),  # ActiveMQ Classic
    ("durable-subscription-name", None, _RESUME),  # Artemis
    ("durable-subscriber-name", None, _RESUME),
    ("durable", "true", _RESUME),  # RabbitMQ
    ("activemq.noLocal", "true", _OWN),
    ("no-local", "true", _OWN),
)
