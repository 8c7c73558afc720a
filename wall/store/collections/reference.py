"""A name for an object that is not ours, where otherwise a key of the store stands.

    collection:<id>:<etag>:<blanks>:<name>

`etag` pins the very object that was looked at: its owner may put another one under the name at any time. `blanks` are
what is to be made blank in a video as it is read, because its camera noted it there, and the original must not change.
"""

from dataclasses import dataclass
from urllib.parse import quote, unquote

from wall.blanking import Blank
from wall.errors import StoreError
from wall.origins import is_reference

_SCHEME = "collection"
# more than any camera writes; a video with more is copied, without what its camera noted
MOST_BLANKS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """`collection` is its id in the catalogue; `etag` None: whatever lies there now."""

    collection: str
    name: str
    etag: str | None = None
    blanks: tuple[Blank, ...] = ()

    def __str__(self) -> str:
        blanks = ",".join(f"{blank.start}-{blank.length}-{blank.head.hex()}" for blank in self.blanks)
        return f"{_SCHEME}:{self.collection}:{quote(self.etag or '', safe='')}:{blanks}:{self.name}"

    @classmethod
    def parse(cls, key: str) -> "Reference | None":
        """None for a key of our own. Raises StoreError for a reference that nobody here wrote."""
        if not is_reference(key):
            return None
        try:
            _, collection, etag, blanks, name = key.split(":", 4)
            return cls(
                collection=collection,
                name=name,
                etag=unquote(etag) or None,
                blanks=tuple(_blank(text) for text in blanks.split(",") if text),
            )
        except ValueError as error:
            raise StoreError(f"{key[:60]!r} is no reference to an object of a collection.") from error


def _blank(text: str) -> Blank:
    start, length, head = text.split("-")
    return Blank(start=int(start), length=int(length), head=bytes.fromhex(head))
