"""What the kernel is asked to do for each connection: hold little, and notice who is gone."""

import asyncio
import socket

from relay.settings import RelaySettings

# Probes after a minute of silence, four of them a quarter of a minute apart: who vanished without a word, and wants
# no heart-beats, is noticed after two minutes.
_PROBE_AFTER, _PROBE_EVERY, _PROBES = 60, 15, 4


def tune(transport: asyncio.Transport, settings: RelaySettings) -> None:
    """Cap what the kernel holds of a slow reader, so that it is seen to be slow while what waits for it can still be
    chosen; and end a connection whose other side has confirmed nothing for `unconfirmed`. Linux has all of these, other
    systems some."""
    peer = transport.get_extra_info("socket")
    if peer is None:
        return
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.send_buffer)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_NOTSENT_LOWAT", settings.send_buffer),
        ("TCP_USER_TIMEOUT", round(settings.unconfirmed * 1000)),
        ("TCP_KEEPIDLE", _PROBE_AFTER),
        ("TCP_KEEPINTVL", _PROBE_EVERY),
        ("TCP_KEEPCNT", _PROBES),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            peer.setsockopt(socket.IPPROTO_TCP, option, value)
