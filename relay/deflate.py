"""permessage-deflate (RFC 7692) for a broadcast: each message is compressed once, whoever gets it.

Nobody's window is kept (both sides agree to no context takeover), so what one viewer gets every viewer can read. The
subscription's id stands first in a STOMP frame and differs between viewers: it goes out as a stored block (RFC 1951
§3.2.4), and the compressed rest, which refers to nothing before it, is the same for all.
"""

import zlib
from collections.abc import Sequence

from websockets.exceptions import NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.typing import ExtensionParameter

# What every message ends in and none carries (RFC 7692 §7.2.1).
_TAIL = b"\x00\x00\xff\xff"
# A shorter one gains little: an isolated JSON of 500 bytes keeps most of them (reference/fanout.md §7).
DEFLATE_FROM = 1024


def deflate(data: bytes) -> bytes:
    """Compress from an empty window, to be appended to any number of whole blocks."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_TAIL)


def stored(data: bytes) -> bytes:
    """`data`, at most 65,535 bytes, as a block that is not compressed; another block follows it."""
    length = len(data)
    return b"\x00" + length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little") + data


def inflate(data: bytes, limit: int) -> bytes:
    """Decompress at most `limit` bytes. Raises OverflowError when there are more, ValueError when it is not deflate."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        payload = unpacker.decompress(data + _TAIL, limit + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(payload) > limit:
        raise OverflowError
    return payload


class Negotiation(ServerPerMessageDeflateFactory):
    """Agrees to permessage-deflate without context takeover, or to nothing."""

    def __init__(self) -> None:
        super().__init__(server_no_context_takeover=True, client_no_context_takeover=True)

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        # A smaller window would need a compression of its own.
        if any(name == "server_max_window_bits" and value not in (None, "15") for name, value in params):
            raise NegotiationError("the window has 15 bits here")
        return super().process_request_params(params, accepted_extensions)
