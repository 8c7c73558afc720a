"""Secret links of walls, and the tokens that viewers get for them.

A link's key is made from a key of the installation, the wall's name and the link's number; the number is the second
in which it was made, so it only grows, also when a wall is added again or a backup restored. Nothing that opens a wall
is kept beside it.
"""

import hashlib
import hmac

from sqlalchemy import select, update

from wall.catalogue import tables as t
from wall.catalogue.base import Context
from wall.catalogue.secrets import SharedKey
from wall.catalogue.walls import Wall, link_number, lock_wall, read_wall
from wall.errors import CatalogueError
from wall.ids import random_id
from wall.tokens import TOKEN_SECONDS, ViewerToken


class Links:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._links = SharedKey(context, "wall-links")
        self._tokens = SharedKey(context, "viewer-tokens")
        self._receipts = SharedKey(context, "upload-receipts")

    async def key(self, wall: Wall) -> str:
        """What opens a secret wall. Raises CatalogueError for a public one."""
        if wall.link is None:
            raise CatalogueError(f"The wall {wall.slug} is public; its address is all that anybody needs.")
        return await self._key(wall.slug, wall.link)

    async def adding_key(self, wall: Wall) -> str:
        """What lets guests add to a secret wall and see nothing of it. Raises CatalogueError for a public one."""
        if wall.link is None:
            raise CatalogueError(f"The wall {wall.slug} is public; its address is all that anybody needs.")
        return await self._key(wall.slug, wall.link, "add")

    async def renew(self, slug: str) -> Wall:
        """Give a secret wall a new link; the old one, and all tokens that came of it, are worthless. Raises NotFound,
        and CatalogueError for a public wall."""
        async with self._context.database.writing() as connection:
            wall = await lock_wall(connection, slug)
            if wall.link is None:
                raise CatalogueError(f"The wall {slug} is public; it has no secret link to renew.")
            number = max(link_number(self._context.now()), wall.link + 1)
            await connection.execute(update(t.wall).where(t.wall.c.slug == slug).values(link=number))
        self._context.changed.fire()
        return await self._read(slug)

    async def numbers(self) -> dict[str, int | None]:
        """The number of each wall's link, None where it is public."""
        async with self._context.database.reading() as connection:
            rows = await connection.execute(select(t.wall.c.slug, t.wall.c.link))
            return {row.slug: row.link for row in rows}

    async def opens(self, slug: str, wall: Wall | None, bearer: str) -> bool:
        """Whether `bearer`, a link's key or a viewer token, opens this wall; None: there is no wall of this name.

        Takes the same time whether there is a wall or not.
        """
        link = (wall.link if wall is not None else None) or 0
        by_key = hmac.compare_digest(bearer.encode(), (await self._key(slug, link)).encode())
        token = ViewerToken.read(bearer, slug, await self._tokens.get())
        by_token = token is not None and token.link == link and token.until > self._context.now().timestamp()
        return (by_key or by_token) and link != 0

    async def opens_adding(self, slug: str, wall: Wall | None, bearer: str) -> bool:
        """Whether `bearer` is the key of this wall's link for adding; None: there is no wall of this name.

        Takes the same time whether there is a wall or not.
        """
        link = (wall.link if wall is not None else None) or 0
        by_key = hmac.compare_digest(bearer.encode(), (await self._key(slug, link, "add")).encode())
        return by_key and link != 0 and wall is not None and wall.uploads.enabled

    async def receipt(self, upload_id: str) -> str:
        """What shows one upload to whoever has it, and lets them withdraw it."""
        digest = hmac.new(await self._receipts.get(), f"receipt {upload_id}".encode(), hashlib.sha256).digest()
        return random_id(digest)

    async def token(self, wall: Wall) -> str:
        """A viewer token for a secret wall, for 15 minutes. Raises CatalogueError for a public one."""
        if wall.link is None:
            raise CatalogueError(f"The wall {wall.slug} is public; no token is needed.")
        until = int(self._context.now().timestamp()) + TOKEN_SECONDS
        return ViewerToken(wall=wall.slug, link=wall.link, until=until).signed(await self._tokens.get())

    async def token_key(self) -> bytes:
        """What signs the tokens; relays check with it."""
        return await self._tokens.get()

    async def _key(self, slug: str, link: int, what: str = "link") -> str:
        digest = hmac.new(await self._links.get(), f"{what} {slug} {link}".encode(), hashlib.sha256).digest()
        return random_id(digest)

    async def _read(self, slug: str) -> Wall:
        async with self._context.database.reading() as connection:
            return await read_wall(connection, slug)
