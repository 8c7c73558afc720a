"""Bytes to frames and back.

    frame  = command EOL *( header EOL ) EOL *OCTET NUL *( EOL )
    header = name ":" value
    EOL    = [CR] LF

(STOMP 1.2, "Augmented BNF".) A frame may arrive in any number of pieces and a piece may hold any number of frames.
The decoder looks for the end of a line or of a body, never at single bytes, and everything that can grow has a limit
with an error of its own. Which error a broken stream meets does not depend on how it was cut.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wall.stomp.errors import Code, StompError
from wall.stomp.frames import Frame, Version, escapes, header_line, unescape

_ENDS = re.compile(rb"[\r\n\0]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a frame may grow to, in bytes unless said otherwise.

    The defaults are for a service: `body` is the wire's 32 KiB (wall/wire.py); the others leave room for the headers
    ActiveMQ and stomp.py add, and are below ActiveMQ's own (STOMP codec: 1 KiB command, 10 KiB line, 1,000 headers).
    """

    command: int = 32
    headers: int = 64  # count
    line: int = 4 * 1024
    head: int = 16 * 1024
    body: int = 32 * 1024
    frame: int = 64 * 1024


class Decoder:
    """Give it bytes with `feed` and iterate over the frames they complete.

    `version` may be changed between two frames: what CONNECT negotiates holds for the next frame, even when both
    came in one piece. `limits` likewise. After a StompError the stream is lost; feed nothing more.
    """

    __slots__ = (
        "_at",
        "_buffer",
        "_command",
        "_count",
        "_head",
        "_headers",
        "_in_body",
        "_length",
        "_scanned",
        "limits",
        "version",
    )

    def __init__(self, limits: Limits, version: Version = Version.V1_2) -> None:
        self.limits = limits
        self.version = version
        self._buffer = b""  # received
        self._at = 0  # bytes of it consumed
        self._scanned = 0  # bytes of it known to hold no end of what is being read
        self._command: str | None = None  # of the frame being read
        self._headers: dict[str, str] | None = None
        self._count = 0  # of its header lines so far
        self._head = 0  # bytes of its command and header lines so far
        self._in_body = False  # its blank line has been seen
        self._length: int | None = None  # of its body, where it says so

    @property
    def partial(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._command is not None or self._at < len(self._buffer)

    @property
    def buffered(self) -> int:
        """Bytes of an unfinished frame that are kept, its decoded headers not counted."""
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take more bytes; the iterator gives the frames they complete. Raises StompError while iterating.

        Frames not taken from the iterator are not lost: the next call gives them.
        """
        if self._at:
            self._scanned = max(self._scanned - self._at, 0)
            self._buffer, self._at = self._buffer[self._at :], 0
        self._buffer = self._buffer + data if self._buffer else data
        return self._frames()

    def _frames(self) -> Iterator[Frame]:
        while (self._in_body or self._read_head()) and (frame := self._read_body()) is not None:
            yield frame
        if self._at == len(self._buffer):
            self._buffer, self._at, self._scanned = b"", 0, 0

    def _read_head(self) -> bool:
        """Consume lines until the blank one. False: more bytes are needed."""
        buffer = self._buffer
        if self._command is None:
            self._skip_ends()
        while (end := buffer.find(b"\n", max(self._at, self._scanned))) >= 0:
            start = self._at
            self._check_line(end - start)
            self._at = end + 1
            self._head += end - start + 1
            line = buffer[start:end]
            if line in (b"", b"\r"):
                self._begin_body()
                return True
            # 1.1 knows no CR LF: a CR is data there
            self._take_line(line.removesuffix(b"\r") if self.version is not Version.V1_1 else line)
        self._scanned = len(buffer)
        self._check_line(len(buffer) - self._at)
        return False

    def _skip_ends(self) -> None:
        """EOLs between frames are heart-beats, or follow the last frame; some clients send NULs there as well."""
        ends = _ENDS.match(self._buffer, self._at)
        assert ends is not None
        self._at = ends.end()

    def _check_line(self, length: int) -> None:
        """Refuse the line being read once it is longer than allowed, whether or not its end has come."""
        limits = self.limits
        if self._command is None:
            if length > limits.command:
                raise StompError(
                    Code.COMMAND_TOO_LONG,
                    f"No STOMP command is longer than {limits.command} bytes; is this STOMP at all?",
                )
            return
        left = limits.head - self._head
        if length <= limits.line and length <= left:
            return
        if limits.line <= left:
            raise StompError(Code.HEADER_LINE_TOO_LONG, f"A header line has more than {limits.line} bytes; shorten it")
        raise StompError(Code.HEADERS_TOO_LONG, f"The headers have more than {limits.head} bytes; send fewer")

    def _take_line(self, line: bytes) -> None:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise StompError(Code.MALFORMED, "Commands and headers must be UTF-8") from None
        if "\0" in text:
            raise StompError(Code.MALFORMED, "A NUL stands before the blank line that ends the headers")
        if self._command is None:
            self._command = text
            self._headers = {}
            return
        assert self._headers is not None
        self._count += 1
        if self._count > self.limits.headers:
            raise StompError(Code.TOO_MANY_HEADERS, f"More than {self.limits.headers} headers; send fewer")
        name, colon, value = text.partition(":")
        if escapes(self._command, self.version):
            name, value = unescape(name, self.version), unescape(value, self.version)
        elif self.version is Version.V1_0:
            # its own examples pad ("destination: /queue/a"); 1.2 forbids to trim, "Value Encoding"
            name, value = name.strip(" \t\r"), value.strip(" \t\r")
        if not colon or not name:
            raise StompError(Code.MALFORMED, "Each header line reads name:value")
        self._headers.setdefault(name, value)

    def _begin_body(self) -> None:
        assert self._headers is not None
        self._in_body = True
        self._scanned = self._at
        self._length = None
        stated = self._headers.get("content-length")
        if stated is None:
            return
        if not (stated.isascii() and stated.isdigit() and len(stated) <= 10):
            raise StompError(Code.BAD_CONTENT_LENGTH, "content-length is a number of bytes, for example 17")
        self._length = int(stated)
        self._check_body(self._length)

    def _check_body(self, length: int) -> None:
        limits = self.limits
        left = limits.frame - self._head
        if length <= limits.body and length <= left:
            return
        if limits.body <= left:
            raise StompError(Code.BODY_TOO_LONG, f"The body has more than {limits.body} bytes; send an address instead")
        raise StompError(Code.FRAME_TOO_LONG, f"The frame has more than {limits.frame} bytes; send less at once")

    def _read_body(self) -> Frame | None:
        buffer, start = self._buffer, self._at
        if self._length is None:
            end = buffer.find(b"\0", self._scanned)
            self._check_body((end if end >= 0 else len(buffer)) - start)
            if end < 0:
                self._scanned = len(buffer)
                return None
        else:
            end = start + self._length
            if len(buffer) <= end:
                return None
            if buffer[end]:
                raise StompError(
                    Code.BODY_NOT_ENDED,
                    "No NUL follows the body; content-length counts bytes, not characters",
                )
        assert self._command is not None
        assert self._headers is not None
        frame = Frame(self._command, self._headers, buffer[start:end])
        self._at = self._scanned = end + 1
        self._command = self._headers = None
        self._head = self._count = 0
        self._in_body = False
        return frame


def encode(frame: Frame, version: Version = Version.V1_2) -> bytes:
    """The frame's bytes. A `content-length` is added where the body holds a NUL and the headers name none."""
    return b"%s\n%s\n%s\0" % (frame.command.encode(), encode_headers(frame, version), frame.body)


def encode_headers(frame: Frame, version: Version) -> bytes:
    """The header lines, each with its LF, without the blank line."""
    escaped = escapes(frame.command, version)
    lines = [header_line(name, value, version, escaped=escaped) for name, value in frame.headers.items()]
    if b"\0" in frame.body and "content-length" not in frame.headers:
        lines.append(f"content-length:{len(frame.body)}\n")
    return "".join(lines).encode()
