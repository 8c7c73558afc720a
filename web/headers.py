"""The headers every page carries: a browser may talk to this installation and to nobody else."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PUBLIC: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), screen-wake-lock=(self)",
}


class SecurityHeaders:
    """ASGI middleware: adds those of `always` that are missing, never replaces what a route set itself."""

    def __init__(self, app: ASGIApp, always: Mapping[str, str] = PUBLIC) -> None:
        self._app = app
        self._always = always

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._always.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


def wall_policy(*connect: str) -> str:
    """The wall page's Content-Security-Policy; `connect` are where its browser may open the WebSocket."""
    sources = [source for address in sorted(set(connect)) for source in _sources(address)]
    # 'self' covers ws: and wss: of the same host in today's browsers
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self'",
            " ".join(("connect-src 'self'", *sources)),
            "font-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
            "require-trusted-types-for 'script'",
            "trusted-types lit-html frieze",
        )
    )


def guest_policy(*stores: str) -> str:
    """The Content-Security-Policy of the pages where guests add pictures and see what became of them.

    `stores` are the origins to which their browser may send bytes with a signed address. `blob:` is what the guest has
    chosen and not sent yet.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            " ".join(("connect-src 'self'", *sorted(set(stores)))),
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
            "require-trusted-types-for 'script'",
            "trusted-types lit-html",
        )
    )


def _sources(connect: str) -> list[str]:
    """What a page must be allowed for one address: a relay on another host has an event stream as well."""
    place = urlsplit(connect)
    if not place.netloc:
        return []
    source = f"{place.scheme}://{place.netloc}"
    return [source, source.replace("ws", "http", 1)] if place.path.endswith("/stomp") else [source]
