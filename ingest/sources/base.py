"""What a source is: it sweeps a network for posts, and it can fetch the pictures it named.

A source never touches the catalogue. The worker that runs it stores each page's posts, removals and checkpoint in
one transaction, so that a crash between two pages repeats the second and loses nothing.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from wall.posts import SourcePost, SourceRemoval

# What a source remembers between sweeps: small, JSON, its own business. Empty for a search that never ran.
Checkpoint = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One step of a sweep, stored in one transaction.

    `checkpoint` replaces the search's checkpoint together with the posts. A cursor in it moves only when a sweep is
    complete; until then it holds what is needed to resume. `next_in` is seconds until the next sweep should begin;
    the last page's counts. `note` is one short sentence for operators ("12 posts, 3 of them new to us").
    """

    posts: tuple[SourcePost, ...] = ()
    removals: tuple[SourceRemoval, ...] = ()
    checkpoint: Checkpoint
    next_in: float
    note: str = ""


class Source(Protocol):
    """One network. Instances are shared by all searches of the network and live as long as the process."""

    @property
    def network(self) -> str:
        """The network's name in searches and on the wire: `x`, `folder`, `demo`."""
        ...

    @property
    def keeps_originals(self) -> bool:
        """Whether the bytes as fetched go into the store: not where the source can make them again at any time."""
        ...

    def check_query(self, query: str) -> None:
        """Raise SourceRefused, in words an operator can act on, when the network would not take this query."""
        ...

    def sweep(self, query: str, checkpoint: Checkpoint) -> AsyncGenerator[Page]:
        """Look once for what is new since `checkpoint`, page by page.

        Raises SourceError. The caller backs off on temporary ones and asks an operator for the others.
        """
        ...

    async def fetch(self, origin: str, target: Path) -> None:
        """Write the bytes of one of this source's media into the file `target`. Raises FetchError."""
        ...

    async def close(self) -> None:
        """Let go of connections and threads."""
        ...
