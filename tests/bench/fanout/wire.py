"""The bytes both sides of the bench agree on: a made-up wall, events of 1 KB, and a browser's requests."""

import json
from collections.abc import Mapping

from websockets.utils import apply_mask

from wall import wire
from wall.stomp.codec import encode
from wall.stomp.frames import Frame

WALL = "bench"
TOPIC = f"/topic/wall.{WALL}"
EPOCH = "bench000"
# Seven digits from here on, so that all frames of a run have the same length.
FIRST = 1_000_001
BODY_BYTES = 1024
SUBPROTOCOL = "v12.stomp"
# Each event's body is a JSON object without a NUL: where this stands, a message ends, and nowhere else.
END = b"}\0"
_MASK = b"\x37\xfa\x21\x3d"


def body(seq: int) -> str:
    """An event like the publisher's, padded in its text to 1 KB."""
    post = {"id": f"post-{seq}", "revision": 1, "source": "bench", "text": ""}
    event = {"v": wire.VERSION, "wall": WALL, "epoch": EPOCH, "seq": seq, "kind": "published"}
    fields = {**event, "at": "2026-11-21T10:00:01.204Z", "post": post}
    post["text"] = "x" * (BODY_BYTES - len(json.dumps(fields, separators=(",", ":"))))
    return json.dumps(fields, separators=(",", ":"))


def send(seq: int) -> bytes:
    """The SEND frame of an event, as our publisher writes it."""
    headers = {"destination": TOPIC, **wire.headers(EPOCH, seq, "published", f"post-{seq}")}
    return stomp("SEND", headers, body(seq).encode())


def stomp(command: str, headers: Mapping[str, str], content: bytes = b"") -> bytes:
    return encode(Frame(command, headers, content))


def upgrade(host: str, port: int, path: str) -> bytes:
    """A browser's upgrade request; the key is the same each time, which no server minds."""
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Connection: Upgrade",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0",
        "Upgrade: websocket",
        f"Origin: http://{host}:{port}",
        "Sec-WebSocket-Version: 13",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Accept-Language: en-GB,en;q=0.9",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
    )
    return "\r\n".join((*lines, "", "")).encode()


def masked(payload: bytes) -> bytes:
    """A text frame from a client."""
    length = len(payload)
    head = bytes((0x81, 0x80 | length)) if length < 126 else b"\x81\xfe" + length.to_bytes(2, "big")
    return head + _MASK + apply_mask(payload, _MASK)
