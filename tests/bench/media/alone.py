"""The relay's media by themselves in a process: the product's own server, composed as frieze/run.py does.

`python -m tests.bench.media.alone ORIGIN FILES`: ORIGIN is where the objects are by HTTP, FILES the folder they lie in.
Says its port; then for each line it hears, a line:

    show ROLE TYPE KEY      puts the file KEY on the wall; its path
    reads                   how often the store was asked for something small
    streams                 how many run now
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
from frieze.server import Dispatch, bind, http_server
from relay.media import MediaServer
from relay.settings import MediaSettings
from tests.bench.media.origin import OriginStore
from tests.fakes.posts import LEASE, due_search, source_post
from wall.catalogue import Catalogue
from wall.catalogue.searches import DueSearch
from wall.catalogue.work import MediaResult, StoredRendition

PROXIES = ("127.0.0.1",)  # as the settings have it


class _Wall:
    """Puts pictures on it without drawing any."""

    def __init__(self, catalogue: Catalogue, files: Path) -> None:
        self._catalogue = catalogue
        self._files = files
        self._due: DueSearch | None = None
        self._count = 0

    async def show(self, role: str, media_type: str, key: str) -> str:
        if self._due is None:
            self._due = await due_search(self._catalogue)
        self._count += 1
        post = source_post(str(self._count))
        await self._catalogue.posts.store(self._due, LEASE, posts=[post], removals=(), checkpoint={})
        [work] = await self._catalogue.work.claim(["demo"], "bench", LEASE, 1)
        size = (self._files / key).stat().st_size
        rendition = StoredRendition(role=role, width=320, height=240, type=media_type, bytes=size, key=key)
        [media] = work.media
        result = MediaResult(media_id=media.id, width=320, height=240, renditions=(rendition,))
        await self._catalogue.work.finish(work, [result])
        return f"/media/{media.id}/{role}"


async def main(folder: Path, origin: str, files: Path) -> None:
    catalogue = Catalogue(f"sqlite:{folder / 'catalogue.db'}")
    await catalogue.migrate()
    store = OriginStore(folder, origin)
    # all streams of the bench come from one address
    media = MediaServer(catalogue, store, MediaSettings(trusted_proxies=PROXIES, streams_per_address=256))
    listening = bind("127.0.0.1", 0, "media", "nothing")
    pages = Starlette(routes=health_routes(catalogue, lambda: True))
    server = http_server(Dispatch(media, None, pages), None, PROXIES)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    wall = _Wall(catalogue, files)
    settle()
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    loop = asyncio.get_running_loop()
    while words := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        match words:
            case ["show", role, media_type, key]:
                print(await wall.show(role, media_type, key), flush=True)
            case ["reads"]:
                print(media.herd.reads, flush=True)
            case _:
                print(len(media.streams), flush=True)
    media.streams.stop()
    server.should_exit = True
    await serving
    await store.close()
    await catalogue.close()


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="frieze-bench-") as root,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(main(Path(root), sys.argv[1], Path(sys.argv[2])))
