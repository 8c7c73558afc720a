"""Every page's headers, and whom its browser may talk to."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from web.headers import PUBLIC, SecurityHeaders, guest_policy, wall_policy

pytestmark = pytest.mark.anyio


def _directives(policy: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (directive.split() for directive in policy.split("; "))}


async def _answer(path: str) -> tuple[int, list[tuple[str, str]]]:
    """Status and headers of a GET."""

    async def plain(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def framed(_: Request) -> Response:
        return PlainTextResponse("ok", headers={"Referrer-Policy": "same-origin"})

    app = Starlette(routes=[Route("/plain", plain), Route("/framed", framed)], middleware=[Middleware(SecurityHeaders)])
    started: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "app": app}
    await app(scope, receive, send)
    [start] = started
    return start["status"], [(name.decode(), value.decode()) for name, value in start["headers"]]


@pytest.mark.parametrize(("path", "status"), [("/plain", 200), ("/nothing-here", 404)])
async def test_every_answer_carries_them_also_a_refusal(path: str, status: int) -> None:
    answered, headers = await _answer(path)
    assert answered == status
    assert PUBLIC.items() <= dict(headers).items()


async def test_what_a_route_says_itself_stands_and_is_said_once() -> None:
    _, headers = await _answer("/framed")
    assert [value for name, value in headers if name == "referrer-policy"] == ["same-origin"]
    assert dict(headers)["x-content-type-options"] == "nosniff"


async def test_what_is_not_http_passes_untouched() -> None:
    heard: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept", "headers": []})

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        heard.append(message)

    await SecurityHeaders(app)({"type": "websocket", "path": "/stomp"}, receive, send)
    assert heard == [{"type": "websocket.accept", "headers": []}]


@pytest.mark.parametrize(
    ("connect", "sources"),
    [
        ("/stomp", ["'self'"]),
        ("wss://wall.example/stomp", ["'self'", "wss://wall.example", "https://wall.example"]),
        ("ws://broker.example:61614", ["'self'", "ws://broker.example:61614"]),
    ],
)
def test_a_wall_may_connect_to_its_own_host_and_its_broker_and_to_nobody_else(connect: str, sources: list[str]) -> None:
    directives = _directives(wall_policy(connect))
    assert directives["connect-src"] == sources
    assert directives["default-src"] == ["'none'"]
    assert directives["require-trusted-types-for"] == ["'script'"]
    ours = {"'self'", "'none'", "data:", "blob:"}
    for name, allowed in directives.items():
        if name.endswith("-src") and name != "connect-src":
            assert set(allowed) <= ours, name
    assert directives["script-src"] == ["'self'"]


def test_a_guest_may_send_bytes_to_this_host_and_its_store_and_to_nobody_else() -> None:
    directives = _directives(guest_policy("https://store.example"))
    assert directives["connect-src"] == ["'self'", "https://store.example"]
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == ["'self'"]
    assert directives["require-trusted-types-for"] == ["'script'"]
    # what was chosen and is not sent yet
    assert directives["media-src"] == ["'self'", "blob:"]
