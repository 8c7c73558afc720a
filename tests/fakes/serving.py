"""An application on a real port, behind the server that the product runs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from starlette.types import ASGIApp

from frieze.connection import FindReady
from frieze.server import bind, http_server


@asynccontextmanager
async def served(app: ASGIApp, proxies: tuple[str, ...] = (), ready: FindReady | None = None) -> AsyncGenerator[int]:
    """`app` on 127.0.0.1, where `proxies` are believed, and what is `ready` is given without it; its port."""
    listening = bind("127.0.0.1", 0, "tests", "nothing")
    server = http_server(app, None, proxies, ready)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task
        listening.close()
