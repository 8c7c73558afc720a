"""A session against a model of it: whatever a client does, in whatever pieces its bytes come."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from wall.stomp.codec import Limits, encode
from wall.stomp.errors import Code
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
from wall.stomp.session import Session, SessionLimits, State
from wall.stomp.transactions import TransactionLimits

LIMITS = SessionLimits(
    greeting=Limits(),
    subscriptions=2,
    id_length=8,
    transactions=TransactionLimits(open=2, frames=3, size=1_000_000),
)
names = st.sampled_from(["a", "b:c", "d\\e"])
receipts = st.none() | st.sampled_from(["r", "s:t"])
cuts = st.lists(st.integers(0, 150), max_size=3)


class SessionMachine(RuleBasedStateMachine):
    """The model is three plain things: who subscribes, what each transaction holds, whether it is over."""

    def __init__(self) -> None:
        super().__init__()
        self.over = True

    @initialize(version=st.sampled_from(list(Version)))
    def begins(self, version: Version) -> None:
        self.connect(version)

    @precondition(lambda self: self.over)
    @rule(version=st.sampled_from(list(Version)))
    def connect(self, version: Version) -> None:
        self.session = Session(LIMITS, 0.0)
        self.subscriptions: set[str] = set()
        self.transactions: dict[str, list[Send | Ack]] = {}
        self.over = False
        headers = {} if version is Version.V1_0 else {"accept-version": version}
        (event,) = self.session.receive(encode(Frame("CONNECT", headers)), 0.0)
        assert event == Connect(None, None)
        self.session.accept(Limits(), 0, 0)
        self.version = version

    # ── what the other side sends, and what must come of it ──────────────────────────────────────────────────────

    def say(self, at: list[int], command: str, receipt: str | None, body: bytes = b"", /, **headers: str) -> Event:
        """Send one frame, cut at `at`; gives the one event of it."""
        said = {name.replace("_", "-"): value for name, value in headers.items() if value}
        if receipt is not None:
            said["receipt"] = receipt
        data = encode(Frame(command, said, body), self.version)
        events: list[Event] = []
        for start, end in zip([0, *sorted(at)], [*sorted(at), len(data)], strict=True):
            events.extend(self.session.receive(data[start:end], 0.0))
        assert len(events) == 1
        return events[0]

    def breaks(self, event: Event, code: Code, receipt: str | None) -> None:
        assert isinstance(event, Broken)
        assert event.error.code is code
        assert (b"receipt-id:" in event.answer) is (receipt is not None)
        self.over = True

    @precondition(lambda self: not self.over)
    @rule(at=cuts, name=names, mode=st.sampled_from(list(AckMode)), receipt=receipts, named=st.booleans())
    def subscribe(self, at: list[int], name: str, mode: AckMode, receipt: str | None, named: bool) -> None:
        named = named or self.version is not Version.V1_0
        event = self.say(at, "SUBSCRIBE", receipt, id=name if named else "", destination=name, ack=mode)
        if name in self.subscriptions:
            self.breaks(event, Code.SUBSCRIPTION_ID_IN_USE, receipt)
        elif len(self.subscriptions) == 2:
            self.breaks(event, Code.TOO_MANY_SUBSCRIPTIONS, receipt)
        else:
            assert isinstance(event, Subscribe)
            assert (event.id, event.destination, event.mode, event.receipt, event.named) == (
                *(name, name, mode, receipt),
                named,
            )
            self.subscriptions.add(name)

    @precondition(lambda self: not self.over)
    @rule(at=cuts, name=names, receipt=receipts)
    def unsubscribe(self, at: list[int], name: str, receipt: str | None) -> None:
        event = self.say(at, "UNSUBSCRIBE", receipt, id=name)
        if name in self.subscriptions:
            assert event == Unsubscribe(name, receipt)
            self.subscriptions.remove(name)
        else:
            self.breaks(event, Code.SUBSCRIPTION_UNKNOWN, receipt)

    @precondition(lambda self: not self.over)
    @rule(at=cuts, body=st.binary(max_size=8), receipt=receipts, transaction=st.none() | names)
    def send(self, at: list[int], body: bytes, receipt: str | None, transaction: str | None) -> None:
        event = self.say(at, "SEND", receipt, body, destination="/topic/a", transaction=transaction or "")
        effect = event.effect if isinstance(event, Held) else event
        if self.held(event, effect, transaction, receipt):
            assert isinstance(effect, Send)
            assert (effect.destination, effect.body, effect.receipt) == ("/topic/a", body, receipt)

    @precondition(lambda self: not self.over)
    @rule(
        at=cuts,
        consumed=st.booleans(),
        message=names,
        subscription=names,
        receipt=receipts,
        transaction=st.none() | names,
    )
    def acknowledge(
        self,
        at: list[int],
        consumed: bool,
        message: str,
        subscription: str,
        receipt: str | None,
        transaction: str | None,
    ) -> None:
        by = "id" if self.version is Version.V1_2 else "message-id"
        more = {by: message, "subscription": subscription, "transaction": transaction or ""}
        event = self.say(at, "ACK" if consumed else "NACK", receipt, **more)
        effect = event.effect if isinstance(event, Held) else event
        if not consumed and self.version is Version.V1_0:
            self.breaks(event, Code.NOT_SUPPORTED, receipt)
        elif self.version is Version.V1_1 and subscription not in self.subscriptions:
            self.breaks(event, Code.SUBSCRIPTION_UNKNOWN, receipt)
        elif self.held(event, effect, transaction, receipt):
            where = subscription if self.version is Version.V1_1 else None
            assert effect == Ack(message, where, consumed, receipt)

    def held(self, event: Event, effect: Event, transaction: str | None, receipt: str | None) -> bool:
        """Whether the effect came, at once or held for its transaction."""
        if transaction is None:
            assert not isinstance(event, (Held, Broken))
            return True
        if transaction not in self.transactions:
            self.breaks(event, Code.TRANSACTION_UNKNOWN, receipt)
            return False
        if sum(map(len, self.transactions.values())) == 3:
            self.breaks(event, Code.TRANSACTION_TOO_LARGE, receipt)
            return False
        assert isinstance(event, Held)
        assert event.receipt == receipt
        self.transactions[transaction].append(event.effect)
        return True

    @precondition(lambda self: not self.over)
    @rule(at=cuts, transaction=names, receipt=receipts)
    def begin(self, at: list[int], transaction: str, receipt: str | None) -> None:
        event = self.say(at, "BEGIN", receipt, transaction=transaction)
        if transaction in self.transactions:
            self.breaks(event, Code.TRANSACTION_ID_IN_USE, receipt)
        elif len(self.transactions) == 2:
            self.breaks(event, Code.TOO_MANY_TRANSACTIONS, receipt)
        else:
            assert event == Begin(receipt)
            self.transactions[transaction] = []

    @precondition(lambda self: not self.over)
    @rule(at=cuts, transaction=names, receipt=receipts, commit=st.booleans())
    def end(self, at: list[int], transaction: str, receipt: str | None, commit: bool) -> None:
        event = self.say(at, "COMMIT" if commit else "ABORT", receipt, transaction=transaction)
        if transaction not in self.transactions:
            self.breaks(event, Code.TRANSACTION_UNKNOWN, receipt)
            return
        effects = self.transactions.pop(transaction)
        assert event == (Commit(effects, receipt) if commit else Abort(receipt))

    @precondition(lambda self: not self.over)
    @rule(at=cuts)
    def beat(self, at: list[int]) -> None:
        for _ in range(len(at) + 1):
            assert list(self.session.receive(b"\n", 0.0)) == []

    @precondition(lambda self: not self.over)
    @rule(at=cuts, receipt=receipts)
    def disconnect(self, at: list[int], receipt: str | None) -> None:
        assert self.say(at, "DISCONNECT", receipt) == Disconnect(receipt)
        assert self.session.state is State.LEAVING
        self.over = True

    @invariant()
    def it_is_open_until_it_is_over(self) -> None:
        if not self.over:
            assert self.session.state is State.OPEN


SessionMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestSession = SessionMachine.TestCase
