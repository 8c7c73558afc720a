"""Searches: what each wall looks for, and how that fares."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from wall.catalogue import Catalogue
from wall.errors import CatalogueError, CatalogueUnavailable, NotFound, SourceRefused
from wall.searches import QUERY_CHARACTERS
from web.console.answers import SearchAnswer, SearchesAnswer, errors, searches_answer
from web.console.guard import API, operator_of
from web.console.refusals import Refused
from web.console.walls import Slug

Id = Annotated[str, Path(pattern=r"^[0-9A-Z]{26}$")]


class SearchBody(BaseModel):
    network: str = Field(min_length=1, max_length=40)
    query: str = Field(min_length=1, max_length=QUERY_CHARACTERS)


def search_routes(catalogue: Catalogue, networks: Mapping[str, Callable[[str], None]]) -> APIRouter:
    """`networks` has, of each network, what raises SourceRefused for a query it would not take."""
    router = APIRouter(prefix=API, tags=["searches"], dependencies=[Depends(operator_of)])

    @router.get("/searches", responses=errors(401))
    async def list_searches() -> SearchesAnswer:
        """The searches of all walls."""
        return searches_answer(await catalogue.searches.all())

    @router.post("/walls/{slug}/searches", status_code=201, responses=errors(401, 403, 404, 422))
    async def add_search(slug: Slug, body: SearchBody) -> SearchAnswer:
        """Start looking for `query`. A search that is there already is switched on."""
        query = body.query.strip()
        check = networks.get(body.network)
        if check is None:
            known = ", ".join(sorted(networks)) or "none"
            raise Refused(422, "unknown_network", f"There is no network of that name here. There are: {known}.")
        try:
            check(query)
        except SourceRefused as refused:
            raise Refused(422, "query_refused", str(refused)) from refused
        try:
            return SearchAnswer.of(await catalogue.searches.add(slug, body.network, query))
        except (NotFound, CatalogueUnavailable):
            raise
        except CatalogueError as error:
            raise Refused(422, "search_refused", str(error)) from error

    @router.post("/searches/{search_id}/pause", status_code=204, responses=errors(401, 403, 404))
    async def pause(search_id: Id) -> Response:
        """Stop looking for a while; it goes on where it was."""
        await catalogue.searches.enable(search_id, False)
        return Response(status_code=204)

    @router.post("/searches/{search_id}/go-on", status_code=204, responses=errors(401, 403, 404))
    async def go_on(search_id: Id) -> Response:
        """Look again, at once."""
        await catalogue.searches.enable(search_id, True)
        return Response(status_code=204)

    @router.delete("/searches/{search_id}", status_code=204, responses=errors(401, 403, 404))
    async def remove(search_id: Id) -> Response:
        """Forget the search; the posts it found stay."""
        await catalogue.searches.remove(search_id)
        return Response(status_code=204)

    _: tuple[Any, ...] = (list_searches, add_search, pause, go_on, remove)
    return router
