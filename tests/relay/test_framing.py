"""Our half of RFC 6455 against the `websockets` library's client."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from relay.framing import FramingError, Parser, binary, close, pong, text


def masked(opcode: Opcode, payload: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


def parse(data: bytes, cuts: list[int] | None = None, limit: int = 1000) -> list[tuple[Opcode, bytes]]:
    parser = Parser(limit)
    got: list[tuple[Opcode, bytes]] = []
    for start, end in pairwise([0, *sorted(cut for cut in cuts or [] if cut < len(data)), len(data)]):
        got.extend(parser.feed(data[start:end]))
    return got


@given(st.lists(st.binary(max_size=300), max_size=4), st.lists(st.integers(0, 900)))
def test_any_cut_gives_the_same_messages(payloads: list[bytes], cuts: list[int]) -> None:
    data = b"".join(masked(Opcode.BINARY, payload) for payload in payloads)
    assert parse(data, cuts) == [(Opcode.BINARY, payload) for payload in payloads]


def test_fragments_become_one_message_and_control_frames_pass_between_them() -> None:
    data = masked(Opcode.TEXT, b"a", fin=False) + masked(Opcode.PING, b"p") + masked(Opcode.CONT, b"b")
    assert parse(data) == [(Opcode.PING, b"p"), (Opcode.TEXT, b"ab")]


def test_a_character_may_be_cut_by_fragments() -> None:
    data = masked(Opcode.TEXT, b"\xc3", fin=False) + masked(Opcode.CONT, b"\xa9")
    assert parse(data) == [(Opcode.TEXT, "é".encode())]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (Frame(Opcode.TEXT, b"a").serialize(mask=False), 1002),
        (b"\xc1\x80", 1002),
        (b"\x83\x80", 1002),
        (b"\x89\xfe", 1002),
        (b"\x09\x80", 1002),
        (masked(Opcode.CONT, b"a"), 1002),
        (masked(Opcode.TEXT, b"a", fin=False) + masked(Opcode.TEXT, b"a"), 1002),
        (masked(Opcode.TEXT, b"\xff"), 1007),
        (b"\x81\xff" + struct.pack("!Q", 2**40), 1009),
        (masked(Opcode.TEXT, b"a" * 600, fin=False) + masked(Opcode.CONT, b"a" * 600), 1009),
    ],
)
def test_each_breach_closes_with_its_code(data: bytes, code: int) -> None:
    with pytest.raises(FramingError) as caught:
        parse(data)
    assert caught.value.code == code


def test_messages_before_a_breach_are_still_given() -> None:
    parser = Parser(1000)
    messages = parser.feed(masked(Opcode.TEXT, b"a") + b"\xff\xff")
    assert next(messages) == (Opcode.TEXT, b"a")
    with pytest.raises(FramingError):
        next(messages)


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536])
def test_our_frames_are_what_the_library_writes(length: int) -> None:
    payload = b"x" * length
    assert text(payload, True) == Frame(Opcode.TEXT, payload).serialize(mask=False)
    assert text(payload, False) == binary(payload, True) == Frame(Opcode.BINARY, payload).serialize(mask=False)
    assert pong(b"p") == Frame(Opcode.PONG, b"p").serialize(mask=False)


def test_a_long_reason_is_cut_between_characters() -> None:
    frame = close(4500, "é" * 100)
    assert len(frame) <= 127
    frame[4:].decode()
