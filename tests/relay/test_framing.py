"""Our half of RFC 6455 against the `websockets` library's client."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from relay.deflate import deflate
from relay.framing import BINARY, TEXT, FramingError, InflatingParser, Parser, close, pong


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
    assert TEXT(payload, True) == Frame(Opcode.TEXT, payload).serialize(mask=False)
    assert TEXT(payload, False) == BINARY(payload, True) == Frame(Opcode.BINARY, payload).serialize(mask=False)
    assert pong(b"p") == Frame(Opcode.PONG, b"p").serialize(mask=False)


def test_a_long_reason_is_cut_between_characters() -> None:
    frame = close(4500, "é" * 100)
    assert len(frame) <= 127
    frame[4:].decode()


def packed(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A client's frame with RSV1 set."""
    frame = bytearray(Frame(Opcode(opcode), payload, fin=fin).serialize(mask=True))
    frame[0] |= 0x40
    return bytes(frame)


@given(st.text(max_size=3_000), st.integers(0, 50))
def test_a_compressed_message_is_the_same_in_fragments_with_a_ping_between(text: str, cut: int) -> None:
    data = deflate(text.encode())
    parser = InflatingParser(20_000)
    frames = packed(Opcode.TEXT, data[:cut], fin=False)
    frames += Frame(Opcode.PING, b"p").serialize(mask=True)
    frames += Frame(Opcode.CONT, data[cut:]).serialize(mask=True)
    frames += Frame(Opcode.TEXT, b"as it is").serialize(mask=True)
    assert list(parser.feed(frames)) == [
        (Opcode.PING, b"p"),
        (Opcode.TEXT, text.encode()),
        (Opcode.TEXT, b"as it is"),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (packed(Opcode.PING, b""), 1002),
        (packed(Opcode.TEXT, b"", fin=False) + packed(Opcode.CONT, b""), 1002),
        (packed(Opcode.BINARY, deflate(bytes(100_000))), 1009),
        (packed(Opcode.BINARY, b"\xff\xff"), 1007),
        (packed(Opcode.TEXT, deflate(b"\xff")), 1007),
    ],
)
def test_breaches_of_compression_have_their_codes_too(data: bytes, code: int) -> None:
    with pytest.raises(FramingError) as caught:
        list(InflatingParser(20_000).feed(data))
    assert caught.value.code == code


def test_without_an_agreement_nothing_may_be_compressed() -> None:
    with pytest.raises(FramingError, match="no extension was agreed"):
        list(Parser(1_000).feed(packed(Opcode.TEXT, deflate(b"a"))))
