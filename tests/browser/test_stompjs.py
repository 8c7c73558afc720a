"""stompjs in Chromium, as it comes from npm, at the relay: every ack mode, transactions, a wildcard."""

import asyncio
import threading
from collections.abc import Generator
from dataclasses import replace

import pytest
from playwright.sync_api import Page

from tests.relay.running import PASSCODE, QUICK, running
from tests.relay.stompjs import CONVERSE, STOMPJS

READ = f"""([url, passcode, mode, destination]) => new Promise((resolve, reject) => {{
  {CONVERSE}
  const client = new StompJs.Client({{
    brokerURL: url,
    connectHeaders: {{ login: "frieze", passcode }},
    reconnectDelay: 0,
    onStompError: (frame) => reject(new Error(frame.headers.message)),
    onWebSocketError: () => reject(new Error("no WebSocket")),
  }});
  converse(client, mode, destination, resolve);
}})"""


@pytest.fixture
def port() -> Generator[int]:
    """A relay with a window of two messages, in a thread of its own: Playwright's loop has this one."""
    started, found = threading.Event(), list[int]()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with running(replace(QUICK, unacknowledged=2)) as server:
            found.append(server.port)
            started.set()
            await stop.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(60)
    yield found[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(60)


@pytest.mark.parametrize("destination", ["/topic/wall.main", "/topic/wall.>"])
@pytest.mark.parametrize("mode", ["auto", "client", "client-individual"])
def test_stompjs_reads_in_every_mode_and_sends_in_a_transaction(
    page: Page, port: int, mode: str, destination: str
) -> None:
    page.goto(f"http://127.0.0.1:{port}/")
    page.add_script_tag(path=str(STOMPJS))
    got = page.evaluate(READ, [f"ws://127.0.0.1:{port}/stomp", PASSCODE, mode, destination])
    assert got == [f"é: {seq}" for seq in range(1, 7)]
