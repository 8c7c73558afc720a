"""A small STOMP broker for the cases a real one can't be asked for: black holes, missing receipts, sudden ends."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Mode = Literal[
    "well", "black-hole", "no-receipt", "refuse-login", "refuse-send", "close-after-receipts", "stops-reading"
]


@dataclass
class StompBroker:
    """`messages` holds (destination, headers, body) of each SEND it took."""

    port: int = 0
    mode: Mode = "well"
    receipts_before_close: int = 3
    messages: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    connections: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._session(reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receipts = 0
        while True:
            raw = (await reader.readuntil(b"\0"))[:-1].lstrip(b"\n")
            head, _, body = raw.decode().partition("\n\n")
            command, *lines = head.split("\n")
            headers = dict(line.split(":", 1) for line in lines)
            if self.mode == "black-hole":
                continue
            if command in ("CONNECT", "STOMP"):
                if self.mode == "refuse-login":
                    writer.write(b"ERROR\nmessage:User name or password is invalid\n\n\0")
                    return
                writer.write(b"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0")
                if self.mode == "stops-reading":
                    await asyncio.Event().wait()
                continue
            if command == "SEND":
                if self.mode == "refuse-send":
                    writer.write(b"ERROR\nmessage:User frieze is not authorized to write\n\n\0")
                    return
                self.messages.append((headers["destination"], headers, body))
            if "receipt" in headers and self.mode != "no-receipt":
                writer.write(f"RECEIPT\nreceipt-id:{headers['receipt']}\n\n\0".encode())
                receipts += 1
            if self.mode == "close-after-receipts" and receipts >= self.receipts_before_close:
                return

    def cut_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def stomp_broker(mode: Mode = "well") -> AsyncGenerator[StompBroker]:
    broker = StompBroker(mode=mode)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        broker.cut_all()
        await server.wait_closed()
