"""`frieze store import`: what lies in somebody's container, bucket or folder, onto a wall, in place.

Each object whose name says that it is a picture or video becomes a post that refers to it. Its thumbnails are made and
kept by Frieze; the object itself is read where it lies and is never written, copied or deleted. An object that is
written anew is an edit of its post.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from ingest.sources.collection import NETWORK
from ingest.sources.folder import is_candidate, title
from wall.catalogue import Catalogue
from wall.catalogue.collections import Showing
from wall.origins import stored_origin
from wall.posts import SourceMedia, SourcePost
from wall.store.base import StoredObject
from wall.store.collections.base import Collection, is_name
from wall.store.collections.reference import Reference

PAGE = 100  # posts of a transaction


@dataclass(slots=True)
class Taken:
    """What one look at a collection brought. `keys` are those of the posts that are new or edited."""

    objects: int = 0
    new: int = 0
    edited: int = 0
    others: int = 0  # objects that are no pictures or videos, by their names
    keys: list[str] = field(default_factory=list[str])

    @property
    def sentence(self) -> str:
        """The result in an operator's words."""
        return (
            f"{self.objects} pictures and videos there: {self.new} new, {self.edited} changed, "
            f"{self.objects - self.new - self.edited} known already; {self.others} other objects left alone."
        )


class CollectionImport:
    """Puts what is in `collection`, under names that begin with `prefix`, on the wall that shows it. `author` None: as
    folders are called."""

    def __init__(
        self,
        catalogue: Catalogue,
        collection: Collection,
        showing: Showing,
        *,
        prefix: str = "",
        author: str | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._collection = collection
        self._showing = showing
        self._prefix = prefix
        self._author = author
        self._seen: dict[str, StoredObject] = {}

    async def look(self) -> tuple[Sequence[StoredObject], Taken]:
        """List the collection: what was not there at the look before, or not as it is now, the oldest first.

        Raises StoreError, or NotFound when the collection was forgotten, and then nothing was changed.
        """
        await self._catalogue.collections.check_shown(self._showing)
        taken = Taken()
        present: dict[str, StoredObject] = {}
        async with aclosing(self._collection.listing(self._prefix)) as listing:
            async for found in listing:
                if found.length and is_name(found.key) and is_candidate(PurePosixPath(found.key).name):
                    present[found.key] = found
                else:
                    taken.others += 1
        taken.objects = len(present)
        fresh = [found for name, found in present.items() if self._seen.get(name) != found]
        return sorted(fresh, key=lambda found: (found.written, found.key)), taken

    async def take(self, fresh: Sequence[StoredObject], taken: Taken, step: Callable[[int], None]) -> Taken:
        """Put them on the wall; `step` hears of each. Raises CatalogueError; what was taken before it stays."""
        for start in range(0, len(fresh), PAGE):
            page = fresh[start : start + PAGE]
            posts = [self._post(found) for found in page]
            stored = await self._catalogue.collections.offer(self._showing, NETWORK, posts)
            taken.new += stored.new
            taken.edited += stored.edited
            taken.keys += [post.key for post in posts]
            self._seen |= {found.key: found for found in page}
            for _ in page:
                step(0)
        return taken

    def _post(self, found: StoredObject) -> SourcePost:
        path = PurePosixPath(found.key)
        version = int(found.written.timestamp() * 1000)
        text = title(path.stem)
        reference = Reference(collection=self._showing.collection.id, name=found.key)
        return SourcePost(
            # a name may be longer than a key
            key=f"{NETWORK}:{hashlib.sha256(f'{self._showing.id}/{found.key}'.encode()).hexdigest()}",
            version=version,
            author_name=self._author or path.parent.name or called(self._showing.collection.url),
            author_handle="",
            avatar=None,
            text=text,
            url=None,
            created=found.written,
            media=(
                SourceMedia(
                    # another object under the name is another picture
                    key=str(version),
                    kind="image",
                    origin=stored_origin(str(reference)),
                    alt=text,
                    name=path.name,
                ),
            ),
        )


def called(url: str) -> str:
    """A collection's own name: its bucket, its container, its folder."""
    parts = urlsplit(url)
    last = PurePosixPath(parts.path).name
    return last or parts.netloc
