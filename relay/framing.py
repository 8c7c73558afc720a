"""WebSocket frames (RFC 6455 §5) after the handshake: ours out, made once for all; theirs in, with limits.

The `websockets` library does the handshake and is dropped then: its connection object keeps several kilobytes for
each viewer, and what a STOMP server needs of the protocol is this page.
"""

from collections.abc import Iterator

from websockets.frames import Opcode
from websockets.utils import apply_mask

from relay.deflate import inflate

_FIN = 0x80
_PACKED = 0x40  # RSV1: the message is compressed (RFC 7692 §6)
_TEXT = _FIN | Opcode.TEXT
_BINARY = _FIN | Opcode.BINARY


class Carrier:
    """STOMP in WebSocket frames, each frame a message of its own. `deflates`: permessage-deflate was agreed."""

    __slots__ = ("_first", "deflates")

    def __init__(self, first: int, *, deflates: bool) -> None:
        self._first = first
        self.deflates = deflates

    def __call__(self, payload: bytes, is_text: bool) -> bytes:
        """A message as it is; what is not UTF-8 must travel in a binary frame (§8.1)."""
        return _frame(self._first if is_text else _BINARY, payload)

    def deflated(self, payload: bytes, is_text: bool) -> bytes:
        """A message that is compressed already (relay/deflate.py)."""
        return _frame((self._first if is_text else _BINARY) | _PACKED, payload)


TEXT = Carrier(_TEXT, deflates=False)
BINARY = Carrier(_BINARY, deflates=False)
DEFLATED_TEXT = Carrier(_TEXT, deflates=True)
DEFLATED_BINARY = Carrier(_BINARY, deflates=True)


def pong(payload: bytes) -> bytes:
    return _frame(_FIN | Opcode.PONG, payload)


def close(code: int, reason: str = "") -> bytes:
    """A close frame. The reason is cut to what a control frame holds (§5.5: 125 bytes)."""
    cut = reason.encode()[:123].decode(errors="ignore").encode()
    return _frame(_FIN | Opcode.CLOSE, code.to_bytes(2, "big") + cut)


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 0x10000:
        return bytes((first, 126, length >> 8, length & 0xFF)) + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload


class FramingError(Exception):
    """The other side broke RFC 6455. `code` is the close code the clause asks for."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Parser:
    """Their bytes to whole messages and control frames, whatever the cuts. `limit`: bytes of one message."""

    __slots__ = ("_buffer", "_opcode", "_parts", "_size", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._buffer = b""
        self._opcode = Opcode.CONT  # of the fragmented message under way; CONT: none
        self._parts: list[bytes] | None = None
        self._size = 0

    def feed(self, data: bytes) -> Iterator[tuple[Opcode, bytes]]:
        """The messages and control frames that `data` completes. Raises FramingError; feed nothing more then."""
        buffer, at = (self._buffer + data if self._buffer else data), 0
        try:
            while (taken := self._take(buffer, at)) is not None:
                at, fin, opcode, payload = taken
                whole = self._assemble(fin, opcode, payload)
                if whole is not None:
                    yield whole
        finally:
            self._buffer = buffer[at:]

    def _take(self, buffer: bytes, at: int) -> tuple[int, bool, Opcode, bytes] | None:
        """One frame from `at` on: (where it ends, FIN, opcode, payload), or None: more is needed."""
        if len(buffer) < at + 2:
            return None
        first, second = buffer[at], buffer[at + 1]
        if first & 0x70:
            self._check_reserved(first)
        if not second & 0x80:
            raise FramingError(1002, "frames from a client must be masked")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise FramingError(1002, "unknown opcode") from None
        fin, length, start = bool(first & _FIN), second & 0x7F, at + 2
        if opcode >= Opcode.CLOSE and (not fin or length > 125):
            raise FramingError(1002, "control frames are short and whole")
        if length >= 126:
            start += 2 if length == 126 else 8
            if len(buffer) < start:
                return None
            length = int.from_bytes(buffer[at + 2 : start], "big")
        if opcode < Opcode.CLOSE and self._size + length > self.limit:
            raise FramingError(1009, f"a message has at most {self.limit} bytes here")
        end = start + 4 + length
        if len(buffer) < end:
            return None
        return end, fin, opcode, apply_mask(buffer[start + 4 : end], buffer[start : start + 4])

    def _assemble(self, fin: bool, opcode: Opcode, payload: bytes) -> tuple[Opcode, bytes] | None:
        if opcode >= Opcode.CLOSE:
            return opcode, payload
        if (opcode is Opcode.CONT) is (self._opcode is Opcode.CONT):
            raise FramingError(1002, "fragments of messages are mixed up")
        if not fin:
            if self._parts is None:
                self._parts, self._opcode = [], opcode
            # Empty fragments would cost memory that no limit counts.
            if payload:
                self._parts.append(payload)
                self._size += len(payload)
            return None
        if self._parts is not None:
            opcode, payload = self._opcode, b"".join([*self._parts, payload])
            self._parts, self._opcode, self._size = None, Opcode.CONT, 0
        payload = self._unpack(payload)
        if opcode is Opcode.TEXT:
            try:
                payload.decode()
            except UnicodeDecodeError:
                raise FramingError(1007, "a text message must be UTF-8") from None
        return opcode, payload

    def _check_reserved(self, first: int) -> None:
        raise FramingError(1002, "reserved bits are set, but no extension was agreed")

    def _unpack(self, payload: bytes) -> bytes:
        return payload


class InflatingParser(Parser):
    """Their bytes where permessage-deflate was agreed, each message from an empty window. `limit` holds before and
    after decompression."""

    __slots__ = ("_packed",)

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._packed = False  # the message under way is compressed

    def _check_reserved(self, first: int) -> None:
        # RFC 7692 §6.1: on the first frame of a message only, never on a control frame.
        if first & 0x70 != _PACKED or first & 0x0F not in (Opcode.TEXT, Opcode.BINARY):
            raise FramingError(1002, "reserved bits are set where permessage-deflate has none")
        self._packed = True

    def _unpack(self, payload: bytes) -> bytes:
        if not self._packed:
            return payload
        self._packed = False
        try:
            return inflate(payload, self.limit)
        except OverflowError:
            raise FramingError(1009, f"a message has at most {self.limit} bytes here, decompressed") from None
        except ValueError:
            raise FramingError(1007, "the message can't be decompressed") from None
