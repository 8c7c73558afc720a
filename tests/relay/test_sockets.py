"""What the kernel holds and knows of a connection, on real sockets."""

import asyncio
import ctypes
import socket
from dataclasses import replace

import pytest

from relay.server import Relay
from relay.sockets import tune, unanswered
from relay.viewer import Viewer
from tests.relay.running import CONNECT, QUICK, Tcp, running, subscribe, until, viewer
from tests.relay.streaming import stream, streaming

pytestmark = pytest.mark.anyio

IMPATIENT = replace(QUICK, unconfirmed=0.5)
GONE = 1006


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def vanish(peer: socket.socket) -> None:
    """Nothing reaches `peer` any more, and so its kernel answers nothing: a laptop that was shut."""
    drop_all = (_Instruction * 1)(_Instruction(0x06, 0, 0, 0))  # BPF_RET: keep 0 bytes
    attach_filter = 26  # SO_ATTACH_FILTER, which Python does not name
    peer.setsockopt(socket.SOL_SOCKET, attach_filter, bytes(_Program(1, drop_all)))


def our_side(relay: Relay) -> Viewer:
    (ours,) = relay.connections.all
    assert isinstance(ours, Viewer)
    return ours


async def test_the_kernel_holds_little_and_probes_who_is_silent() -> None:
    async with running() as server, viewer(server):
        peer = our_side(server.relay).transport.get_extra_info("socket")
        tcp = socket.IPPROTO_TCP
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * QUICK.send_buffer
        assert peer.getsockopt(tcp, socket.TCP_NOTSENT_LOWAT) == QUICK.send_buffer
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert peer.getsockopt(tcp, socket.TCP_KEEPIDLE) == 60
        # who answers, and only reads slowly, is not the kernel's to end
        assert peer.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == 0


async def test_a_viewer_without_heart_beats_that_has_vanished_is_ended() -> None:
    async with running(IMPATIENT) as server, viewer(server) as connection:
        vanish(connection.transport.get_extra_info("socket"))
        server.publish(1)
        await until(lambda: not server.relay.connections, 30)
        assert server.relay.connections.endings == {GONE: 1}


async def test_a_stream_whose_reader_has_vanished_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.stream.BEAT_SECONDS", 0.1)
    async with streaming(IMPATIENT) as server, stream(server) as reader:
        assert (await reader.next()).kind == "hello"
        connection = reader.answer.connection
        assert connection is not None
        assert connection.transport is not None
        vanish(connection.transport.get_extra_info("socket"))
        server.publish(1)
        await until(lambda: not server.relay.connections, 30)
        assert server.relay.connections.endings == {GONE: 1}


async def test_a_viewer_that_answers_and_has_no_room_is_not_taken_for_gone() -> None:
    async with running(IMPATIENT) as server:
        reader = Tcp(server.stomp_port)
        await reader.say(CONNECT, subscribe())
        assert [frame.command for frame in await reader.read(2)] == ["CONNECTED", "RECEIPT"]
        ours = our_side(server.relay)
        seq = 0
        while not ours.paused:
            seq += 1
            server.publish(seq, body="x" * 4096)
            await asyncio.sleep(0)
        full = asyncio.get_running_loop().time()
        # several times as long as one may be gone; its window is full, which its kernel confirms again and again
        while asyncio.get_running_loop().time() < full + 4 * IMPATIENT.unconfirmed:
            assert unanswered(ours.transport) < IMPATIENT.unconfirmed
            await asyncio.sleep(0.05)
        frames = await reader.read(seq)
        assert [frame.headers["seq"] for frame in frames] == [str(number + 1) for number in range(seq)]
        assert server.relay.connections.endings == {}
        reader.close()


async def test_an_hour_of_peace_is_no_sign_of_being_gone() -> None:
    async with running(IMPATIENT) as server, viewer(server) as connection:
        peace = asyncio.get_running_loop().time() + 2 * IMPATIENT.unconfirmed
        while asyncio.get_running_loop().time() < peace:
            assert unanswered(our_side(server.relay).transport) == 0
            await asyncio.sleep(0.05)
        vanish(connection.transport.get_extra_info("socket"))
        server.publish(1)
        # the first try is as young as it is, however long ago the last answer was
        assert unanswered(our_side(server.relay).transport) < IMPATIENT.unconfirmed


async def test_of_a_connection_that_is_closed_already_nothing_is_asked() -> None:
    """Its reader may be visited before it knows; an error there would cost everybody else in that tick theirs."""
    async with running(IMPATIENT) as server, viewer(server):
        transport = our_side(server.relay).transport
        transport.abort()
        await until(lambda: not server.relay.connections)
        assert unanswered(transport) == 0
        tune(transport, IMPATIENT)
