"""What lies in the store already, as pictures handed over on the command line do, and those that guests add."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from ingest.sources.base import Checkpoint, Page
from wall.errors import FetchRefused, FetchUnavailable, ObjectMissing, SourceRefused, StoreError
from wall.origins import stored_key, stored_origin
from wall.store.base import Store

__all__ = ["NETWORK", "CommandSource", "stored_key", "stored_origin"]

NETWORK = "command"


class CommandSource:
    """Sweeps nothing; fetches what `frieze post` put into the store."""

    network = NETWORK
    keeps_originals = True

    def __init__(self, store: Store) -> None:
        self._store = store

    def check_query(self, query: str) -> None:
        raise SourceRefused("Pictures from the command line need no search: use `frieze post`.")

    async def sweep(self, query: str, checkpoint: Checkpoint) -> AsyncGenerator[Page]:
        self.check_query(query)
        yield Page(checkpoint=checkpoint, next_in=0)

    async def fetch(self, origin: str, target: Path) -> None:
        key = stored_key(origin)
        if key is None:
            raise FetchRefused(f"{origin} is nothing that lies in the store.")
        try:
            opened = await self._store.open(key)
            async with aclosing(opened.chunks) as chunks:
                with target.open("wb") as file:
                    async for chunk in chunks:
                        file.write(chunk)
        except ObjectMissing as error:
            raise FetchRefused("The picture is no longer in the store.") from error
        except StoreError as error:
            raise FetchUnavailable(str(error)) from error

    async def close(self) -> None:
        return
