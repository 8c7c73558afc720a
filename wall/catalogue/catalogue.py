"""The catalogue: one door to everything the database holds."""

import os
from collections.abc import Callable
from datetime import UTC, datetime

from wall.catalogue.archive import Archive
from wall.catalogue.base import Context
from wall.catalogue.claims import Claims
from wall.catalogue.collections import Collections
from wall.catalogue.database import Database
from wall.catalogue.gallery import Gallery
from wall.catalogue.guests import Guests
from wall.catalogue.health import Health
from wall.catalogue.leftovers import Leftovers
from wall.catalogue.links import Links
from wall.catalogue.log import Log
from wall.catalogue.media import MediaRecords
from wall.catalogue.migrate import migrate
from wall.catalogue.moderation import Moderation
from wall.catalogue.nodes import Nodes
from wall.catalogue.operators import Operators
from wall.catalogue.posts import Posts
from wall.catalogue.reveals import Reveals
from wall.catalogue.searches import Searches
from wall.catalogue.signals import Signal
from wall.catalogue.stored import KnownObjects
from wall.catalogue.uploads import Uploads
from wall.catalogue.walls import Walls
from wall.catalogue.work import Work


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Catalogue:
    """Posts, events, claims, searches, uploads, relay nodes, operators.

    `changed` fires in this process after each transaction that committed an event or something operators see;
    other processes notice by looking (docs/architecture.md, "Publishing").
    """

    def __init__(
        self,
        url: str,
        *,
        now: Callable[[], datetime] = _utc_now,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.database = Database(url)
        self.changed = Signal()
        context = Context(self.database, now, entropy, self.changed)
        self.now = now
        self.walls = Walls(context)
        self.searches = Searches(context)
        self.posts = Posts(context)
        self.gallery = Gallery(context)
        self.archive = Archive(context)
        self.collections = Collections(context, self.posts)
        self.work = Work(context)
        self.moderation = Moderation(context)
        self.media = MediaRecords(context)
        self.stored = KnownObjects(context)
        self.log = Log(context)
        self.claims = Claims(context)
        self.health = Health(context)
        self.nodes = Nodes(context)
        self.operators = Operators(context)
        self.links = Links(context)
        self.uploads = Uploads(context, self.posts)
        self.guests = Guests(context)
        self.leftovers = Leftovers(context)
        self.reveals = Reveals(context)

    async def migrate(self) -> None:
        """Build or update the tables, and the wall `main` that exists from the start."""
        await migrate(self.database)
        await self.walls.ensure("main", "Frieze")

    async def close(self) -> None:
        await self.database.close()
