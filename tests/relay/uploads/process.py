"""A relay's upload part in a process of its own, to be killed.

`python -m tests.relay.uploads.process URL FOLDER [hold]` prints its port. Its claims are short, so that another one
soon takes it for dead. With `hold` its store has everything and never says so.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from frieze.server import bind, http_server
from relay.uploads.care import Care
from relay.uploads.server import UploadServer
from tests.relay.uploads.place import PATIENT, WatchedStore
from wall.catalogue import Catalogue

QUICK = replace(PATIENT, claim=1.5, recover_every=0.2, reveal_every=0.2)


async def main(url: str, folder: Path, *, hold: bool) -> None:
    catalogue = Catalogue(url)
    store = WatchedStore(folder)
    await store.start()
    if hold:
        store.confirming.clear()
    uploads = UploadServer(catalogue, store, QUICK, holder="a process")
    listening = bind("127.0.0.1", 0, "tests", "nothing")
    print(listening.getsockname()[1], flush=True)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Care(catalogue, store, QUICK, "a process").run())
        tasks.create_task(http_server(uploads, None, ()).serve(sockets=[listening]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), hold="hold" in sys.argv[3:]))
