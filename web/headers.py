"""The headers every page carries: a browser may talk to this installation and to nobody else."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), screen-wake-lock=(self)"),
)


class SecurityHeaders:
    """ASGI middleware: adds what is missing, never replaces what a route set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower() for name, _ in headers}
                headers.extend((name, value) for name, value in _ALWAYS if name not in present)
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, with_headers)


def wall_policy(connect: str) -> str:
    """The wall page's Content-Security-Policy; `connect` is where its browser may open the WebSocket."""
    place = urlsplit(connect)
    source = f"{place.scheme}://{place.netloc}" if place.netloc else ""
    # 'self' covers ws: and wss: of the same host in today's browsers
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self'",
            f"connect-src 'self' {source}".strip(),
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
