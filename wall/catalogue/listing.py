"""What stands on a wall, in the shape in which lists of it are asked for: by kind, author and words.

A row of `listing` is there exactly as long as its post is shown, and says of it what viewers see: never what an edit
that waits for approval would say. `approve` and `take_down` (records.py) write it in their own transactions.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wall.catalogue import tables as t

NAME_CHARACTERS = 200  # of an author's name and handle, as the columns hold them
WORDS_CHARACTERS = 8_000  # of everything a post says; what is longer can be found by its beginning


async def enter(connection: AsyncConnection, wall: str, placed: int, fields: Mapping[str, Any]) -> None:
    """List a post that is shown now, or shown with other words; `fields` as `post_fields` gives them."""
    row = row_of(wall, placed, fields)
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    written = dialect.insert(t.listing).values(row)
    await connection.execute(written.on_conflict_do_update(index_elements=[t.listing.c.post_id], set_=row))


async def leave(connection: AsyncConnection, post_ids: Sequence[str]) -> None:
    """Take posts off the list that are no longer shown."""
    await connection.execute(delete(t.listing).where(t.listing.c.post_id.in_(post_ids)))


def row_of(wall: str, placed: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a post, from the fields it is shown with."""
    author, media = fields["author"], fields["media"]
    kinds = {one["kind"] for one in media}
    said = (fields["text"], author["name"], author["handle"], *(one["alt"] for one in media))
    return {
        "post_id": fields["id"],
        "wall": wall,
        "placed": placed,
        "image": "image" in kinds,
        "animation": "animation" in kinds,
        "video": "video" in kinds,
        "author": plain_name(author["name"]),
        "handle": plain_name(author["handle"]),
        "words": plain("\n".join(said))[:WORDS_CHARACTERS],
    }


def plain(text: str) -> str:
    """A text as it is compared: without the difference of case, width and composition."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def plain_name(name: str) -> str:
    """An author's name or handle as it is compared; `@ada` is `ada`."""
    return plain(name).strip().removeprefix("@")[:NAME_CHARACTERS]
