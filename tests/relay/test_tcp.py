"""STOMP on TCP, with stomp.py and with a client that reads only when told."""

import asyncio
import json
import threading
from dataclasses import replace
from typing import Any

import pytest
import stomp as stompy

from relay.viewer import Viewer
from tests.relay.running import CONNECT, QUICK, SERVICE, Running, Tcp, running, stomp, subscribe, until, viewer
from wall.stomp.errors import Code

pytestmark = pytest.mark.anyio


class Ear(stompy.ConnectionListener):
    """Keeps what stomp.py hears."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.receipts: list[str] = []
        self.errors: list[Any] = []
        self.gone = threading.Event()

    def on_message(self, frame: Any) -> None:
        self.messages.append(frame)

    def on_receipt(self, frame: Any) -> None:
        self.receipts.append(frame.headers["receipt-id"])

    def on_error(self, frame: Any) -> None:
        self.errors.append(frame)

    def on_disconnected(self) -> None:
        self.gone.set()


def stock_client(server: Running, kind: type = stompy.Connection12, **options: Any) -> tuple[Any, Ear]:
    connection = kind([("127.0.0.1", server.stomp_port)], auto_content_length=False, **options)
    ear = Ear()
    connection.set_listener("ear", ear)
    return connection, ear


@pytest.mark.parametrize("kind", [stompy.Connection10, stompy.Connection11, stompy.Connection12])
async def test_stock_stomp_py_publishes_with_receipts_and_another_reads(kind: type) -> None:
    async with running() as server:
        beats = {} if kind is stompy.Connection10 else {"heartbeats": (1000, 1000)}
        publisher, heard = stock_client(server, kind, **beats)
        reader, read = stock_client(server, kind)
        await asyncio.to_thread(publisher.connect, "frieze", "correct horse", wait=True)
        await asyncio.to_thread(reader.connect, wait=True)
        reader.subscribe("/topic/wall.main", "sub-0", headers={"receipt": "on"})
        await until(lambda: read.receipts == ["on"])
        for seq in range(1, 4):
            body = json.dumps({"text": f"é: {seq}"}, ensure_ascii=False)
            headers = {
                "receipt": f"r{seq}",
                "epoch": "aaaa",
                "seq": str(seq),
                "kind": "published",
                "persistent": "true",
            }
            publisher.send("/topic/wall.main", body, headers=headers)
        await until(lambda: len(read.messages) == 3 and len(heard.receipts) == 3)
        assert heard.receipts == ["r1", "r2", "r3"]
        assert [frame.headers["message-id"] for frame in read.messages] == ["aaaa-1", "aaaa-2", "aaaa-3"]
        assert json.loads(read.messages[0].body) == {"text": "é: 1"}
        assert "persistent" not in read.messages[0].headers
        for connection, ear in ((publisher, heard), (reader, read)):
            await asyncio.to_thread(connection.disconnect, "bye")
            await asyncio.to_thread(ear.gone.wait, 5)
            assert not ear.errors
        await until(lambda: not server.relay.connections)


async def test_wrong_credentials_are_an_error_and_the_end() -> None:
    async with running() as server:
        client = Tcp(server.stomp_port)
        await client.say(stomp("CONNECT", accept_version="1.2", login="frieze", passcode="wrong"))
        (error,) = await client.read()
        assert error.headers["code"] == "4540"
        assert await client.read() == []
        client.close()


async def test_without_a_passcode_in_the_settings_nobody_is_a_service() -> None:
    async with running(replace(QUICK, passcode=None)) as server:
        client = Tcp(server.stomp_port)
        await client.say(stomp("CONNECT", accept_version="1.2", login="frieze"))
        assert (await client.read())[0].headers["code"] == "4540"
        client.close()


async def test_a_service_reads_by_wildcard() -> None:
    async with running() as server:
        client = Tcp(server.stomp_port)
        await client.say(SERVICE, subscribe(destination="/topic/>"))
        assert [frame.command for frame in await client.read(2)] == ["CONNECTED", "RECEIPT"]
        await client.say(stomp("SEND", b"hint", destination="/topic/console.main", receipt="sent"))
        got = {frame.command: frame for frame in await client.read(2)}
        assert got["MESSAGE"].headers["destination"] == "/topic/console.main"
        assert got["RECEIPT"].headers["receipt-id"] == "sent"
        client.close()


@pytest.mark.parametrize("destination", ["/topic/wall.>", "/topic/wall.*"])
async def test_a_viewer_reads_all_public_walls_by_wildcard_and_nothing_else(destination: str) -> None:
    async with running() as server:
        client = Tcp(server.stomp_port)
        await client.say(CONNECT, subscribe(destination=destination))
        assert [frame.command for frame in await client.read(2)] == ["CONNECTED", "RECEIPT"]
        for topic in ("/topic/private.main", "/topic/console.main", "/topic/wall.main", "/topic/wall.other"):
            server.relay.receive(topic, {"epoch": "aaaa", "seq": "1"}, "{}")
        got = [frame.headers["destination"] for frame in await client.read(2)]
        assert got == ["/topic/wall.main", "/topic/wall.other"]
        server.relay.receive("/topic/wall.main", {"epoch": "aaaa", "seq": "2"}, "{}")
        assert [frame.headers["message-id"] for frame in await client.read(1)] == ["aaaa-2"]
        client.close()


async def test_one_byte_at_a_time_is_as_good_as_all_at_once() -> None:
    async with running() as server:
        client = Tcp(server.stomp_port)
        for byte in CONNECT + subscribe():
            await client.say(bytes([byte]))
        assert [frame.command for frame in await client.read(2)] == ["CONNECTED", "RECEIPT"]
        client.close()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET /a/page/that/is/not/here HTTP/1.1\r\n", "4501"),
        (stomp("CONNECT", accept_version="1.2", x="y" * 2000), "4503"),
        (CONNECT + stomp("SEND", b"x", destination="/topic/wall.main"), "4542"),
        (CONNECT + subscribe(destination="/topic/console.main"), "4541"),
        (CONNECT + subscribe(destination="/topic/>"), "4541"),
        (CONNECT + subscribe(destination="/topic/*.main"), "4541"),
        (CONNECT + subscribe(destination="/topic/wall.*.>"), "4541"),
        (CONNECT + subscribe(destination="/queue/a"), "4530"),
        (CONNECT + subscribe(destination="/temp-queue/a"), "4530"),
        (SERVICE + subscribe(destination="/queue/a"), "4530"),
        (CONNECT + subscribe(selector="kind = 'removed'"), "4530"),
        (CONNECT + subscribe(durable="true"), "4530"),
        (CONNECT + subscribe(cursor="nonsense"), "4525"),
        (CONNECT + stomp("SEND", b"x" * 9000, destination="/topic/wall.main"), "4505"),
        (SERVICE + stomp("SEND", b"x" * 40_000, destination="/topic/wall.main"), "4505"),
        (SERVICE + stomp("SEND", b"x", destination="/queue/a"), "4530"),
        (SERVICE + subscribe(cursor="aaaa-1", destination="/topic/wall.>"), "4525"),
        (CONNECT + subscribe(cursor="aaaa-1", destination="/topic/wall.>"), "4525"),
    ],
)
async def test_what_is_not_allowed_is_an_error_with_a_number_and_the_end(sent: bytes, code: str) -> None:
    async with running() as server:
        client = Tcp(server.stomp_port)
        await client.say(sent)
        frames = await client.read(3)
        assert frames[-1].command == "ERROR"
        assert frames[-1].headers["code"] == code
        assert client.ended
        client.close()
        await until(lambda: not server.relay.connections)


async def test_a_connection_that_says_nothing_is_ended() -> None:
    async with running(replace(QUICK, connect_within=0.1)) as server:
        client = Tcp(server.stomp_port)
        (error,) = await client.read()
        assert error.headers["code"] == "4000"
        client.close()


async def test_missed_heart_beats_end_a_connection_and_ours_are_sent() -> None:
    async with running(replace(QUICK, viewer_beat=0.1)) as server:
        client = Tcp(server.stomp_port)
        await client.say(stomp("CONNECT", accept_version="1.2", heart_beat="100,100"))
        connected, error = await client.read(2)
        assert connected.headers["heart-beat"] == "100,100"
        assert error.headers["code"] == "4001"
        client.close()


async def test_an_idle_connection_hears_a_beat() -> None:
    async with running(replace(QUICK, viewer_beat=0.1)) as server:
        client = Tcp(server.stomp_port)
        await client.say(stomp("CONNECT", accept_version="1.2", heart_beat="0,100"))
        await client.read()
        assert await asyncio.to_thread(client.socket.recv, 1) == b"\n"
        client.close()


async def test_too_many_from_one_address_are_refused() -> None:
    async with running(replace(QUICK, connections_per_address=2)) as server:
        clients = [Tcp(server.stomp_port) for _ in range(3)]
        (error,) = await clients[2].read()
        assert error.headers["code"] == "4004"
        await until(lambda: len(server.relay.connections) == 2)
        clients[0].close()
        await until(lambda: len(server.relay.connections) == 1)
        late = Tcp(server.stomp_port)
        await late.say(CONNECT)
        assert (await late.read())[0].command == "CONNECTED"
        for client in (*clients, late):
            client.close()


def full_ones(server: Running) -> list[Viewer]:
    everybody = server.relay.connections.all
    return [each for each in everybody if isinstance(each, Viewer) and each.paused]


async def test_a_stuck_reader_delays_nobody_and_gets_all_it_missed_when_it_reads() -> None:
    body = b"x" * 30_000
    async with running() as server, viewer(server) as healthy:
        stuck = Tcp(server.stomp_port)
        await stuck.say(CONNECT, subscribe())
        assert len(await stuck.read(2)) == 2
        seq = 0
        while not full_ones(server):
            seq += 1
            server.publish(seq, body=body)
            await healthy.recv()
        (full,) = full_ones(server)
        backlog = full.transport.get_write_buffer_size()
        for more in range(seq + 1, seq + 51):
            server.publish(more, body=body)
            await healthy.recv()
        assert full.transport.get_write_buffer_size() == backlog, "nothing is queued for it"
        frames = await stuck.read(seq + 50)
        assert [int(frame.headers["seq"]) for frame in frames] == list(range(1, seq + 51))
        assert server.relay.hub.counts.left_behind == 0
        stuck.close()


async def test_a_reader_stuck_for_too_long_is_cut() -> None:
    async with running(replace(QUICK, stuck_after=0.2)) as server, viewer(server) as healthy:
        stuck = Tcp(server.stomp_port)
        await stuck.say(CONNECT, subscribe())
        await stuck.read(2)
        seq = 0
        while not server.relay.connections.endings[Code.TOO_SLOW]:
            seq += 1
            server.publish(seq, body=b"x" * 30_000)
            await healthy.recv()
            await asyncio.sleep(0.001)
        await until(lambda: len(server.relay.connections) == 1)
        stuck.close()
