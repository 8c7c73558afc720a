"""The left column: walls with their counts and policies, and how the parts fare."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel
from starlette.requests import Request

from wall.catalogue import Catalogue
from wall.catalogue.health import SILENT_AFTER, Report
from wall.catalogue.walls import Wall
from wall.states import Policy
from web.console.answers import HealthAnswer, StateAnswer, WallAnswer, errors
from web.console.guard import API, operator_of

Slug = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$")]


class PolicyBody(BaseModel):
    policy: Policy


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

    _: tuple[Any, ...] = (state, set_policy)
    return router


async def _wall(catalogue: Catalogue, wall: Wall) -> WallAnswer:
    counts = await catalogue.posts.counts(wall.slug)
    link = f"/w/{wall.slug}#key={await catalogue.links.key(wall)}" if wall.secret else None
    return WallAnswer(slug=wall.slug, title=wall.title, policy=wall.policy, counts=counts, link=link)


def _health(report: Report, now: datetime) -> HealthAnswer:
    return HealthAnswer(
        part=report.part,
        ok=report.ok,
        silent=report.at < now - SILENT_AFTER,
        sentence=report.sentence,
        since=report.since,
        at=report.at,
    )
