from collections.abc import Iterator

import pytest

from wall.stomp.codec import Decoder, Limits, encode
from wall.stomp.errors import Code, StompError
from wall.stomp.frames import Frame, Version
from wall.stomp.session import (
    Broken,
    Connect,
    Disconnect,
    Event,
    Send,
    Session,
    SessionLimits,
    State,
    Subscribe,
    Unsubscribe,
)

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
    last = broken(Session(LIMITS, 0.0), frame("CONNECT", accept_version="1.0"))
    assert last.error.code is Code.NO_COMMON_VERSION
    assert answer(last.answer).headers["version"] == "1.1,1.2"


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
        (frame("BEGIN", transaction="t"), Code.NOT_SUPPORTED),
        (frame("ACK", id="1"), Code.NOT_SUPPORTED),
        (frame("SEND"), Code.HEADER_MISSING),
        (frame("SEND", destination="/topic/b", transaction="t"), Code.NOT_SUPPORTED),
        (frame("SUBSCRIBE", destination="/topic/b"), Code.HEADER_MISSING),
        (frame("SUBSCRIBE", id="a"), Code.HEADER_MISSING),
        (frame("SUBSCRIBE", id="123456789", destination="/topic/b"), Code.BAD_HEADER),
        (frame("SUBSCRIBE", id="a", destination="/topic/b", receipt="123456789"), Code.BAD_HEADER),
        (frame("SUBSCRIBE", id="a", destination="/topic/b", ack="client"), Code.NOT_SUPPORTED),
        (frame("SUBSCRIBE", id="a", destination="/topic/b", selector="x=1"), Code.NOT_SUPPORTED),
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
