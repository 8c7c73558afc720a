"""Nobody gets past the guard without a session, and no write without three proofs of where it comes from."""

from pathlib import Path

import pytest

from tests.fakes.console import RunningConsole, running
from wall.catalogue import Catalogue
from wall.states import Policy

pytestmark = pytest.mark.anyio

POLICY = "/api/console/walls/main/policy"
HOLD = {"policy": "hold"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/console",
        "/api/console/state",
        "/api/console/searches",
        "/api/console/changes",
        "/api/console/openapi.json",
        "/api/console/walls/main/posts?state=pending",
        "/api/console/what-nobody-has-written-yet",
    ],
)
async def test_whoever_is_not_signed_in_learns_nothing(console: RunningConsole, path: str) -> None:
    answer = await console.browser().get(path)
    assert (answer.status, answer.error) == (401, "signed_out")


async def test_the_guard_stands_wherever_the_application_is_mounted(catalogue: Catalogue, tmp_path: Path) -> None:
    async with running(catalogue, tmp_path, root_path="/frieze") as console:
        browser = await console.signed_in()
        stranger = console.browser()
        for path in ("/api/console/state", "/api/console/searches"):
            assert (await browser.get(path)).status == 200
            assert (await stranger.get(path)).error == "signed_out"


async def test_a_write_without_a_session_is_refused_before_its_body_is_looked_at(console: RunningConsole) -> None:
    answer = await console.browser().ask("PUT", POLICY, data=b"{{{")
    assert (answer.status, answer.error) == (401, "signed_out")


async def test_the_page_itself_can_write(console: RunningConsole) -> None:
    browser = await console.signed_in()
    assert (await browser.write("PUT", POLICY, HOLD)).json["policy"] == "hold"
    assert (await console.catalogue.walls.get("main")).policy is Policy.HOLD


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1", "http://127.0.0.1"])
async def test_a_write_from_another_origin_or_from_none_changes_nothing(
    console: RunningConsole, origin: str | None
) -> None:
    browser = await console.signed_in()
    answer = await browser.write("PUT", POLICY, HOLD, origin=origin)
    assert (answer.status, answer.error) == (403, "origin")
    assert (await console.catalogue.walls.get("main")).policy is Policy.OPEN


async def test_the_same_host_over_another_scheme_is_another_origin(console: RunningConsole) -> None:
    browser = await console.signed_in()
    answer = await browser.write("PUT", POLICY, HOLD, origin=console.base.replace("http:", "https:"))
    assert answer.error == "origin"


async def test_an_origin_on_the_list_may_write(console: RunningConsole) -> None:
    browser = await console.signed_in()
    answer = await browser.write("PUT", POLICY, HOLD, origin="https://console.example")
    assert answer.status == 200


async def test_what_the_browser_itself_calls_cross_site_is_refused(console: RunningConsole) -> None:
    browser = await console.signed_in()
    answer = await browser.write("PUT", POLICY, HOLD, sec_fetch_site="cross-site")
    assert answer.error == "origin"


async def test_a_write_without_the_token_or_with_another_sessions_token_is_refused(console: RunningConsole) -> None:
    ada, grace = await console.signed_in("Ada"), await console.signed_in("Grace")
    assert ada.token != grace.token
    for token in (None, "", grace.token):
        answer = await ada.write("PUT", POLICY, HOLD, frieze_token=token)
        assert (answer.status, answer.error) == (403, "token")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_what_a_form_could_send_is_refused(console: RunningConsole, kind: str) -> None:
    browser = await console.signed_in()
    answer = await browser.ask("PUT", POLICY, data=b'{"policy":"hold"}', headers={"content-type": kind})
    assert (answer.status, answer.error) == (415, "not_json")


async def test_the_token_says_nothing_about_the_cookie(console: RunningConsole) -> None:
    browser = await console.signed_in()
    [cookie] = list(browser.client.cookie_jar)
    text = (await browser.get("/api/console/state")).text
    assert cookie.value not in text
    assert len(browser.token) == 64
