"""Many viewers on real sockets, some of whom read late, written to in batches."""

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from tests.relay.running import QUICK, read, running, viewer

pytestmark = pytest.mark.anyio

EVENTS = 150
# a wall's event many times over, so that sockets fill; small buffers, and time for who is slow
BODY = "x" * 16_000
PATIENT = replace(QUICK, newest_after=60.0, send_buffer=8 * 1024)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param}


async def test_everybody_gets_each_event_once_and_in_order_however_late_they_read() -> None:
    async with running(PATIENT) as server, AsyncExitStack() as stack:
        viewers = [await stack.enter_async_context(viewer(server, max_queue=1, ping_interval=None)) for _ in range(12)]
        slow = viewers[::4]
        for connection in slow:
            sock: socket.socket = connection.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        quick = [connection for connection in viewers if connection not in slow]

        async def seqs(connection: Any) -> list[str]:
            return [(await read(connection)).headers["seq"] for _ in range(EVENTS)]

        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(seqs(connection)) for connection in quick]
            for seq in range(1, EVENTS + 1):
                server.publish(seq, body=BODY)
                await asyncio.sleep(0)
        # who has read nothing is behind by now; all others have everything
        seated = server.relay.hub.topics["/topic/wall.main"].audience.seated
        assert (seated.live, seated.behind) == (len(quick), len(slow))
        expected = [str(seq) for seq in range(1, EVENTS + 1)]
        assert all(task.result() == expected for task in reading)
        for connection in slow:
            assert await seqs(connection) == expected
