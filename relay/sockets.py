"""Connections themselves: which one a request came by, and what the kernel is asked to do for each: hold little, and
notice who is gone."""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from relay.settings import RelaySettings

# The ASGI extension that names the connection: scope["extensions"][TRANSPORT]["transport"]. Its "wrote" tells the
# server how many bytes of the answer's body somebody has written to the connection beside it.
TRANSPORT = "frieze.transport"

# Probes after a minute of silence, four of them a quarter of a minute apart: who vanished without a word, and wants
# no heart-beats, is noticed after two minutes.
_PROBE_AFTER, _PROBE_EVERY, _PROBES = 60, 15, 4
# The beginning of struct tcp_info (linux/tcp.h): backoff, rto (µs), unacked (packets), last_ack_recv (ms).
_TCP_INFO = struct.Struct("=4xB3xI12xI28xI")


def transport_of(scope: MutableMapping[str, Any]) -> asyncio.Transport | None:
    """The connection that a request came by, where the server shows it."""
    return scope.get("extensions", {}).get(TRANSPORT, {}).get("transport")


@dataclass(frozen=True, slots=True)
class Line:
    """A request's connection. `descriptor`: where bytes may be written past the server, which must be told by `wrote`;
    None where they may not."""

    transport: asyncio.Transport
    descriptor: int | None
    wrote: Callable[[int], None]


def line_of(scope: MutableMapping[str, Any]) -> Line | None:
    """The connection that a request came by, where the server shows it."""
    transport = transport_of(scope)
    if transport is None:
        return None
    return Line(transport, descriptor_of(transport), scope["extensions"][TRANSPORT]["wrote"])


def descriptor_of(transport: asyncio.Transport) -> int | None:
    """Where bytes may be written past the transport as long as nothing waits in it; None where they may not."""
    peer = transport.get_extra_info("socket")
    # under TLS it is the transport alone that knows how to write
    sealed = transport.get_extra_info("sslcontext") is not None
    return None if peer is None or sealed or transport.is_closing() else peer.fileno()


def tune(transport: asyncio.Transport, settings: RelaySettings) -> None:
    """Cap what the kernel holds of a slow reader, so that it is seen to be slow while what waits for it can still be
    chosen; and have it probe who is silent. Linux has all of these, other systems some.

    `TCP_USER_TIMEOUT`, which answers over HTTP have, is taken back: it also ends who answers, but has a full window
    when its time is over, and says nothing. Who reads slowly is judged by relay/pace.py and told; who is gone is seen
    by `unanswered`.
    """
    peer = transport.get_extra_info("socket")
    if peer is None or transport.is_closing():
        return
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.send_buffer)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_NOTSENT_LOWAT", settings.send_buffer),
        ("TCP_USER_TIMEOUT", 0),
        ("TCP_KEEPIDLE", _PROBE_AFTER),
        ("TCP_KEEPINTVL", _PROBE_EVERY),
        ("TCP_KEEPCNT", _PROBES),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            peer.setsockopt(socket.IPPROTO_TCP, option, value)


def unanswered(transport: asyncio.Transport) -> float:
    """For how many seconds the other side's kernel has answered nothing, while something is on its way to it.

    0 where nothing is on its way, where a full window was confirmed, where the connection is closed already, and where
    the system can't say (not Linux).
    """
    peer = transport.get_extra_info("socket")
    if peer is None or sys.platform != "linux" or transport.is_closing():
        return 0.0
    backoff, rto, unacked, since_ack = _TCP_INFO.unpack(
        peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    )
    if not unacked:
        return 0.0
    # Each try without an answer doubled the time to the next one: what they took together. The last answer alone says
    # too much, for before the first try there may have been an hour of peace.
    tried = (rto - (rto >> backoff)) / 1e6
    return min(tried, since_ack / 1e3)


def reset(transport: asyncio.Transport) -> None:
    """Cut a connection off, with all that waits for its reader in the kernel, too: it sees a reset, not an end."""
    peer = transport.get_extra_info("socket")
    if peer is not None and not transport.is_closing():
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
