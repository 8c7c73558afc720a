"""Each message is compressed once for all, and nothing that comes in grows beyond its limit."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.deflate import DEFLATE_FROM, deflate, inflate, stored
from relay.framing import DEFLATED_TEXT
from relay.ring import Message, Shape
from wall.events import Cursor
from wall.stomp.frames import Version


@given(st.binary(max_size=300), st.binary(max_size=5_000))
def test_a_stored_block_and_a_compressed_one_are_one_message(head: bytes, rest: bytes) -> None:
    assert inflate(stored(head) + deflate(rest), 10_000) == head + rest


def test_what_grows_beyond_the_limit_is_not_unpacked() -> None:
    bomb = deflate(bytes(10_000_000))
    assert len(bomb) < 20_000
    with pytest.raises(OverflowError):
        inflate(bomb, 16_384)
    assert inflate(deflate(bytes(16_384)), 16_384) == bytes(16_384)


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x07"])
def test_what_is_no_deflate_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"decompress"):
        inflate(data, 1_000)


def test_viewers_with_different_subscriptions_share_one_compression(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = zlib.compressobj

    def counted(level: int, method: int, bits: int) -> object:
        made.append(1)
        return real(level, method, bits)

    monkeypatch.setattr(zlib, "compressobj", counted)
    message = Message("/topic/a", {}, b"x" * 2_000, cursor=Cursor("r", 1), number="r-1", at=0.0)
    frames = {
        Shape((f"sub-{number}", Version.V1_2, DEFLATED_TEXT), shared=number < 2).frame(message) for number in range(5)
    }
    assert len(frames) == 5
    assert len(made) == 1
    assert all(len(frame) < 400 for frame in frames)


def test_a_short_message_goes_as_it_is() -> None:
    message = Message("/topic/a", {}, b"x" * 100, cursor=Cursor("r", 1), number="r-1", at=0.0)
    assert message.size < DEFLATE_FROM
    assert b"x" * 100 in Shape(("a", Version.V1_2, DEFLATED_TEXT), shared=True).frame(message)
