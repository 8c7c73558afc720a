"""What the API answers: the JSON shapes, and how our records become them. Texts stay texts; nothing here is HTML."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from wall.posts import MediaKind
from wall.searches import Search
from wall.states import ActionKind, Policy, State


class WallAnswer(BaseModel):
    """`link`: the path of a secret wall's link; null where the wall is public. `retention`: hours for which the bytes
    of what was taken off it are kept; `downloads`: viewers may have originals."""

    slug: str
    title: str
    policy: Policy
    counts: dict[State, int]
    link: str | None
    retention: int
    downloads: bool


class HealthAnswer(BaseModel):
    """`silent`: the part has not reported for so long that what it said last means little."""

    part: str
    ok: bool
    silent: bool
    sentence: str
    since: datetime
    at: datetime


class StateAnswer(BaseModel):
    """Everything the left column shows. `token` goes with every write, in the header `Frieze-Token`."""

    operator: str
    token: str
    expires_at: datetime
    now: datetime
    networks: list[str]
    walls: list[WallAnswer]
    health: list[HealthAnswer]


class SearchAnswer(BaseModel):
    id: str
    wall: str
    network: str
    query: str
    enabled: bool
    next_at: datetime
    swept_at: datetime | None
    note: str
    error: str | None
    error_at: datetime | None
    failures: int

    @classmethod
    def of(cls, search: Search) -> "SearchAnswer":
        return cls(
            id=search.id,
            wall=search.wall,
            network=search.network,
            query=search.query,
            enabled=search.enabled,
            next_at=search.next_at,
            swept_at=search.swept_at,
            note=search.note,
            error=search.error,
            error_at=search.error_at,
            failures=search.failures,
        )


class SearchesAnswer(BaseModel):
    searches: list[SearchAnswer]


class RenditionAnswer(BaseModel):
    """`url` is signed: whoever has it sees the picture for an hour or two, whatever the post's state. `type`: its media
    type; that of what plays of a video begins with `video/`."""

    role: str
    width: int
    height: int
    type: str
    url: str


class MediaAnswer(BaseModel):
    id: str
    kind: MediaKind
    alt: str
    width: int
    height: int
    focus: tuple[float, float] | None
    thumbhash: str | None
    duration: float | None
    renditions: list[RenditionAnswer]


class AuthorAnswer(BaseModel):
    name: str
    handle: str
    avatar: str | None


class SimilarAnswer(BaseModel):
    """Another post of the wall with a picture that looks the same; `distance` 0 (as good as equal) to 6. `picture`:
    that one, null once its bytes are gone."""

    post: str
    author: str
    source: str
    state: State
    received: datetime
    distance: int
    picture: MediaAnswer | None


class PostAnswer(BaseModel):
    """`shown`: something of it stands on the wall now; `media_errors`: why pictures are missing; `similar`: nearest
    first, to look at and never decided."""

    id: str
    wall: str
    state: State
    revision: int
    shown: bool
    reason: str | None
    source: str
    url: str | None
    author: AuthorAnswer
    text: str
    created: datetime
    received: datetime
    ready: datetime | None
    changed: datetime
    media: list[MediaAnswer]
    media_errors: list[str]
    similar: list[SimilarAnswer]


class PostsAnswer(BaseModel):
    """`next` is what to give as `before` for older ones; null at the end."""

    posts: list[PostAnswer]
    next: str | None


class ActionAnswer(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    kind: ActionKind
    operator: str
    reason: str
    revision: int
    at: datetime


class StoryAnswer(BaseModel):
    """A post and what was done to it, oldest first."""

    post: PostAnswer
    actions: list[ActionAnswer]


class ErrorFacts(BaseModel):
    """`state`, `revision` and `by` come with `moved` only: what the post is now, and who was quicker."""

    code: str
    sentence: str
    state: State | None = None
    revision: int | None = None
    by: str | None = None


class ErrorAnswer(BaseModel):
    error: ErrorFacts


class Hint(BaseModel):
    """What a `changed` event of the live stream carries: what to read again."""

    kinds: list[Literal["walls", "posts", "searches", "health"]]


def errors(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The refusals of a route, for its description."""
    return {status: {"model": ErrorAnswer} for status in statuses}


def searches_answer(searches: Iterable[Search]) -> SearchesAnswer:
    return SearchesAnswer(searches=[SearchAnswer.of(search) for search in searches])
