"""A strict stand-in for X's API v2: recent search and post lookup, with a picture host beside it.

    with XStandIn.running() as x:
        post = x.add_post("Hello #frieze", pictures=2)
        x.script("429-reset")                 # the next search is answered so
        ...                                   # point the product at x.api_url
        assert x.seen[-1].query["since_id"]

It lives in a thread and loop of its own, so tests may be plain, async, or drive subprocesses. It validates what X's
published contract says and answers 400 otherwise, so that a wrong request fails a test here and not at an event.
"""

import asyncio
import base64
import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web
from multidict import MultiMapping

from tests.fakes.x_language import QueryRefused, read_query
from tests.fakes.x_pictures import BEHAVIOURS, PictureHost

Family = Literal["tweet", "post"]
Where = Literal["search", "lookup"]

SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
WINDOW_SECONDS = 900
WEEK_SECONDS = 7 * 24 * 3600
PROBLEMS = "https://api.twitter.com/2/problems/"

_POST_FIELDS = {
    "attachments", "author_id", "created_at", "edit_controls", "entities", "id", "lang", "possibly_sensitive",
    "public_metrics", "text", "withheld", "conversation_id", "in_reply_to_user_id", "source", "geo",
}  # fmt: skip
_FAMILY_FIELDS = {
    "tweet": _POST_FIELDS | {"referenced_tweets", "edit_history_tweet_ids", "note_tweet"},
    # OpenAPI 2.167: author_id left the enumeration of post.fields; the expansion still brings it.
    "post": (_POST_FIELDS - {"author_id"}) | {"referenced_posts", "edit_history_post_ids", "note_post"},
}
_MEDIA_FIELDS = {
    "alt_text", "duration_ms", "height", "media_key", "preview_image_url", "public_metrics", "type", "url",
    "variants", "width",
}  # fmt: skip
_USER_FIELDS = {
    "created_at", "description", "id", "name", "profile_image_url", "protected", "url", "username", "verified",
    "verified_type", "withheld", "location", "public_metrics", "entities",
}  # fmt: skip
_EXPANSIONS = {
    "attachments.media_keys",
    "author_id",
    "attachments.poll_ids",
    "geo.place_id",
    "in_reply_to_user_id",
}
_SEARCH_PARAMETERS = {
    "query", "max_results", "since_id", "until_id", "start_time", "end_time", "next_token", "pagination_token",
    "sort_order", "expansions", "media.fields", "user.fields", "tweet.fields", "post.fields", "place.fields",
    "poll.fields",
}  # fmt: skip
_LOOKUP_PARAMETERS = {
    "ids", "expansions", "media.fields", "user.fields", "tweet.fields", "post.fields", "place.fields", "poll.fields",
}  # fmt: skip


@dataclass(frozen=True)
class FakeMedia:
    """One attachment: a photo when `type` is so, else a video or an animated GIF without `url`."""

    key: str
    type: str
    url: str | None
    preview: str | None
    alt: str
    width: int = 1600
    height: int = 1200


@dataclass(frozen=True)
class FakeAuthor:
    """One account."""

    id: str
    username: str
    name: str
    avatar: str | None


@dataclass(frozen=True)
class FakePost:
    """One version of a post. `history` are the ids of all its versions, oldest first."""

    id: str
    text: str
    author: FakeAuthor
    media: tuple[FakeMedia, ...]
    created: datetime
    history: tuple[str, ...]
    lang: str = "en"
    sensitive: bool = False
    withheld: bool = False
    retweet: bool = False
    reply: bool = False
    urls: tuple[Mapping[str, Any], ...] = ()
    hide_media: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def key(self) -> str:
        """The key the product gives it."""
        return f"x:{self.history[0]}"


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    where: Where
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: float


@dataclass(frozen=True)
class Scripted:
    """An answer given in place of the real one. `headers` without x-rate-limit-* means that none are sent."""

    status: int
    body: str | bytes | Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class _Refused(Exception):
    def __init__(self, parameter: str, value: str, message: str) -> None:
        super().__init__(message)
        self.body = {
            "errors": [{"parameters": {parameter: [value]}, "message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": PROBLEMS + "invalid-request",
        }


_HTML = "<!DOCTYPE html><html><head><title>X / Error</title></head><body>Something went wrong</body></html>"
_DROP = object()
_SILENT = object()
_PARTIAL = object()


def _scripted(name: str, now: float) -> Any:
    problems: dict[str, Any] = {
        "401": Scripted(401, {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}),
        "402": Scripted(402, {"title": "CreditsDepleted", "detail": "Your account does not have any credits.",
                              "type": PROBLEMS + "credits", "status": 402}),
        "403-not-enrolled": Scripted(403, {
            "client_id": "1", "reason": "client-not-enrolled", "title": "Client Forbidden",
            "detail": "When authenticating requests to the X API v2 endpoints, you must use keys and tokens from a "
            "developer App that is attached to a Project.", "required_enrollment": "Appropriate Level of API Access",
            "registration_url": "https://developer.x.com/en/docs/projects/overview",
            "type": PROBLEMS + "client-forbidden"}),
        "403": Scripted(403, {"title": "Forbidden", "detail": "You are not permitted to do this.", "status": 403}),
        "429-reset": Scripted(429, {"title": "Too Many Requests", "detail": "Too Many Requests", "status": 429},
                              {"x-rate-limit-limit": "450", "x-rate-limit-remaining": "0",
                               "x-rate-limit-reset": str(int(now) + 120)}),
        "429": Scripted(429, {"title": "Too Many Requests", "detail": "Too Many Requests", "status": 429}),
        "429-cap": Scripted(429, {"account_id": 1, "product_name": "standard-basic", "title": "UsageCapExceeded",
                                  "period": "Monthly", "scope": "Product", "type": PROBLEMS + "usage-capped",
                                  "detail": "Usage cap exceeded: Monthly product cap"},
                            {"x-rate-limit-limit": "40000", "x-rate-limit-remaining": "39999",
                             "x-rate-limit-reset": str(int(now) + 600)}),
        "500": Scripted(500, {"title": "Internal Server Error", "detail": "Something is broken", "status": 500}),
        "503-json": Scripted(503, {"title": "Service Unavailable", "detail": "Service Unavailable", "status": 503}),
        "503-html": Scripted(503, _HTML),
        "200-html": Scripted(200, _HTML),
        "200-cut": Scripted(200, '{"data":[{"id":"1","te'),
        "200-list": Scripted(200, "[]"),
        "redirect": Scripted(302, "", {"Location": "http://169.254.169.254/latest"}),
        "silent": _SILENT, "drop": _DROP, "partial": _PARTIAL,
    }  # fmt: skip
    return problems[name]


class XStandIn:
    """The control object and the server. Make it with `XStandIn.running()`."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.bearer_token = "stand-in-token"
        self.family: Family | Literal["both"] = "both"
        self.limit = 450
        self.seen: list[Seen] = []
        self.pictures = PictureHost()
        self.api_url = ""
        self.media_url = ""
        self._posts: dict[str, FakePost] = {}  # by first id: the version that search and lookup show
        self._ids: dict[str, str] = {}  # any version's id → first id
        self._deleted: set[str] = set()
        self._protected: set[str] = set()
        self._authors: dict[str, FakeAuthor] = {}
        self._script: dict[Where, deque[Any]] = {"search": deque(), "lookup": deque()}
        self._windows: dict[Where, tuple[float, int]] = {}
        self._count = 0
        self._lock = threading.RLock()
        self._stopping = asyncio.Event()

    # --- life

    @classmethod
    @contextmanager
    def running(cls, *, clock: Callable[[], float] = time.time) -> Generator["XStandIn"]:
        """A stand-in that serves on ports of its own until the block ends."""
        x = cls(clock=clock)
        loop = asyncio.new_event_loop()
        ready = threading.Event()
        failure: list[BaseException] = []

        def run() -> None:
            asyncio.set_event_loop(loop)
            try:
                loop.run_until_complete(x._serve(ready))
            except BaseException as error:
                failure.append(error)
            finally:
                loop.close()
                ready.set()

        thread = threading.Thread(target=run, name="x-stand-in", daemon=True)
        thread.start()
        ready.wait(10)
        if failure or not x.api_url:
            raise RuntimeError("the stand-in for X did not start") from (failure[0] if failure else None)
        try:
            yield x
        finally:
            loop.call_soon_threadsafe(x._stopping.set)
            thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        api = web.Application()
        api.router.add_get("/2/tweets/search/recent", self._search)
        api.router.add_get("/2/tweets", self._lookup)
        runners = [web.AppRunner(app, shutdown_timeout=0.2) for app in (api, self.pictures.app())]
        urls: list[str] = []
        for runner in runners:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        self.api_url, self.media_url = urls
        ready.set()
        await self._stopping.wait()
        for runner in runners:
            await runner.cleanup()

    # --- control

    def author(self, username: str, name: str | None = None) -> FakeAuthor:
        """The account `username`, made when it is new."""
        with self._lock:
            if username not in self._authors:
                avatar = f"{self.media_url}/profile_images/{username}_normal.png"
                number = str(1000 + len(self._authors))
                self._authors[username] = FakeAuthor(number, username, name or username.title(), avatar)
            return self._authors[username]

    def add_post(
        self,
        text: str = "A picture #frieze",
        *,
        pictures: int = 1,
        videos: int = 0,
        author: str = "ada",
        alt: Sequence[str] = (),
        ago: float = 0.0,
        extension: str = "jpg",
        **more: Any,
    ) -> FakePost:
        """Publish a post now, or `ago` seconds back: then its id is lower than what was returned already.

        `pictures`: 0 to 4 photos. `more`: fields of FakePost (lang, sensitive, withheld, retweet, reply, urls,
        hide_media, overrides).
        """
        with self._lock:
            post_id, created = self._new_id(ago)
            media = [self._photo(post_id, n, alt, extension) for n in range(pictures)]
            media += [self._video(post_id, n) for n in range(videos)]
            post = FakePost(
                id=post_id,
                text=text,
                author=self.author(author),
                media=tuple(media),
                created=created,
                history=(post_id,),
                **more,
            )
            self._posts[post_id] = post
            self._ids[post_id] = post_id
            return post

    def edit(self, post: FakePost, text: str) -> FakePost:
        """A new version of the post: a new id, the same first id, the same pictures. Search shows this one."""
        with self._lock:
            first = post.history[0]
            before = self._posts[first]
            post_id, _ = self._new_id(0)
            after = replace(before, id=post_id, text=text, history=(*before.history, post_id))
            self._posts[first] = after
            self._ids[post_id] = first
            return after

    def delete(self, post: FakePost) -> None:
        """Delete the post with all its versions."""
        with self._lock:
            self._deleted.add(post.history[0])

    def protect(self, post: FakePost) -> None:
        """Its author went private: gone from search, `not-authorized-for-resource` on look-up."""
        with self._lock:
            self._protected.add(post.history[0])

    def script(self, *answers: str | Scripted, where: Where = "search") -> None:
        """Answer the next requests so, one each; afterwards as usual. Names are in `_scripted`."""
        now = self.clock()
        self._script[where].extend(_scripted(a, now) if isinstance(a, str) else a for a in answers)

    def script_picture(self, post: FakePost, behaviour: str, *, number: int = 0) -> None:
        """Let the picture host treat one picture of the post in a hostile way (BEHAVIOURS)."""
        assert behaviour in BEHAVIOURS, behaviour
        self.pictures.behaviours[_picture_name(post.history[0], number)] = behaviour

    def searches(self) -> list[Seen]:
        """The searches among the requests seen."""
        return [one for one in self.seen if one.where == "search"]

    def _new_id(self, ago: float) -> tuple[str, datetime]:
        self._count += 1
        ms = int((self.clock() - ago) * 1000)
        number = (ms - SNOWFLAKE_EPOCH_MS) << 22 | (self._count & 0x3FFFFF)
        return str(number), datetime.fromtimestamp(ms / 1000, UTC)

    def _photo(self, post_id: str, number: int, alt: Sequence[str], extension: str) -> FakeMedia:
        name = _picture_name(post_id, number)
        self.pictures.names.add(name)
        url = f"{self.media_url}/media/{name}.{extension}"
        # Keys that do not sort in the order of the pictures: who joins by order or sorts gets it wrong.
        key = f"3_{post_id}{9 - number}"
        return FakeMedia(key, "photo", url, None, alt[number] if number < len(alt) else "")

    def _video(self, post_id: str, number: int) -> FakeMedia:
        name = f"v{post_id}x{number}"
        self.pictures.names.add(name)
        preview = f"{self.media_url}/media/{name}.jpg"
        return FakeMedia(f"13_{post_id}{number}", "video", None, preview, "")

    # --- answering

    async def _search(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, "search", self._search_body)

    async def _lookup(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, "lookup", self._lookup_body)

    async def _answer(
        self, request: web.Request, where: Where, body: Callable[[MultiMapping[str]], dict[str, Any]]
    ) -> web.StreamResponse:
        self.seen.append(Seen(where, dict(request.query), dict(request.headers), self.clock()))
        if request.headers.get("Authorization") != f"Bearer {self.bearer_token}":
            return _reply(_scripted("401", self.clock()))
        scripted = self._script[where].popleft() if self._script[where] else None
        if isinstance(scripted, Scripted):
            return _reply(scripted)
        if scripted is _SILENT:
            await self._stopping.wait()
            return web.Response(status=503)
        limits, spent = self._spend(where)
        if spent:
            return _reply(Scripted(429, _scripted("429", 0).body, limits))
        try:
            with self._lock:
                document = body(request.query)
        except _Refused as refused:
            return _reply(Scripted(400, refused.body, limits))
        if scripted is _PARTIAL:
            document["errors"] = [_missing("1", "resource-not-found"), {"title": "Field Hydration Error",
                "type": PROBLEMS + "field-hydration-failure", "resource_type": "tweet"}]  # fmt: skip
        if scripted is _DROP:
            return await self._drop(request, json.dumps(document).encode())
        return _reply(Scripted(200, document, limits))

    async def _drop(self, request: web.Request, body: bytes) -> web.StreamResponse:
        answer = web.StreamResponse(
            headers={"Content-Type": "application/json", "Content-Length": str(len(body) + 100)}
        )
        await answer.prepare(request)
        await answer.write(body[: len(body) // 2])
        if request.transport is not None:
            request.transport.close()
        return answer

    def _spend(self, where: Where) -> tuple[dict[str, str], bool]:
        now = self.clock()
        began, used = self._windows.get(where, (now, 0))
        if now >= began + WINDOW_SECONDS:
            began, used = now, 0
        spent = used >= self.limit
        self._windows[where] = (began, used if spent else used + 1)
        return {
            "x-rate-limit-limit": str(self.limit),
            "x-rate-limit-remaining": str(max(0, self.limit - self._windows[where][1])),
            "x-rate-limit-reset": str(int(began) + WINDOW_SECONDS),
        }, spent

    def _search_body(self, query: MultiMapping[str]) -> dict[str, Any]:
        self._check_names(query, _SEARCH_PARAMETERS)
        family, fields = self._fields(query)
        text = query.get("query", "")
        try:
            matches = read_query(text)
        except QueryRefused as refused:
            raise _Refused("query", text, str(refused)) from None
        size = _max_results(query.get("max_results", "10"))
        if query.get("sort_order", "recency") not in ("recency", "relevancy"):
            raise _Refused("sort_order", query["sort_order"], "The `sort_order` value is not one of recency,relevancy")
        since = self._since(query)
        until = _digits(query, "until_id") if "until_id" in query else None
        before = self._read_token(query, text, since)
        found = [
            post
            for first, post in self._posts.items()
            if first not in self._deleted
            and first not in self._protected
            and (since is None or int(post.id) > since)
            and (until is None or int(post.id) < until)
            and (before is None or int(post.id) < before)
            and post.created.timestamp() > self.clock() - WEEK_SECONDS
            and matches(post)
        ]
        found.sort(key=lambda post: int(post.id), reverse=True)
        page = found[:size]
        document = self._document(page, family, fields)
        meta: dict[str, Any] = {"result_count": len(page)}
        document["meta"] = meta
        if page:
            meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
        if len(found) > size:
            meta["next_token"] = _token(text, since, int(page[-1].id))
        return document

    def _lookup_body(self, query: MultiMapping[str]) -> dict[str, Any]:
        self._check_names(query, _LOOKUP_PARAMETERS)
        family, fields = self._fields(query)
        ids = query.get("ids", "").split(",")
        if not 1 <= len(ids) <= 100 or not all(one.isdecimal() and len(one) <= 19 for one in ids):
            raise _Refused("ids", query.get("ids", ""), "The `ids` value is not 1 to 100 ids of at most 19 digits")
        found: list[FakePost] = []
        errors: list[dict[str, Any]] = []
        for one in ids:
            first = self._ids.get(one)
            if first is None or first in self._deleted:
                errors.append(_missing(one, "resource-not-found"))
            elif first in self._protected:
                errors.append(_missing(one, "not-authorized-for-resource"))
            else:
                found.append(replace(self._posts[first], id=one))
        document = self._document(found, family, fields)
        if errors:
            document["errors"] = errors
        return document

    # --- checking what came

    def _check_names(self, query: MultiMapping[str], known: set[str]) -> None:
        for name in query:
            if name not in known:
                raise _Refused(name, query[name], f"The query parameter [{name}] is not one of {sorted(known)}")
            if len(query.getall(name)) > 1:
                raise _Refused(name, query[name], f"The query parameter [{name}] is given more than once")

    def _fields(self, query: MultiMapping[str]) -> tuple[Family, dict[str, set[str]]]:
        for name in ("tweet", "post"):
            if f"{name}.fields" in query and self.family not in ("both", name):
                message = f"The query parameter [{name}.fields] is not one of the parameters of this endpoint"
                raise _Refused(f"{name}.fields", query[f"{name}.fields"], message)
        family: Family = "post" if "post.fields" in query or self.family == "post" else "tweet"
        return family, {
            "post": _listed(query, f"{family}.fields", _FAMILY_FIELDS[family]),
            "media": _listed(query, "media.fields", _MEDIA_FIELDS),
            "user": _listed(query, "user.fields", _USER_FIELDS),
            "expansions": _listed(query, "expansions", _EXPANSIONS),
        }

    def _since(self, query: MultiMapping[str]) -> int | None:
        if "since_id" not in query:
            return None
        since = _digits(query, "since_id")
        oldest = (int((self.clock() - WEEK_SECONDS) * 1000) - SNOWFLAKE_EPOCH_MS) << 22
        if since < oldest:
            limit = datetime.fromtimestamp(self.clock() - WEEK_SECONDS, UTC)
            message = f"'since_id' must be a tweet id created after {limit}"
            raise _Refused("since_id", str(since), message)
        return since

    def _read_token(self, query: MultiMapping[str], text: str, since: int | None) -> int | None:
        token = query.get("next_token", query.get("pagination_token"))
        if token is None:
            return None
        before = _token_position(token)
        if before is None or _token(text, since, before) != token:
            raise _Refused("next_token", token, f"The `next_token` query parameter value [{token}] is not valid")
        return before

    # --- saying what is there

    def _document(self, page: list[FakePost], family: Family, fields: dict[str, set[str]]) -> dict[str, Any]:
        if not page:
            return {}
        wanted = fields["expansions"]
        includes: dict[str, Any] = {}
        if "attachments.media_keys" in wanted:
            media = [m for post in page if not post.hide_media for m in post.media]
            # Sorted by key: neither the order of the posts nor that of the pictures in them.
            includes["media"] = [_media(m, fields["media"]) for m in sorted(media, key=lambda m: m.key)]
        if "author_id" in wanted:
            authors = {post.author.username: post.author for post in page}
            includes["users"] = [_user(authors[name], fields["user"]) for name in sorted(authors)]
        document: dict[str, Any] = {"data": [_post(post, family, fields["post"], wanted) for post in page]}
        if any(includes.values()):
            document["includes"] = {name: value for name, value in includes.items() if value}
        return document


def _picture_name(post_id: str, number: int) -> str:
    return f"p{post_id}n{number}"


def _reply(answer: Scripted) -> web.Response:
    if isinstance(answer.body, Mapping):
        return web.json_response(answer.body, status=answer.status, headers=answer.headers)
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    kind = "text/html" if body.startswith(b"<") else "application/json"
    return web.Response(body=body, status=answer.status, headers=answer.headers, content_type=kind)


def _missing(post_id: str, problem: str) -> dict[str, Any]:
    return {
        "value": post_id,
        "detail": f"Could not find tweet with ids: [{post_id}].",
        "title": "Not Found Error",
        "resource_type": "tweet",
        "parameter": "ids",
        "resource_id": post_id,
        "type": PROBLEMS + problem,
    }


def _max_results(value: str) -> int:
    if not value.isdecimal() or not 10 <= int(value) <= 100:
        message = f"The `max_results` query parameter value [{value}] is not between 10 and 100"
        raise _Refused("max_results", value, message)
    return int(value)


def _digits(query: MultiMapping[str], name: str) -> int:
    value = query[name]
    if not (value.isascii() and value.isdecimal() and len(value) <= 19):
        raise _Refused(name, value, f"The `{name}` query parameter value [{value}] does not match ^[0-9]{{1,19}}$")
    return int(value)


def _listed(query: MultiMapping[str], name: str, known: set[str]) -> set[str]:
    values = {value for value in query.get(name, "").split(",") if value}
    for value in sorted(values - known):
        raise _Refused(name, value, f"The `{name}` query parameter value [{value}] is not one of {sorted(known)}")
    return values


def _token(text: str, since: int | None, before: int) -> str:
    seal = hashlib.sha256(f"{text}|{since}|{before}".encode()).hexdigest()[:16]
    return base64.b32encode(f"{before}.{seal}".encode()).decode().lower().rstrip("=")


def _token_position(token: str) -> int | None:
    try:
        plain = base64.b32decode(token.upper() + "=" * (-len(token) % 8)).decode()
        return int(plain.split(".")[0])
    except ValueError:
        return None


def _post(post: FakePost, family: Family, fields: set[str], expansions: set[str]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": post.id,
        "text": post.text,
        f"edit_history_{family}_ids": list(post.history),
    }
    optional: dict[str, Any] = {
        "created_at": post.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "lang": post.lang,
        "possibly_sensitive": post.sensitive,
        "edit_controls": {"edits_remaining": 6 - len(post.history), "is_edit_eligible": True},
    }
    if post.withheld:
        optional["withheld"] = {"copyright": False, "country_codes": ["XX"]}
    if post.urls:
        optional["entities"] = {"urls": list(post.urls)}
    document |= {name: value for name, value in optional.items() if name in fields}
    if "author_id" in fields | expansions:
        document["author_id"] = post.author.id
    if post.media and ("attachments" in fields or "attachments.media_keys" in expansions):
        document["attachments"] = {"media_keys": [media.key for media in post.media]}
    return document | dict(post.overrides)


def _media(media: FakeMedia, fields: set[str]) -> dict[str, Any]:
    optional: dict[str, Any] = {"width": media.width, "height": media.height}
    if media.alt:
        optional["alt_text"] = media.alt
    if media.url is not None:
        optional["url"] = media.url
    if media.preview is not None:
        optional |= {"preview_image_url": media.preview, "duration_ms": 12_000, "variants": [
            {"bit_rate": 832_000, "content_type": "video/mp4", "url": media.preview + ".mp4"}]}  # fmt: skip
    chosen = {name: value for name, value in optional.items() if name in fields}
    return {"media_key": media.key, "type": media.type} | chosen


def _user(author: FakeAuthor, fields: set[str]) -> dict[str, Any]:
    optional = {"profile_image_url": author.avatar, "verified": False, "protected": False}
    chosen = {name: value for name, value in optional.items() if name in fields}
    return {"id": author.id, "name": author.name, "username": author.username} | chosen
