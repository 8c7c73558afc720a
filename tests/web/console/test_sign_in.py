"""One link, one sign-in."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.console import RunningConsole, running, set_cookie_of
from wall.catalogue import Catalogue
from web.console.attempts import ATTEMPTS

pytestmark = pytest.mark.anyio


async def test_a_link_signs_in_once_and_only_once(console: RunningConsole) -> None:
    link = await console.catalogue.operators.link("Ada")
    browser = console.browser()
    answer = await browser.open_link(link)
    assert answer.status == 303
    assert answer.headers["location"] == "/console"
    assert (await browser.get("/api/console/state")).json["operator"] == "Ada"
    again = await console.browser().open_link(link)
    assert again.status == 403
    assert "used already" in again.text


async def test_of_many_browsers_that_use_one_link_at_once_exactly_one_gets_in(console: RunningConsole) -> None:
    link = await console.catalogue.operators.link("Ada")
    answers = await asyncio.gather(*(console.browser().open_link(link) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [303, 403, 403, 403, 403]


async def test_looking_at_a_link_does_not_use_it_up(console: RunningConsole) -> None:
    link = await console.catalogue.operators.link("Ada")
    for _ in range(3):
        page = await console.browser().get(f"/console/sign-in?token={link}")
        assert page.status == 200
        assert f'value="{link}"' in page.text
    assert (await console.browser().open_link(link)).status == 303


async def test_a_token_in_the_address_is_text_in_the_page(console: RunningConsole) -> None:
    page = await console.browser().get("/console/sign-in?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_a_link_older_than_a_day_signs_nobody_in(database_url: str, tmp_path: Path) -> None:
    moment = datetime(2026, 11, 21, 10, tzinfo=UTC)
    catalogue = Catalogue(database_url, now=lambda: moment)
    await catalogue.migrate()
    link = await catalogue.operators.link("Ada")
    async with running(catalogue, tmp_path) as console:
        moment += timedelta(hours=24, seconds=1)
        answer = await console.browser().open_link(link)
    await catalogue.close()
    assert answer.status == 403
    assert "frieze operator link" in answer.text


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(console: RunningConsole) -> None:
    answer = await console.browser().open_link(await console.catalogue.operators.link("Ada"))
    cookie = set_cookie_of(answer).lower()
    assert cookie.startswith("frieze_session=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "domain" not in cookie


async def test_over_https_the_cookie_is_bound_to_this_host(catalogue: Catalogue, tmp_path: Path) -> None:
    async with running(catalogue, tmp_path, proxy_headers=True, forwarded_allow_ips="127.0.0.1") as console:
        browser = console.browser()
        host = console.base.removeprefix("http://")
        answer = await browser.open_link(
            await catalogue.operators.link("Ada"), **{"x-forwarded-proto": "https", "origin": f"https://{host}"}
        )
        cookie = set_cookie_of(answer).lower()
    assert cookie.startswith("__host-frieze_session=")
    assert "; secure" in cookie
    assert "; path=/;" in cookie


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
async def test_another_site_can_not_sign_a_browser_in(console: RunningConsole, origin: str | None) -> None:
    link = await console.catalogue.operators.link("Mallory")
    answer = await console.browser().open_link(link, origin=origin)
    assert (answer.status, answer.error) == (403, "origin")
    assert (await console.browser().open_link(link)).status == 303


async def test_whoever_guesses_links_is_told_to_wait(console: RunningConsole) -> None:
    browser = console.browser()
    for _ in range(ATTEMPTS):
        assert (await browser.open_link("guess")).status == 403
    answer = await browser.open_link(await console.catalogue.operators.link("Ada"))
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_signing_out_ends_the_session_on_the_server(console: RunningConsole) -> None:
    browser = await console.signed_in()
    kept = {cookie.key: cookie.value for cookie in browser.client.cookie_jar}
    assert (await browser.write("POST", "/api/console/sign-out")).status == 204
    thief = console.browser()
    thief.client.cookie_jar.update_cookies(kept)
    assert (await thief.get("/api/console/state")).error == "signed_out"
