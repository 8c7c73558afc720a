"""What guests may add to a wall, and how the wall asks them to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from wall.catalogue import Catalogue
from wall.catalogue.walls import Wall
from wall.errors import CatalogueError, CatalogueUnavailable, NotFound
from wall.uploads import CONSENT_CHARACTERS
from web.adding import adding_path
from web.console.answers import errors
from web.console.guard import API, operator_of
from web.console.refusals import Refused
from web.console.walls import Slug

Corner = Literal["top-left", "top-right", "bottom-left"]

# what stands among the wall's settings, which its pages hear of, and what it is where nobody has said anything
_SHOWN: Mapping[str, Any] = {"qr": True, "corner": "top-left"}


class GuestsAnswer(BaseModel):
    """The rules of wall/uploads.py. `link`: the path where guests add, on a secret wall with the key that adds and
    opens nothing else. `qr`: the wall shows a code that leads there, in the `corner`."""

    enabled: bool
    opens: datetime | None
    closes: datetime | None
    consent: str
    name_required: bool
    video: bool
    image_bytes: int
    video_bytes: int
    wall_bytes: int
    wall_posts: int
    guest_bytes: int
    guest_posts: int
    only: bool
    reveal_at: datetime | None
    link: str
    qr: bool
    corner: Corner


class GuestsBody(BaseModel):
    """What is to change; what is left out stays. The catalogue knows the bounds of the numbers."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool | None = None
    opens: AwareDatetime | None = None
    closes: AwareDatetime | None = None
    consent: Annotated[str, Field(max_length=CONSENT_CHARACTERS)] | None = None
    name_required: bool | None = None
    video: bool | None = None
    image_bytes: int | None = None
    video_bytes: int | None = None
    wall_bytes: int | None = None
    wall_posts: int | None = None
    guest_bytes: int | None = None
    guest_posts: int | None = None
    only: bool | None = None
    reveal_at: AwareDatetime | None = None
    qr: bool | None = None
    corner: Corner | None = None


def guest_routes(catalogue: Catalogue) -> APIRouter:
    router = APIRouter(prefix=API, tags=["walls"], dependencies=[Depends(operator_of)])

    @router.get("/walls/{slug}/guests", responses=errors(401, 404))
    async def guests(slug: Slug) -> GuestsAnswer:
        """What guests may add to the wall, and how it asks them to."""
        return await _answer(catalogue, await catalogue.walls.get(slug))

    @router.patch("/walls/{slug}/guests", responses=errors(401, 403, 404, 422))
    async def change(slug: Slug, body: GuestsBody) -> GuestsAnswer:
        """Change it. A time that is null has no bound; pages hear of it at once."""
        given = body.model_dump(exclude_unset=True)
        shown = {name: given.pop(name) for name in _SHOWN if given.get(name) is not None}
        # only times may be nothing
        rules = {name: value for name, value in given.items() if value is not None or name in _TIMES}
        try:
            wall = await catalogue.walls.get(slug)
            settings = {**wall.settings, **shown} if shown else None
            return await _answer(catalogue, await catalogue.walls.change(slug, uploads=rules, settings=settings))
        except (NotFound, CatalogueUnavailable):
            raise
        except CatalogueError as error:
            raise Refused(422, "rules", error.public) from error

    _: tuple[Any, ...] = (guests, change)
    return router


_TIMES = ("opens", "closes", "reveal_at")


async def _answer(catalogue: Catalogue, wall: Wall) -> GuestsAnswer:
    shown = {name: wall.settings.get(name, default) for name, default in _SHOWN.items()}
    return GuestsAnswer.model_validate({**wall.uploads.values(), **shown, "link": await adding_path(catalogue, wall)})
