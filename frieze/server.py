"""One HTTP port for pages, API, media and the WebSocket, on uvicorn."""

import asyncio
import contextlib
import errno
import re
import socket
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from frieze.connection import FindReady, connection_class
from wall.errors import SettingsError

SHUTDOWN_SECONDS = 2  # how long open requests may take after a stop; Ctrl-C ends everything within 5 s
BACKLOG = 4096  # a wall's whole audience may come back at once
PAGES = ("pages and pictures", "--port or FRIEZE_PORT")  # what the port is for, and how another one is chosen


def bind(
    host: str, port: int, what: str, option: str, *, shared: bool = False, listening: bool = True
) -> socket.socket:
    """A listening socket. Raises SettingsError with what to do when the port is taken or the address is not ours.

    `shared` ones of one user may have the same port (SO_REUSEPORT): the system gives each connection to one of those
    that listen. One that does not listen only keeps the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
        if listening:
            bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise port_refused(host, port, what, option, error) from error
    bound.setblocking(False)
    return bound


def port_refused(host: str, port: int, what: str, option: str, error: OSError) -> SettingsError:
    """Why a port can't be had, and what to do."""
    taken = error.errno == errno.EADDRINUSE
    reason = "is taken by another program" if taken else f"can't be used ({error.strerror or error})"
    return SettingsError(f"The port {port} on {host} for {what} {reason}; choose another one with {option}.")


_STREAM = re.compile(r"/api/walls/[^/]+/stream")
_UPLOADS = re.compile(r"/api/(?:walls/[^/]+/uploads|uploads/.*)")


class Dispatch:
    """One application by the path; `/media/` first and straight to its bytes. `streams` and `uploads` are there where
    there is a relay."""

    def __init__(
        self,
        media: ASGIApp,
        console: ASGIApp | None,
        rest: ASGIApp,
        streams: ASGIApp | None = None,
        uploads: ASGIApp | None = None,
    ) -> None:
        self._media = media
        self._console = console
        self._streams = streams
        self._uploads = uploads
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"] if scope["type"] == "http" else ""
        if path.startswith("/media/"):
            await self._media(scope, receive, send)
        elif self._console is not None and path.startswith(("/console", "/api/console")):
            await self._console(scope, receive, send)
        elif self._streams is not None and _STREAM.fullmatch(path):
            await self._streams(scope, receive, send)
        elif self._uploads is not None and _UPLOADS.fullmatch(path):
            await self._uploads(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


class HttpServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the composition root stops all parts in order.

    It is woken to end, and does not look ten times a second whether it is to: an idle process sleeps.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        self._ending = asyncio.Event()
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        return self._ending.is_set()

    @should_exit.setter
    def should_exit(self, ending: bool) -> None:
        if ending:
            self._ending.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which writes the answers' date anew
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def http_server(
    app: ASGIApp, websocket: type | None, trusted_proxies: tuple[str, ...], ready: FindReady | None = None
) -> HttpServer:
    """A server for `app`, whose upgrades go to `websocket` (an asyncio protocol class) or are refused.

    `ready`: what it answers by itself, before `app` is asked.
    """
    return HttpServer(
        uvicorn.Config(
            app,
            http=connection_class(ready),
            ws=websocket if websocket is not None else "none",
            loop="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            timeout_keep_alive=30,
            backlog=BACKLOG,
        )
    )
