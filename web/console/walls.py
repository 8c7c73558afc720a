"""The left column: walls with their counts and policies, and how the parts fare."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request

from wall.catalogue import Catalogue
from wall.catalogue.health import SILENT_AFTER, Report
from wall.catalogue.walls import RETENTION_MOST, Wall
from wall.states import Policy
from web.console.answers import HealthAnswer, StateAnswer, WallAnswer, errors
from web.console.guard import API, operator_of

Slug = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$")]


class PolicyBody(BaseModel):
    policy: Policy


class WallBody(BaseModel):
    """What is to change; what is left out stays. `retention` in hours."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = None
    policy: Policy | None = None
    retention: Annotated[int, Field(ge=0, le=RETENTION_MOST)] | None = None
    downloads: bool | None = None


def wall_routes(catalogue: Catalogue, networks: Collection[str]) -> APIRouter:
    router = APIRouter(prefix=API, tags=["walls"], dependencies=[Depends(operator_of)])

    @router.get("/state", responses=errors(401))
    async def state(request: Request) -> StateAnswer:
        """Who you are, the walls with their counts, and how the parts fare."""
        operator = operator_of(request)
        now = catalogue.now()
        return StateAnswer(
            operator=operator.operator,
            token=operator.token,
            expires_at=operator.session.expires_at,
            now=now,
            networks=sorted(networks),
            walls=[await _wall(catalogue, wall) for wall in await catalogue.walls.all()],
            health=[_health(report, now) for report in await catalogue.health.all()],
        )

    @router.put("/walls/{slug}/policy", responses=errors(401, 403, 404, 422))
    async def set_policy(slug: Slug, body: PolicyBody) -> WallAnswer:
        """Show new posts at once (open), or hold them for an operator (hold). Posts already there stay as they are."""
        return await _wall(catalogue, await catalogue.walls.change(slug, policy=body.policy))

    @router.patch("/walls/{slug}", responses=errors(401, 403, 404, 422))
    async def change(slug: Slug, body: WallBody) -> WallAnswer:
        """Change a wall's title, its policy, how many hours it keeps what was taken off it, and whether viewers may
        have originals. Pages hear of a new title, and of originals, at once."""
        changed = await catalogue.walls.change(
            slug, title=body.title, policy=body.policy, retention=body.retention, downloads=body.downloads
        )
        return await _wall(catalogue, changed)

    _: tuple[Any, ...] = (state, set_policy, change)
    return router


async def _wall(catalogue: Catalogue, wall: Wall) -> WallAnswer:
    counts = await catalogue.posts.counts(wall.slug)
    link = f"/w/{wall.slug}#key={await catalogue.links.key(wall)}" if wall.secret else None
    return WallAnswer(
        slug=wall.slug,
        title=wall.title,
        policy=wall.policy,
        counts=counts,
        link=link,
        retention=wall.retention,
        downloads=wall.downloads,
    )


def _health(report: Report, now: datetime) -> HealthAnswer:
    return HealthAnswer(
        part=report.part,
        ok=report.ok,
        silent=report.at < now - SILENT_AFTER,
        sentence=report.sentence,
        since=report.since,
        at=report.at,
    )
