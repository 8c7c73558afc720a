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
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web
from multidict import MultiMapping

from tests.fakes.x_answers import DROP, PARTIAL, PROBLEMS, SILENT, Scripted, missing, reply, scripted
from tests.fakes.x_language import QueryRefused, read_query
from tests.fakes.x_parameters import (
    LOOKUP_PARAMETERS,
    SEARCH_PARAMETERS,
    SNOWFLAKE_EPOCH_MS,
    WEEK_SECONDS,
    Refused,
    check_names,
    page_token,
    read_fields,
    read_id,
    read_max_results,
    read_since,
    read_token,
)
from tests.fakes.x_pictures import BEHAVIOURS, PictureHost
from tests.fakes.x_posts import FakeAuthor, FakeMedia, FakePost, Family, document

Where = Literal["search", "lookup"]

WINDOW_SECONDS = 900


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    where: Where
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: float


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
        """Answer the next requests so, one each; afterwards as usual. Names are in `scripted`."""
        now = self.clock()
        self._script[where].extend(scripted(a, now) if isinstance(a, str) else a for a in answers)

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
            return reply(scripted("401", self.clock()))
        ordered = self._script[where].popleft() if self._script[where] else None
        if isinstance(ordered, Scripted):
            return reply(ordered)
        if ordered is SILENT:
            await self._stopping.wait()
            return web.Response(status=503)
        limits, spent = self._spend(where)
        if spent:
            return reply(Scripted(429, scripted("429", 0).body, limits))
        try:
            with self._lock:
                answer = body(request.query)
        except Refused as refused:
            return reply(Scripted(400, refused.body, limits))
        if ordered is PARTIAL:
            answer["errors"] = [missing("1", "resource-not-found"), {"title": "Field Hydration Error",
                "type": PROBLEMS + "field-hydration-failure", "resource_type": "tweet"}]  # fmt: skip
        if ordered is DROP:
            return await self._drop(request, json.dumps(answer).encode())
        return reply(Scripted(200, answer, limits))

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
        check_names(query, SEARCH_PARAMETERS)
        family, fields = read_fields(query, self.family)
        text = query.get("query", "")
        try:
            matches = read_query(text)
        except QueryRefused as refused:
            raise Refused("query", text, str(refused)) from None
        size = read_max_results(query.get("max_results", "10"))
        if query.get("sort_order", "recency") not in ("recency", "relevancy"):
            raise Refused("sort_order", query["sort_order"], "The `sort_order` value is not one of recency,relevancy")
        since = read_since(query, self.clock())
        until = read_id(query, "until_id") if "until_id" in query else None
        before = read_token(query, text, since)
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
        answer = document(page, family, fields)
        meta: dict[str, Any] = {"result_count": len(page)}
        answer["meta"] = meta
        if page:
            meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
        if len(found) > size:
            meta["next_token"] = page_token(text, since, int(page[-1].id))
        return answer

    def _lookup_body(self, query: MultiMapping[str]) -> dict[str, Any]:
        check_names(query, LOOKUP_PARAMETERS)
        family, fields = read_fields(query, self.family)
        ids = query.get("ids", "").split(",")
        if not 1 <= len(ids) <= 100 or not all(one.isdecimal() and len(one) <= 19 for one in ids):
            raise Refused("ids", query.get("ids", ""), "The `ids` value is not 1 to 100 ids of at most 19 digits")
        found: list[FakePost] = []
        errors: list[dict[str, Any]] = []
        for one in ids:
            first = self._ids.get(one)
            if first is None or first in self._deleted:
                errors.append(missing(one, "resource-not-found"))
            elif first in self._protected:
                errors.append(missing(one, "not-authorized-for-resource"))
            else:
                found.append(replace(self._posts[first], id=one))
        answer = document(found, family, fields)
        if errors:
            answer["errors"] = errors
        return answer


def _picture_name(post_id: str, number: int) -> str:
    return f"p{post_id}n{number}"
