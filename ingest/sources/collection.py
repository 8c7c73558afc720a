"""Pictures and videos in somebody's container, bucket or folder: `frieze store import` has listed them."""

from ingest.sources.command import CommandSource
from wall.errors import SourceRefused

NETWORK = "collection"


class CollectionSource(CommandSource):
    """Sweeps nothing; reads what lies in collections in place."""

    network = NETWORK

    def check_query(self, query: str) -> None:
        raise SourceRefused("Collections need no search: use `frieze store import`.")
