"""Where the relay's metrics are served: a port of its own, never the public one."""

import socket
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from frieze.server import HttpServer, bind, http_server
from relay.media import MediaServer
from relay.media_metrics import MediaMetrics
from relay.metrics import RelayMetrics, Source
from relay.server import Relay
from relay.uploads.metrics import UploadMetrics
from relay.uploads.server import UploadServer
from wall.errors import SettingsError


def metrics_address(setting: str | None, worker: int = 0) -> tuple[str, int] | None:
    """Host and port for worker number `worker` (from 0): each has the port after the one before it. None: nowhere.

    Raises SettingsError when `setting` is not an address, or has no port left for this worker.
    """
    if not setting:
        return None
    host, _, port = setting.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"FRIEZE_METRICS is {setting!r}; write an address and a port, as 127.0.0.1:9464.")
    if int(port) == 0:
        return host, 0  # each gets what the system chooses
    if int(port) + worker > 65535:
        raise SettingsError(
            f"FRIEZE_METRICS is {setting!r}, which leaves no port for worker {worker}; choose a lower one."
        )
    return host, int(port) + worker


def bind_metrics(setting: str | None, worker: int = 0) -> socket.socket | None:
    """The listening socket of this worker's metrics. Raises SettingsError."""
    address = metrics_address(setting, worker)
    return bind(*address, "metrics", "FRIEZE_METRICS") if address else None


def metrics_server(
    relay: Relay,
    source: Source | None,
    media: Callable[[], MediaServer | None] = lambda: None,
    uploads: Callable[[], UploadServer | None] = lambda: None,
    *,
    worker: int = 0,
    workers: int = 1,
) -> HttpServer:
    """Serves `/metrics` of this process: the relay, bytes out and in, and what the system knows of the process."""
    registry = CollectorRegistry()
    registry.register(MediaMetrics(media))
    registry.register(UploadMetrics(uploads))
    registry.register(RelayMetrics(relay, source, version=_version(), worker=worker, workers=workers))
    ProcessCollector(registry=registry)

    async def metrics(request: Request) -> Response:
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        # in the loop on purpose: what is read belongs to it
        return Response(encode(registry), media_type=None, headers={"content-type": kind, "cache-control": "no-store"})

    async def hint(_: Request) -> Response:
        return PlainTextResponse("Frieze's relay: see /metrics\n")

    return http_server(Starlette(routes=[Route("/metrics", metrics), Route("/", hint)]), None, ())


def _version() -> str:
    try:
        return version("frieze")
    except PackageNotFoundError:
        return ""  # run from a checkout that is not installed
