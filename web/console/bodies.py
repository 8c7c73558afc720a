"""Bodies are small, arrive soon, and are read whole before anybody works with them."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.console.refusals import Refused

# The largest honest body is a search of 1,024 characters, each escaped to 12 bytes of JSON.
BODY_BYTES = 16 * 1024
BODY_SECONDS = 10.0


class Bodies:
    """Refuses a body above `BODY_BYTES` with 413 and one that takes longer than `BODY_SECONDS` with 408."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read(scope, receive)
        except Refused as refused:
            await refused.response()(scope, receive, send)
            return
        except TimeoutError:
            slow = Refused(408, "slow", "The request took too long to arrive.", {"connection": "close"})
            await slow.response()(scope, receive, send)
            return
        if body is None:
            return  # nobody is there any more
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, receive_again, send)


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    announced = Headers(scope=scope).get("content-length", "0")
    if not announced.isdecimal() or int(announced) > BODY_BYTES:
        raise _too_large()
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            return body


def _too_large() -> Refused:
    sentence = f"A request to the console has at most {BODY_BYTES:,} bytes."
    return Refused(413, "too_large", sentence, {"connection": "close"})
