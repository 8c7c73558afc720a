"""How many pictures a second go through the fetcher and the studio on one core."""

import asyncio
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from time import monotonic

from ingest.drawing.easel import paint
from ingest.fetch import Fetcher
from wall.pictures.studio import PictureStudio

PICTURES = 12  # different ones
ROUNDS = 5


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        return


def pictures_a_second(root: Path) -> float:
    """Pictures of 1280 pixels, over loopback, one worker, everything pinned to one core."""
    folder = root / "pictures"
    folder.mkdir()
    for number in range(PICTURES):
        (folder / f"{number}.jpg").write_bytes(paint(f"bench-{number}/sea"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        return asyncio.run(_measure(f"http://127.0.0.1:{server.server_port}", root / "fetched"))
    finally:
        os.sched_setaffinity(0, allowed)
        server.shutdown()


async def _measure(base: str, target: Path) -> float:
    async with Fetcher(allow=(ip_network("127.0.0.0/8"),)) as fetcher, PictureStudio(workers=1) as studio:

        async def one(number: int) -> None:
            await fetcher.fetch(f"{base}/{number}.jpg", target)
            await studio.render(target, ("thumbnail-320", "thumbnail-640"))

        await one(0)  # the worker's start is not the picture's time
        began = monotonic()
        for _ in range(ROUNDS):
            for number in range(PICTURES):
                await one(number)
        return ROUNDS * PICTURES / (monotonic() - began)
