"""The relay's media and uploads by themselves in a process: the product's own servers, composed as frieze/run.py does,
without ingest and pages.

The store is the one of the settings in the environment. Says its port; then for each line it hears, a line:

    show ROLE TYPE KEY LENGTH   puts the object KEY on the wall; its path
    running                     how many streams and how many uploads run now
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
from frieze.logs import configure
from frieze.server import Dispatch, bind, http_server
from frieze.settings import load
from frieze.store import configured_store
from relay.media import MediaServer
from relay.settings import MediaSettings
from relay.uploads.server import UploadServer
from relay.uploads.settings import UploadSettings
from tests.fakes.posts import LEASE, due_search, source_post
from tests.fakes.uploads import open_wall
from wall.catalogue import Catalogue
from wall.catalogue.searches import DueSearch
from wall.catalogue.work import MediaResult, StoredRendition

# all viewers and all guests of the bench come from one address
_OUT = 256
_IN = UploadSettings(slots_per_address=64, slots_per_guest=64, direct_per_address=64, asks=100_000)


class _Wall:
    """Puts pictures on it without drawing any."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._due: DueSearch | None = None
        self._count = 0

    async def show(self, role: str, media_type: str, key: str, length: int) -> str:
        if self._due is None:
            self._due = await due_search(self._catalogue)
        self._count += 1
        post = source_post(str(self._count))
        await self._catalogue.posts.store(self._due, LEASE, posts=[post], removals=(), checkpoint={})
        [work] = await self._catalogue.work.claim(["demo"], "bench", LEASE, 1)
        rendition = StoredRendition(role=role, width=320, height=240, type=media_type, bytes=length, key=key)
        [media] = work.media
        result = MediaResult(media_id=media.id, width=320, height=240, renditions=(rendition,))
        await self._catalogue.work.finish(work, [result])
        return f"/media/{media.id}/{role}"


async def main(folder: Path) -> None:
    settings = load(data=folder)
    # standard output is for answers; guests who leave half-way are no news here
    configure("lines", "error")
    catalogue = Catalogue(settings.database)
    await catalogue.migrate()
    await open_wall(catalogue, guest_posts=1_000_000, guest_bytes=2**50, wall_bytes=2**50)
    async with configured_store(settings) as store:
        proxies = settings.trusted_proxies
        media = MediaServer(catalogue, store, MediaSettings(trusted_proxies=proxies, streams_per_address=_OUT))
        uploads = UploadServer(catalogue, store, _IN, holder="bench")
        listening = bind("127.0.0.1", 0, "media", "nothing")
        pages = Starlette(routes=health_routes(catalogue, lambda: True))
        server = http_server(Dispatch(media, None, pages, None, uploads), None, proxies, media.ready)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        wall = _Wall(catalogue)
        settle()
        print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
        loop = asyncio.get_running_loop()
        while words := (await loop.run_in_executor(None, sys.stdin.readline)).split():
            match words:
                case ["show", role, media_type, key, length]:
                    print(await wall.show(role, media_type, key, int(length)), flush=True)
                case _:
                    running = {"streams": len(media.streams), "uploads": uploads.slots.running}
                    print(json.dumps(running), flush=True)
        media.streams.stop()
        await uploads.close(0, 5)
        server.should_exit = True
        await serving
    await catalogue.close()


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="frieze-bench-") as root,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(main(Path(root)))
