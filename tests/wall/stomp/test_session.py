from collections.abc import Iterator

import pytest

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
from wall.stomp.session import Session, SessionLimits, State

LIMITS = SessionLimits(greeting=Limits(frame=8192), subscriptions=2, id_length=8)


def frame(command: str, payload: bytes = b"", /, **headers: str) -> bytes:
    """A frame's bytes; an underscore in a name stands for a hyphen."""
    return encode(Frame(command, {name.replace("_", "-"): value for name, value in headers.items()}, payload))


def answer(data: bytes) -> Frame:
    (only,) = Decoder(Limits()).feed(data)
    return only


def connect(session: Session, **headers: str) -> Iterator[Event]:
    asked = {"accept_version": "1.1,1.2", "host": "h", **headers}
    return session.receive(frame("CONNECT", **asked), 0.0)


@pytest.fixture
def session() -> Session:
    """An open one."""
    session = Session(LIMITS, 0.0)
    list(connect(session))
    session.accept(Limits(), 10.0, 10.0)
    return session


def opened(version: str | None, limits: SessionLimits = LIMITS) -> Session:
    """An open one that speaks `version`; None: the other side names none."""
    session = Session(limits, 0.0)
    list(session.receive(frame("CONNECT", **({"accept_version": version} if version else {})), 0.0))
    session.accept(Limits(), 0, 0)
    return session


def broken(session: Session, data: bytes) -> Broken:
    *_, last = session.receive(data, 0.0)
    assert isinstance(last, Broken)
    assert session.state is State.ENDED
    return last


@pytest.mark.parametrize("command", ["CONNECT", "STOMP"])
def test_connect_and_stomp_ask_for_the_same(command: str) -> None:
    session = Session(LIMITS, 0.0)
    (event,) = session.receive(frame(command, accept_version="1.2", login="a", passcode="b"), 0.0)
    assert event == Connect("a", "b")


@pytest.mark.parametrize(
    ("offered", "chosen"), [("1.0,1.1,1.2", "1.2"), ("1.1", "1.1"), ("1.2,1.1", "1.2"), ("1.1,2.0", "1.1")]
)
def test_the_highest_common_version_is_chosen(offered: str, chosen: str) -> None:
    session = Session(LIMITS, 0.0)
    list(connect(session, accept_version=offered))
    assert answer(session.accept(Limits(), 0, 0)).headers["version"] == chosen


def test_no_common_version_is_an_error_that_lists_ours() -> None:
    last = broken(Session(LIMITS, 0.0), frame("CONNECT", accept_version="2.0"))
    assert last.error.code is Code.NO_COMMON_VERSION
    assert answer(last.answer).headers["version"] == "1.0,1.1,1.2"


def test_a_subprotocol_narrows_the_versions() -> None:
    session = Session(LIMITS, 0.0, (Version.V1_1,))
    list(connect(session))
    assert session.version is Version.V1_1


@pytest.mark.parametrize(
    ("theirs", "beat", "expect"), [("0,0", 0, 0), ("5000,20000", 20, 10), ("0,500", 10, 0), ("30000,0", 0, 30)]
)
def test_heart_beats_are_the_longer_of_both_sides_or_none(theirs: str, beat: float, expect: float) -> None:
    session = Session(LIMITS, 0.0)
    list(connect(session, heart_beat=theirs))
    assert answer(session.accept(Limits(), 10.0, 10.0)).headers["heart-beat"] == "10000,10000"
    assert (session.beat_every, session.expect_every) == (beat, expect)


def test_a_missed_beat_is_forgiven_a_second_is_not() -> None:
    session = Session(LIMITS, 0.0)
    list(connect(session, heart_beat="10000,0"))
    session.accept(Limits(), 10.0, 10.0)
    list(session.receive(b"\n", 5.0))
    assert not session.silent(25.0)
    assert session.silent(25.1)


def test_a_connection_that_never_says_connect_is_late() -> None:
    session = Session(LIMITS, 100.0)
    list(session.receive(b"\n\n", 109.0))
    assert not session.late(109.9, 10.0)
    assert session.late(110.0, 10.0)


def test_a_subscribe_right_behind_connect_comes_after_it_was_decided() -> None:
    session = Session(LIMITS, 0.0)
    data = frame("CONNECT", accept_version="1.2") + frame("SUBSCRIBE", id="a", destination="/topic/b")
    events = session.receive(data, 0.0)
    assert isinstance(next(events), Connect)
    session.accept(Limits(), 0, 0)
    assert isinstance(next(events), Subscribe)


def test_subscriptions_begin_and_end(session: Session) -> None:
    (begun,) = session.receive(frame("SUBSCRIBE", id="a", destination="/topic/b", receipt="r", cursor="q"), 0.0)
    assert isinstance(begun, Subscribe)
    assert (begun.id, begun.destination, begun.receipt, begun.headers["cursor"]) == ("a", "/topic/b", "r", "q")
    assert list(session.receive(frame("UNSUBSCRIBE", id="a"), 0.0)) == [Unsubscribe("a", None)]
    assert len(list(session.receive(frame("SUBSCRIBE", id="a", destination="/topic/b"), 0.0))) == 1


def test_send_carries_headers_and_body(session: Session) -> None:
    (event,) = session.receive(frame("SEND", b"\0x", destination="/topic/b", seq="1"), 0.0)
    assert isinstance(event, Send)
    assert (event.destination, event.headers["seq"], event.body) == ("/topic/b", "1", b"\0x")


def test_nothing_comes_after_disconnect(session: Session) -> None:
    data = frame("DISCONNECT", receipt="bye") + frame("SEND", destination="/topic/b")
    assert list(session.receive(data, 0.0)) == [Disconnect("bye")]
    assert answer(session.receipt("bye")) == Frame("RECEIPT", {"receipt-id": "bye"})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame("CONNECT"), Code.ALREADY_CONNECTED),
        (frame("HELLO"), Code.UNKNOWN_COMMAND),
        (frame("send", destination="/topic/b"), Code.UNKNOWN_COMMAND),
        (frame("SEND"), Code.HEADER_MISSING),
        (frame("SEND", destination="/topic/b", transaction="t"), Code.TRANSACTION_UNKNOWN),
        (frame("ACK", id="1", transaction="t"), Code.TRANSACTION_UNKNOWN),
        (frame("ACK", message_id="1"), Code.HEADER_MISSING),
        (frame("NACK"), Code.HEADER_MISSING),
        (frame("BEGIN"), Code.HEADER_MISSING),
        (frame("COMMIT"), Code.HEADER_MISSING),
        (frame("COMMIT", transaction="t"), Code.TRANSACTION_UNKNOWN),
        (frame("ABORT", transaction="t"), Code.TRANSACTION_UNKNOWN),
        (frame("BEGIN", transaction="t") * 2, Code.TRANSACTION_ID_IN_USE),
        (frame("BEGIN", transaction="123456789"), Code.BAD_HEADER),
        (frame("SUBSCRIBE", destination="/topic/b"), Code.HEADER_MISSING),
        (frame("SUBSCRIBE", id="a"), Code.HEADER_MISSING),
        (frame("SUBSCRIBE", id="123456789", destination="/topic/b"), Code.BAD_HEADER),
        (frame("SUBSCRIBE", id="a", destination="/topic/b", receipt="123456789"), Code.BAD_HEADER),
        (frame("SUBSCRIBE", id="a", destination="/topic/b", ack="dups-ok"), Code.BAD_HEADER),
        (frame("SUBSCRIBE", id="a", destination="/topic/b", selector="x=1"), Code.NOT_SUPPORTED),
        (frame("SUBSCRIBE", id="a", destination="/topic/b", durable="true"), Code.NOT_SUPPORTED),
        (frame("SUBSCRIBE", id="a", destination="/topic/b", **{"activemq.subscriptionName": "n"}), Code.NOT_SUPPORTED),
        (frame("SUBSCRIBE", b"body", id="a", destination="/topic/b"), Code.BODY_NOT_ALLOWED),
        (frame("UNSUBSCRIBE", id="a"), Code.SUBSCRIPTION_UNKNOWN),
        (frame("SUBSCRIBE", id="a", destination="/topic/b") * 2, Code.SUBSCRIPTION_ID_IN_USE),
        (
            b"".join(frame("SUBSCRIBE", id=name, destination="/topic/b") for name in "abc"),
            Code.TOO_MANY_SUBSCRIPTIONS,
        ),
    ],
)
def test_a_broken_rule_ends_the_session_with_its_number(session: Session, data: bytes, code: Code) -> None:
    last = broken(session, data)
    assert last.error.code is code
    assert answer(last.answer).command == "ERROR"
    assert answer(last.answer).headers["code"] == str(int(code))


def test_anything_before_connect_is_an_error() -> None:
    last = broken(Session(LIMITS, 0.0), frame("SEND", destination="/topic/b"))
    assert last.error.code is Code.NOT_CONNECTED


@pytest.mark.parametrize("beat", ["1", "a,b", "-1,0", "1,2,3", "123456789,0"])
def test_a_heart_beat_that_cannot_be_read_is_an_error(beat: str) -> None:
    last = broken(Session(LIMITS, 0.0), frame("CONNECT", accept_version="1.2", heart_beat=beat))
    assert last.error.code is Code.BAD_HEADER


def test_an_error_names_the_receipt_of_its_own_frame_only(session: Session) -> None:
    named = broken(session, frame("SEND", receipt="r"))
    assert answer(named.answer).headers["receipt-id"] == "r"
    other = Session(LIMITS, 0.0)
    list(connect(other))
    other.accept(Limits(), 0, 0)
    last = broken(other, frame("SEND", destination="/topic/b", receipt="fine") + b"SEND\nbroken\n")
    assert "receipt-id" not in answer(last.answer).headers


def test_an_error_says_what_to_do_and_nothing_inner(session: Session) -> None:
    got = answer(session.error(StompError(Code.NO_RIGHT_TO_READ, "Log in: first"), "r"))
    assert got.headers["message"] == got.body.decode() == "Log in: first"


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_any_host_or_none_is_welcome() -> None:
    for headers in ({"host": "elsewhere"}, {}):
        session = Session(LIMITS, 0.0)
        (event,) = session.receive(frame("CONNECT", accept_version="1.2", **headers), 0.0)
        assert isinstance(event, Connect)
        connected = answer(session.accept(Limits(), 0, 0))
        assert (connected.command, connected.headers["server"]) == ("CONNECTED", "frieze")


def test_without_accept_version_the_session_speaks_1_0() -> None:
    session = Session(LIMITS, 0.0)
    (event,) = session.receive(b"CONNECT\nlogin: a\npasscode:b\n\n\0", 0.0)
    assert event == Connect("a", "b"), "padded as in the examples of 1.0"
    connected = answer(session.accept(Limits(), 10.0, 10.0, "s-1"))
    assert connected.headers["session"] == "s-1"
    assert session.version is Version.V1_0
    assert (session.beat_every, session.expect_every) == (0, 0), "1.0 has no heart-beats"


def test_a_passcode_keeps_its_spaces_since_1_1() -> None:
    session = Session(LIMITS, 0.0)
    (event,) = session.receive(b"CONNECT\naccept-version:1.1\nlogin: a\npasscode:b \n\n\0", 0.0)
    assert event == Connect(" a", "b ")


def test_a_padded_subscribe_of_1_0_is_read() -> None:
    (event,) = opened(None).receive(b"SUBSCRIBE\ndestination: /topic/foo\nack: client\n\n\0", 0.0)
    assert isinstance(event, Subscribe)
    assert (event.id, event.destination, event.mode, event.named) == (
        "/topic/foo",
        "/topic/foo",
        AckMode.CLIENT,
        False,
    )


def test_in_1_0_the_destination_stands_for_an_id() -> None:
    session = opened(None)
    list(session.receive(frame("SUBSCRIBE", destination="/topic/a") + frame("SUBSCRIBE", id="x", destination="d"), 0.0))
    events = list(
        session.receive(frame("UNSUBSCRIBE", destination="/topic/a") + frame("UNSUBSCRIBE", id="x", receipt="r"), 0.0)
    )
    assert events == [Unsubscribe("/topic/a", None), Unsubscribe("x", "r")]
    assert broken(session, frame("UNSUBSCRIBE", destination="/topic/a")).error.code is Code.SUBSCRIPTION_UNKNOWN


def test_in_1_0_a_body_where_none_belongs_is_ignored() -> None:
    (event,) = opened(None).receive(frame("SUBSCRIBE", b"body", destination="/topic/a"), 0.0)
    assert isinstance(event, Subscribe)


def test_nack_came_with_1_1() -> None:
    assert broken(opened(None), frame("NACK", message_id="1")).error.code is Code.NOT_SUPPORTED


# ── acknowledgements ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", list(AckMode))
def test_a_subscription_says_how_it_acknowledges(session: Session, mode: AckMode) -> None:
    (event,) = session.receive(frame("SUBSCRIBE", id="a", destination="/topic/b", ack=mode), 0.0)
    assert isinstance(event, Subscribe)
    assert event.mode is mode


@pytest.mark.parametrize("command", ["ACK", "NACK"])
def test_in_1_2_a_message_is_acknowledged_by_id(command: str) -> None:
    (event,) = opened("1.2").receive(frame(command, id="7", receipt="r"), 0.0)
    assert event == Ack("7", None, command == "ACK", "r")


@pytest.mark.parametrize("command", ["ACK", "NACK"])
def test_in_1_1_a_message_is_acknowledged_by_subscription_and_message_id(command: str) -> None:
    session = opened("1.1")
    list(session.receive(frame("SUBSCRIBE", id="a", destination="/topic/b", ack="client"), 0.0))
    (event,) = session.receive(frame(command, message_id="7", subscription="a"), 0.0)
    assert event == Ack("7", "a", command == "ACK", None)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"message_id": "7"}, Code.HEADER_MISSING),
        ({"subscription": "a"}, Code.HEADER_MISSING),
        ({"message_id": "7", "subscription": "b"}, Code.SUBSCRIPTION_UNKNOWN),
    ],
)
def test_in_1_1_an_ack_needs_both_and_a_subscription_that_is_there(headers: dict[str, str], code: Code) -> None:
    session = opened("1.1")
    list(session.receive(frame("SUBSCRIBE", id="a", destination="/topic/b", ack="client"), 0.0))
    assert broken(session, frame("ACK", **headers)).error.code is code


def test_in_1_0_a_message_is_acknowledged_by_message_id() -> None:
    (event,) = opened(None).receive(frame("ACK", message_id="7"), 0.0)
    assert event == Ack("7", None, True, None)


# ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_stands_in_a_transaction_comes_again_at_commit_in_order(session: Session) -> None:
    data = (
        frame("BEGIN", transaction="t", receipt="1")
        + frame("SEND", b"x", destination="/topic/b", transaction="t", receipt="2")
        + frame("NACK", id="7", transaction="t")
        + frame("COMMIT", transaction="t", receipt="3")
    )
    begun, sent, refused, committed = session.receive(data, 0.0)
    assert begun == Begin("1")
    assert isinstance(sent, Held)
    assert isinstance(sent.effect, Send)
    assert sent.receipt == "2"
    assert refused == Held(Ack("7", None, False, None), None)
    assert committed == Commit([sent.effect, Ack("7", None, False, None)], "3")


def test_what_was_aborted_never_comes(session: Session) -> None:
    data = frame("BEGIN", transaction="t") + frame("SEND", b"x", destination="/topic/b", transaction="t")
    data += frame("ABORT", transaction="t", receipt="r") + frame("BEGIN", transaction="t")
    *_, aborted, _, committed = session.receive(data + frame("COMMIT", transaction="t"), 0.0)
    assert aborted == Abort("r")
    assert committed == Commit([], None), "the id is free again, and holds nothing"


def test_transactions_do_not_mix(session: Session) -> None:
    def send(body: bytes, transaction: str) -> bytes:
        return frame("SEND", body, destination="/topic/b", transaction=transaction)

    data = frame("BEGIN", transaction="a") + frame("BEGIN", transaction="b")
    data += send(b"1", "a") + send(b"2", "b") + send(b"3", "a")
    *_, second, first = session.receive(data + frame("COMMIT", transaction="b") + frame("COMMIT", transaction="a"), 0.0)
    assert isinstance(first, Commit)
    assert isinstance(second, Commit)
    assert [effect.body for effect in first.effects if isinstance(effect, Send)] == [b"1", b"3"]
    assert [effect.body for effect in second.effects if isinstance(effect, Send)] == [b"2"]


def test_a_disconnect_aborts_what_is_open(session: Session) -> None:
    data = frame("BEGIN", transaction="t") + frame("SEND", destination="/topic/b", transaction="t")
    events = list(session.receive(data + frame("DISCONNECT") + frame("COMMIT", transaction="t"), 0.0))
    assert events[-1] == Disconnect(None)
    assert not any(isinstance(event, Commit) for event in events)


def test_an_open_transaction_keeps_nothing_else_waiting(session: Session) -> None:
    *_, last = session.receive(frame("BEGIN", transaction="t") + frame("SEND", b"x", destination="/topic/b"), 0.0)
    assert isinstance(last, Send)
