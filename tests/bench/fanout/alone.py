"""The relay by itself in a process: the product's own parts, composed as frieze/run.py does, without ingest and pages.

What else `frieze up` does each second would be charged to the deliveries; `frieze relay`, which has none of it, needs a
broker, whose publisher would set the pace. Prints its two ports as JSON; the passcode comes in FRIEZE_BROKER_PASSWORD.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

import uvloop
from starlette.applications import Starlette

from frieze.collector import settle
from frieze.health import health_routes
from frieze.relaying import CatalogueLog, relay_settings
from frieze.server import bind, http_server
from frieze.settings import load
from relay.server import Relay
from relay.tcp import listen_tcp
from relay.websocket import websocket_class
from wall.catalogue import Catalogue


async def main(folder: Path) -> None:
    settings = load(data=folder)
    assert settings.broker_password is not None
    catalogue = Catalogue(settings.database)
    await catalogue.migrate()
    relay = Relay(
        log=CatalogueLog(catalogue),
        settings=relay_settings(settings, settings.broker_password.get_secret_value(), None),
    )
    stomp = await listen_tcp(relay, "127.0.0.1", 0)
    viewers = bind("127.0.0.1", 0, "viewers", "nothing")
    pages = Starlette(routes=health_routes(catalogue, lambda: True))
    server = http_server(pages, websocket_class(relay), settings.trusted_proxies)
    serving = asyncio.create_task(server.serve(sockets=[viewers]))
    settle()
    ports = {"viewers": viewers.getsockname()[1], "stomp": stomp.sockets[0].getsockname()[1]}
    print(json.dumps(ports), flush=True)
    # ends with the bench, whatever becomes of that
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await relay.close()
    server.should_exit = True
    await serving
    await catalogue.close()


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="frieze-bench-") as root,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(main(Path(root)))
