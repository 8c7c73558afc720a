"""The application as a whole: its page, its headers, its refusals, its description."""

from pathlib import Path

import pytest

from tests.fakes.console import RunningConsole, running
from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio


async def test_the_page_is_there_for_everybody_and_holds_nothing(console: RunningConsole) -> None:
    answer = await console.browser().get("/console")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-cache"
    assert "<title>Console</title>" in answer.text


async def test_a_page_that_is_not_built_says_what_to_do(catalogue: Catalogue, tmp_path: Path) -> None:
    async with running(catalogue, tmp_path) as console:
        answer = await console.browser().get("/console")
    assert answer.status == 503
    assert "script/setup" in answer.text


@pytest.mark.parametrize("path", ["/console", "/console/sign-in?token=a", "/api/console/state", "/api/console/x"])
async def test_every_answer_has_the_security_headers(console: RunningConsole, path: str) -> None:
    headers = (await console.browser().get(path)).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"].startswith("no-")


async def test_the_description_is_for_operators_and_names_every_route(console: RunningConsole) -> None:
    described = (await (await console.signed_in()).get("/api/console/openapi.json")).json
    assert {
        "/api/console/state",
        "/api/console/searches",
        "/api/console/changes",
        "/api/console/sign-out",
        "/api/console/walls/{slug}/posts",
        "/api/console/posts/{post_id}/actions",
    } <= set(described["paths"])


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/console/nowhere"])
async def test_there_is_nothing_else(console: RunningConsole, path: str) -> None:
    answer = await console.browser().get(path)
    assert (answer.status, answer.error) == (404, "not_found")


async def test_a_method_that_is_not_taken_is_refused_in_the_same_shape(console: RunningConsole) -> None:
    answer = await (await console.signed_in()).write("DELETE", "/api/console/state")
    assert (answer.status, answer.error) == (405, "method")


async def test_a_database_that_is_away_is_said_without_its_name(tmp_path: Path) -> None:
    catalogue = Catalogue(f"sqlite:{tmp_path / 'catalogue.db'}")
    await catalogue.migrate()
    async with running(catalogue, tmp_path) as console:
        browser = await console.signed_in()
        await catalogue.close()
        (tmp_path / "catalogue.db").rename(tmp_path / "gone.db")
        (tmp_path / "catalogue.db").mkdir()
        answer = await browser.get("/api/console/state")
    await catalogue.close()
    assert (answer.status, answer.error) == (503, "catalogue_unavailable")
    assert "sqlite" not in answer.text.lower()
    assert str(tmp_path) not in answer.text


async def test_an_error_of_ours_shows_nothing_of_the_inside(
    console: RunningConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await console.signed_in()

    async def broken() -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(console.catalogue.walls, "all", broken)
    answer = await browser.get("/api/console/state")
    assert (answer.status, answer.error) == (500, "internal")
    assert "hunter2" not in answer.text
