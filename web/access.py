"""Who may see which wall: public ones anybody, secret ones whoever shows the key of their link or a viewer token.

Everybody else is told the same, after the same work, as for a wall that is not there.
"""

from starlette.requests import Request

from wall.catalogue import Catalogue
from wall.catalogue.single import SingleFlight
from wall.catalogue.walls import Wall
from wall.errors import NotFound


class Access:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        # a wall's whole audience may come at once
        self._flight: SingleFlight[str, Wall | None] = SingleFlight()

    async def wall(self, request: Request) -> Wall:
        """The wall that the request's path names. Raises NotFound and CatalogueUnavailable."""
        slug: str = request.path_params["slug"]
        wall = await self._flight.get(slug, lambda: self._read(slug))
        if wall is not None and not wall.secret:
            return wall
        opened = await self._catalogue.links.opens(slug, wall, bearer(request) or "")
        if wall is None or not opened:
            raise NotFound(f"There is no wall named {slug}.")
        return wall

    async def adding(self, request: Request) -> Wall | None:
        """The secret wall that the request's path names, for who shows the key that adds to it and opens nothing;
        None for everybody else. Raises CatalogueUnavailable."""
        shown = bearer(request)
        if shown is None or "." in shown:
            return None
        slug: str = request.path_params["slug"]
        wall = await self._flight.get(slug, lambda: self._read(slug))
        return wall if await self._catalogue.links.opens_adding(slug, wall, shown) else None

    async def token(self, request: Request, wall: Wall) -> str | None:
        """A viewer token for whoever has the link of a secret wall; None where none is needed, or where the asker
        showed a token: a token is not made longer by itself."""
        if not wall.secret or "." in (bearer(request) or ""):
            return None
        return await self._catalogue.links.token(wall)

    async def _read(self, slug: str) -> Wall | None:
        try:
            return await self._catalogue.walls.get(slug)
        except NotFound:
            return None


def bearer(request: Request) -> str | None:
    """What stands in `Authorization: Bearer …`."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None
