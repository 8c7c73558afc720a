"""A network that this installation is not set up for: its searches say so, instead of waiting in silence."""

from collections.abc import AsyncGenerator
from pathlib import Path

from ingest.sources.base import Checkpoint, Page
from wall.errors import FetchRefused, SourceRefused


class AbsentSource:
    """`sentence` tells operators what to do."""

    keeps_originals = True

    def __init__(self, network: str, sentence: str) -> None:
        self.network = network
        self._sentence = sentence

    def check_query(self, query: str) -> None:
        raise SourceRefused(self._sentence)

    async def sweep(self, query: str, checkpoint: Checkpoint) -> AsyncGenerator[Page]:
        self.check_query(query)
        yield Page(checkpoint=checkpoint, next_in=0)

    async def fetch(self, origin: str, target: Path) -> None:
        raise FetchRefused(self._sentence)

    async def close(self) -> None:
        return
