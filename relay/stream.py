"""`GET /api/walls/<slug>/stream`: a wall's events by Server-Sent Events, for whom no WebSocket gets through.

A stream is a reader of the wall's topic like any viewer, and shares its bytes with all other streams: `EventWrap` makes
them once per message. It has no queue. While the socket takes what was given last, it is paused and holds a cursor in
the ring; when that has gone out, it gets what it missed.
"""

import asyncio
import json
import random
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from relay.connections import GONE
from relay.pace import Progress, Verdict
from relay.rights import SHUT_OUT
from relay.ring import ShapeKey
from relay.seats import Seat
from relay.server import Relay
from relay.sockets import transport_of, tune, unanswered
from wall.destinations import private_topic, valid_slug, wall_topic
from wall.errors import CatalogueError
from wall.events import Cursor
from wall.sites import origin_allowed
from wall.stomp.codec import Decoder, Limits
from wall.stomp.errors import Code, StompError
from wall.stomp.frames import Version

BEAT_SECONDS = 10.0  # as the STOMP viewers' heart-beat; proxies cut what is silent for 30 to 60 s
RETRY_MILLISECONDS = 3_000
STALLED_SECONDS = 1.0  # what the server takes from a reader that reads, it takes within a turn of the loop
RETRY_AFTER = "5"  # seconds, as the WebSocket's refusals say

_PATH = re.compile(r"/api/walls/([a-z0-9-]{1,40})/stream", re.ASCII)
_LINE_END = re.compile(r"\r\n|\r|\n")  # what ends a line in an event stream
# What is decoded here was encoded by us: its parts had limits when they came in.
_OWN = Limits(command=32, headers=10_000, line=1 << 24, head=1 << 24, body=1 << 26, frame=1 << 27)
_Headers = list[tuple[bytes, bytes]]


class EventWrap:
    """A MESSAGE frame as a server-sent event: its cursor as `id`, its kind as `event`, its body as `data`."""

    deflates = False

    def __call__(self, payload: bytes, is_text: bool) -> bytes:
        (frame,) = Decoder(_OWN).feed(payload)
        headers = frame.headers
        position = f"{headers['epoch']}-{headers['seq']}" if "epoch" in headers and "seq" in headers else None
        kind = headers.get("kind", "message")
        # a head is no event: it has no position of its own (docs/wire.md)
        number = "" if position is None or kind == "head" else f"id: {position}\n"
        lines = "".join(f"data: {line}\n" for line in _LINE_END.split(frame.body.decode(errors="replace")))
        return _mark(headers) + f"{number}event: {_one_line(kind)}\n{lines}\n".encode()

    def deflated(self, payload: bytes, is_text: bool) -> bytes:
        raise NotImplementedError("nothing is compressed in a stream")


def _mark(headers: Mapping[str, str]) -> bytes:
    """What the reader has to know before the message itself: that something before it is missing."""
    match headers.get("gap"):
        case "true":
            return event("gap", {})
        case "superseded":
            return event("superseded", {"follows": int(headers["follows"])})
        case _:
            return b""


def event(name: str, data: Mapping[str, object], number: str | None = None) -> bytes:
    """An event of the stream's own."""
    position = f"id: {number}\n" if number is not None else ""
    return f"{position}event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _one_line(text: str) -> str:
    return _LINE_END.sub(" ", text)


_SHAPE = ShapeKey("", Version.V1_2, EventWrap(), named=False)


class EventStreams:
    """The ASGI application for all streams of a relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _Asked(scope)
        refusal = self._refuse_page(asked)
        if refusal is not None:
            await _answer(send, *refusal, asked.cross)
        elif scope["method"] == "OPTIONS":
            await _answer(send, HTTPStatus.NO_CONTENT, "", "", [*asked.cross, *_PREFLIGHT])
        elif scope["method"] != "GET":
            sentence = "A stream is read with GET."
            await _answer(send, HTTPStatus.METHOD_NOT_ALLOWED, "method", sentence, [(b"allow", b"GET, OPTIONS")])
        else:
            await self._open(asked, scope, receive, send)

    def _refuse_page(self, asked: "_Asked") -> tuple[HTTPStatus, str, str] | None:
        """Why the page that asks may not, if it may not."""
        settings = self._relay.settings
        listed = asked.origin in settings.origins
        if asked.origin is not None and not listed:
            # the rule of the WebSocket; a browser that says no Origin says in Sec-Fetch-Site when it is another site
            foreign = not origin_allowed(asked.origin, asked.host, ())
        else:
            foreign = not listed and asked.site in ("cross-site", "same-site")
        if not foreign:
            asked.allow_cross(listed)
            return None
        self._relay.connections.refused("origin")
        return HTTPStatus.FORBIDDEN, "origin", "This page may not connect here; an operator can add its origin."

    async def _open(self, asked: "_Asked", scope: Scope, receive: Receive, send: Send) -> None:
        relay, cross = self._relay, asked.cross
        try:
            cursor = Cursor.parse(asked.cursor) if asked.cursor else None
        except ValueError as error:
            await _answer(send, HTTPStatus.BAD_REQUEST, "bad-cursor", f"Bad cursor: {error}.", cross)
            return
        try:
            topic = await self._topic(asked.slug, asked.token if asked.page else None)
        except StompError as error:
            await _answer(send, HTTPStatus.UNAUTHORIZED, "token", error.public, cross)
            return
        except CatalogueError:
            later = [*cross, (b"retry-after", RETRY_AFTER.encode())]
            await _answer(send, HTTPStatus.SERVICE_UNAVAILABLE, "busy", "The wall is busy; try again soon.", later)
            return
        if topic is None:
            # the same words as the API's for a wall that is not there (wall/catalogue/walls.py)
            await _answer(send, HTTPStatus.NOT_FOUND, "not-found", f"There is no wall named {asked.slug}.", cross)
            return
        stream = EventStream(relay, send, transport_of(scope))
        peer = scope["client"][0] if scope.get("client") else ""
        refused = relay.admit(stream, relay.connections.address_of(peer, asked.forwarded))
        if refused is not None:
            later = [*cross, (b"retry-after", RETRY_AFTER.encode())]
            await _answer(send, HTTPStatus.SERVICE_UNAVAILABLE, "connections", refused.public + ".", later)
            return
        await stream.run(topic, cursor, receive, cross)

    async def _topic(self, slug: str, token: str | None) -> str | None:
        """Where the wall's events go, if the asker may read them. Raises StompError for a token whose time is over,
        and CatalogueError."""
        if token is not None:
            try:
                self._relay.visibility.check_read(private_topic(slug), token)
            except StompError as error:
                if error.code is Code.TOKEN_OVER:
                    raise
            else:
                return private_topic(slug)
        if not valid_slug(slug) or not await self._relay.visibility.is_public(slug):
            return None
        return wall_topic(slug)


class EventStream:
    """One browser or program that reads; a `Reader` (relay/seats.py) and a `Connection` (relay/connections.py)."""

    __slots__ = (
        "_close_by",
        "_leave_at",
        "_over",
        "_progress",
        "_send",
        "_sending",
        "_since",
        "_task",
        "_transport",
        "_words",
        "address",
        "paused",
        "relay",
        "seats",
    )

    def __init__(self, relay: Relay, send: Send, transport: asyncio.Transport | None) -> None:
        self.relay = relay
        self.address = ""
        self.paused = False
        self.seats: list[Seat] = []
        self._send = send
        self._transport = transport
        self._task = asyncio.current_task()
        self._progress: Progress | None = None  # while it is full, from the first look at it
        self._sending: asyncio.Task[None] | None = None
        self._since = relay.now()  # when something was last given to the server
        self._words = b""  # our own, while the server takes something else: a welcome or a farewell
        self._over = False
        self._leave_at: float | None = None  # a graceful stop asks to end then
        self._close_by: float | None = None  # ending: cut off then

    async def run(self, topic: str, cursor: Cursor | None, receive: Receive, cross: _Headers) -> None:
        """Until the reader goes, or `_end`."""
        relay = self.relay
        try:
            headers: _Headers = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
                *_SAFE,
                *cross,
            ]
            if self._transport is not None:
                # as a viewer's (relay/viewer.py): full is full, and little waits in the kernel
                self._transport.set_write_buffer_limits(high=0)
                tune(self._transport, relay.settings)
                headers.append((b"connection", b"close"))
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send(_body(b"retry: %d\n\n" % RETRY_MILLISECONDS))
            relay.due(self, self._since + BEAT_SECONDS)
            relay.hub.subscribe(topic, self, _SHAPE, None, cursor, relay.now())
            relay.flush_soon()
            while (await receive())["type"] != "http.disconnect":
                pass  # a GET has no body worth reading
        finally:
            if not self._over:
                relay.connections.ending(self, GONE)
            self._leave()
            self._over = True
            relay.gone(self)
            if self._sending is not None:
                self._sending.cancel()

    # ── as a reader ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def descriptor(self) -> None:
        """What the server has yet to write would be overtaken."""

    def writer(self) -> Callable[[bytes], object]:
        return self._say

    def joined(self, seat: Seat, recovered: bool | None, head: Cursor | None) -> bytes:
        position = str(seat.cursor) if seat.cursor is not None else None
        told = {"recovered": bool(recovered), "cursor": str(head) if head is not None else None}
        return event("hello", told, position)

    def left_behind(self, seat: Seat) -> None:
        self._end(Code.LEFT_BEHIND, "You read too slowly and messages you have not got are gone; come back")

    def too_slow(self) -> None:
        self._end(Code.TOO_SLOW, "You have read too slowly for too long; come back, and take a new snapshot")

    def _give(self, data: bytes) -> None:
        """Hand bytes to the server; until it has taken them nothing more is written."""
        self.paused = True
        self._since = self.relay.now()
        self.relay.hub.park(self, self._since)
        self._sending = asyncio.get_running_loop().create_task(self._pass_on(data))

    def _say(self, data: bytes) -> None:
        """Our own words; they may come while the server takes something else."""
        if self.paused:
            self._words += data
        else:
            self._give(data)

    async def _pass_on(self, data: bytes) -> None:
        while data:
            await self._send(_body(data))
            if self._backlog():
                # The server waits for room before it takes more: nothing more comes back when there is some.
                await self._send(_body(b""))
            data, self._words = self._words, b""
        if self._over:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        self.paused = False
        self._progress = None
        self.relay.hub.resume(self, self.relay.now())
        self.relay.flush_soon()

    def _backlog(self) -> int:
        """Bytes that the socket has not taken yet, where that can be known."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    # ── as a connection ──────────────────────────────────────────────────────────────────────────────────────────

    def visit(self, now: float) -> float | None:
        """Heart-beats; a reader that takes nothing for too long is cut."""
        if self._close_by is not None:
            if now >= self._close_by:
                self.abort()
                return None
            return self._close_by
        if self._leave_at is not None and now >= self._leave_at:
            self._end(1012, "the relay restarts; come back")
            return self._close_by
        if self.paused and self._judge(now):
            return self._close_by
        if self._vanished():
            self.relay.connections.ending(self, GONE)
            self.abort()
            return None
        if not self.paused and now - self._since >= BEAT_SECONDS:
            self._give(b":\n\n")
        due = now + 1.0 if self._progress is not None else max(now, self._since) + BEAT_SECONDS
        return due if self._leave_at is None else min(due, self._leave_at)

    def _judge(self, now: float) -> bool:
        """Whether a full one was ended: it is waited for as long as its topic allows."""
        if self._progress is None:
            self._progress = Progress(self._since, self._backlog())
        still = self._progress.still(now, self._backlog())
        stuck = still >= self.relay.settings.stuck_after
        if stuck or any(seat.audience.verdict(seat, now, still) is Verdict.END for seat in self.seats):
            self.too_slow()
        return self._over

    def _vanished(self) -> bool:
        """Whether nobody is there any more; heart-beats go one way only here."""
        settings = self.relay.settings
        return self._transport is not None and unanswered(self._transport) >= settings.unconfirmed

    def leave_at(self, moment: float) -> None:
        self._leave_at = moment
        self.relay.due(self, moment)

    def shut_out(self, destination: str) -> None:
        if any(seat.audience.destination == destination for seat in self.seats):
            self._end(Code.TOKEN_OVER, SHUT_OUT)

    def abort(self) -> None:
        self._leave()
        self._over = True
        if self._transport is not None:
            self._transport.abort()
        elif self._task is not None:
            self._task.cancel()

    def _end(self, code: int, sentence: str) -> None:
        """Say why and when to come back, then end the answer."""
        if self._over:
            return
        self.relay.connections.ending(self, code)
        now = self.relay.now()
        if self.paused and now - self._since >= STALLED_SECONDS:
            # It does not read; a farewell would wait behind all that it has not read.
            self.abort()
            return
        self._leave()
        self._over = True
        self._close_by = now + self.relay.settings.close_within
        self.relay.due(self, self._close_by)
        # spread, because a stopping relay says this to all
        back = int(random.uniform(0.5, 1.5) * RETRY_MILLISECONDS)  # noqa: S311 - spreads load, hides nothing
        self._say(b"retry: %d\n" % back + event("ended", {"code": int(code), "sentence": sentence}))

    def _leave(self) -> None:
        for seat in tuple(self.seats):
            self.relay.hub.leave(seat)


class _Asked:
    """What a request says that matters here."""

    def __init__(self, scope: Scope) -> None:
        headers: dict[bytes, bytes] = {}
        self.forwarded: list[str] = []
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                self.forwarded.append(value.decode("latin-1"))
            headers[name] = value
        found = _PATH.fullmatch(scope["path"])
        self.slug = found[1] if found is not None else ""
        self.origin = _text(headers.get(b"origin"))
        self.host = _text(headers.get(b"host"))
        self.site = _text(headers.get(b"sec-fetch-site"))
        scheme, _, token = (_text(headers.get(b"authorization")) or "").partition(" ")
        self.token = token.strip() if scheme.lower() == "bearer" else None
        # a page's own requests to its own host name no Origin, but say that they are just that
        self.page = self.origin is not None or self.site == "same-origin"
        query = parse_qs(scope["query_string"].decode("ascii", "replace"))
        # what a browser saw last is newer than the address it began with
        self.cursor = _text(headers.get(b"last-event-id")) or query.get("cursor", [""])[0]
        self.cross: _Headers = []

    def allow_cross(self, listed: bool) -> None:
        """A page of a listed site may read the answer (CORS); cookies are never asked for."""
        self.cross = [(b"vary", b"origin")]
        if listed and self.origin is not None:
            self.cross += [
                (b"access-control-allow-origin", self.origin.encode("latin-1")),
                (b"cross-origin-resource-policy", b"cross-origin"),
            ]
        else:
            self.cross.append((b"cross-origin-resource-policy", b"same-origin"))


_SAFE: _Headers = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
_PREFLIGHT: _Headers = [
    (b"access-control-allow-methods", b"GET"),
    (b"access-control-allow-headers", b"authorization, last-event-id"),
    (b"access-control-max-age", b"600"),
]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _body(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}


async def _answer(send: Send, status: HTTPStatus, code: str, sentence: str, more: _Headers) -> None:
    """A refusal in the API's form, or no body where there is nothing to say."""
    body = json.dumps({"error": {"code": code, "sentence": sentence}}).encode() if sentence else b""
    headers: _Headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *_SAFE,
        *more,
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
