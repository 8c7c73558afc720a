"""Pictures and videos that guests add: the relay has put them into the store (relay/uploads/)."""

from ingest.sources.command import CommandSource
from wall.errors import SourceRefused
from wall.uploads import NETWORK


class GuestSource(CommandSource):
    """Sweeps nothing; fetches what guests have added."""

    network = NETWORK

    def check_query(self, query: str) -> None:
        raise SourceRefused("Guests add pictures by themselves; switch that on in the wall's settings.")
