"""The work: posts by state, and what operators do to them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from wall.catalogue import Catalogue
from wall.states import ActionKind, State
from web.console.answers import ActionAnswer, PostAnswer, PostsAnswer, StoryAnswer, errors
from web.console.guard import API, operator_of
from web.console.pictures import Pictures
from web.console.searches import Id
from web.console.walls import Slug

POSTS_PER_PAGE = 60
POSTS_AT_MOST = 200
REASON_CHARACTERS = 300


class ActionBody(BaseModel):
    """`state` and `revision` are what the operator saw; the action is refused when the post is something else now."""

    kind: ActionKind
    state: State
    revision: int = Field(ge=1)
    reason: str = Field(default="", max_length=REASON_CHARACTERS)


def post_routes(catalogue: Catalogue) -> APIRouter:
    router = APIRouter(prefix=API, tags=["posts"], dependencies=[Depends(operator_of)])
    pictures = Pictures(catalogue)

    @router.get("/walls/{slug}/posts", responses=errors(401, 404, 422))
    async def list_posts(
        slug: Slug,
        state: State,
        before: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{26}$")] = None,
        limit: Annotated[int, Query(ge=1, le=POSTS_AT_MOST)] = POSTS_PER_PAGE,
    ) -> PostsAnswer:
        """Posts in one state, newest first."""
        await catalogue.walls.get(slug)
        found = await catalogue.posts.by_state(slug, state, before=before, limit=limit + 1)
        page = found[:limit]
        return PostsAnswer(
            posts=[await pictures.post(post) for post in page],
            next=page[-1].post.id if len(found) > limit else None,
        )

    @router.get("/posts/{post_id}", responses=errors(401, 404))
    async def show_post(post_id: Id) -> StoryAnswer:
        """One post with its story."""
        post = await pictures.post(await catalogue.posts.get(post_id))
        actions = [ActionAnswer.model_validate(done) for done in await catalogue.moderation.actions(post_id)]
        return StoryAnswer(post=post, actions=actions)

    @router.post("/posts/{post_id}/actions", responses=errors(401, 403, 404, 409, 422))
    async def act(post_id: Id, body: ActionBody, request: Request) -> PostAnswer:
        """Approve, reject, remove, restore or retry. 409 says who was quicker."""
        await catalogue.moderation.act(
            post_id,
            body.kind,
            operator=operator_of(request).operator,
            state=body.state,
            revision=body.revision,
            reason=body.reason.strip(),
        )
        return await pictures.post(await catalogue.posts.get(post_id))

    _: tuple[Any, ...] = (list_posts, show_post, act)
    return router
