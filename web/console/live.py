"""The live stream: Server-Sent Events that say what to read again, and never carry anything else."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from web.console.answers import Hint, errors
from web.console.guard import API, operator_of
from web.console.watch import Console, Watch

KEEP_ALIVE_SECONDS = 15.0  # proxies cut what is silent for 30 to 60 s
SEND_SECONDS = 10.0  # a console that takes nothing for so long is gone
RETRY_MILLISECONDS = 2_000


def live_routes(watch: Watch) -> APIRouter:
    router = APIRouter(prefix=API, tags=["live"], dependencies=[Depends(operator_of)])

    @router.get(
        "/changes",
        response_class=Response,
        responses={200: {"model": Hint, "content": {"text/event-stream": {}}}, **errors(401, 503)},
    )
    async def changes(request: Request) -> Response:
        """Events `hello` (read everything now), `changed` (a Hint) and `ended` (the session is over)."""
        return _Stream(watch, await watch.join(operator_of(request)))

    _: tuple[Any, ...] = (changes,)
    return router


class _Stream(Response):
    """Sends until the console goes away, its session ends, or the server stops."""

    media_type = "text/event-stream"

    def __init__(self, watch: Watch, console: Console) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._watch = watch
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_until_gone, receive, group.cancel_scope)
                await self._send_all(send)
                group.cancel_scope.cancel()
        finally:
            self._watch.leave(self._console)

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for text in _events(self._console):
                async with asyncio.timeout(SEND_SECONDS):
                    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        except TimeoutError:
            return  # nobody reads; the server drops the connection without its end
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _events(console: Console) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MILLISECONDS}\n" + _event("hello", {})
    while not console.ended:
        kinds = await console.wait(KEEP_ALIVE_SECONDS)
        if kinds:
            yield _event("changed", {"kinds": sorted(kinds)})
        elif not console.ended:
            yield ": still here\n\n"
    yield _event("ended", {})


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
