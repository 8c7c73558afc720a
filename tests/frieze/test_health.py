"""`/livez` and `/readyz`, asked as a proxy asks them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.applications import Starlette
from starlette.types import Message, Scope

from frieze.health import health_routes
from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio


async def _ask(app: Starlette, path: str) -> tuple[int, str, dict[str, str]]:
    heard: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        heard.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in heard[0]["headers"]}
    return heard[0]["status"], heard[1]["body"].decode(), headers


async def test_a_process_that_can_do_its_work_is_ready(catalogue: Catalogue) -> None:
    upstream = True
    app = Starlette(routes=health_routes(catalogue, lambda: upstream))
    for path in ("/livez", "/readyz"):
        status, body, headers = await _ask(app, path)
        assert (status, body, headers["cache-control"]) == (200, "ok", "no-store")
    upstream = False
    assert (await _ask(app, "/readyz"))[:2] == (503, "not ready")
    assert (await _ask(app, "/livez"))[0] == 200


async def test_without_its_database_it_lives_and_is_not_ready_and_says_no_more() -> None:
    catalogue = Catalogue("postgresql://frieze:hunter2@127.0.0.1:1/frieze")
    app = Starlette(routes=health_routes(catalogue, lambda: True))
    status, body, _ = await _ask(app, "/readyz")
    assert (status, body) == (503, "not ready")
    assert (await _ask(app, "/livez"))[0] == 200
    await catalogue.close()


async def test_a_database_that_never_answers_is_not_waited_for(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def never() -> AsyncGenerator[AsyncConnection]:
        await asyncio.Event().wait()
        async with catalogue.database.writing() as connection:
            yield connection

    monkeypatch.setattr("frieze.health.READY_SECONDS", 0.05)
    monkeypatch.setattr(catalogue.database, "reading", never)
    app = Starlette(routes=health_routes(catalogue, lambda: True))
    assert (await _ask(app, "/readyz"))[0] == 503
