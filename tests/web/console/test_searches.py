"""Searches from the console."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.console import Browser, RunningConsole
from tests.fakes.posts import due_search

pytestmark = pytest.mark.anyio

ADD = "/api/console/walls/main/searches"


async def only_search(browser: Browser) -> dict[str, object]:
    [search] = (await browser.get("/api/console/searches")).json["searches"]
    return search


async def test_a_search_is_added_paused_continued_and_removed(console: RunningConsole) -> None:
    browser = await console.signed_in()
    added = await browser.write("POST", ADD, {"network": "demo", "query": "  landscapes "})
    assert (added.status, added.json["query"], added.json["enabled"]) == (201, "landscapes", True)
    path = f"/api/console/searches/{added.json['id']}"
    assert (await browser.write("POST", f"{path}/pause")).status == 204
    assert (await only_search(browser))["enabled"] is False
    assert (await browser.write("POST", f"{path}/go-on")).status == 204
    assert (await only_search(browser))["enabled"] is True
    assert (await browser.write("DELETE", path)).status == 204
    assert (await browser.get("/api/console/searches")).json == {"searches": []}
    for method, gone in (("POST", f"{path}/pause"), ("POST", f"{path}/go-on"), ("DELETE", path)):
        answer = await browser.write(method, gone)
        assert (answer.status, answer.error) == (404, "not_found")


async def test_each_search_shows_its_last_result_and_its_last_error(console: RunningConsole) -> None:
    browser = await console.signed_in()
    later = datetime.now(UTC) + timedelta(minutes=1)
    due = await due_search(console.catalogue)
    await console.catalogue.searches.fail(due, next_at=later, error="X refuses the bearer token.")
    failed = await only_search(browser)
    assert (failed["error"], failed["failures"]) == ("X refuses the bearer token.", 1)
    await console.catalogue.searches.enable(due.search.id, True)
    [due] = await console.catalogue.searches.claim_due(["demo"], "test", timedelta(seconds=30), 1)
    await console.catalogue.searches.finish(due, next_at=later, note="12 posts, 3 of them new to us")
    search = await only_search(browser)
    assert (search["note"], search["error"]) == ("12 posts, 3 of them new to us", None)


async def test_a_query_the_network_would_not_take_is_refused_in_its_words(console: RunningConsole) -> None:
    browser = await console.signed_in()
    answer = await browser.write("POST", ADD, {"network": "demo", "query": "nothing"})
    assert (answer.status, answer.error) == (422, "query_refused")
    assert "landscapes and portraits" in answer.json["error"]["sentence"]
    assert (await browser.get("/api/console/searches")).json == {"searches": []}


async def test_an_unknown_network_is_refused_with_those_there_are(console: RunningConsole) -> None:
    answer = await (await console.signed_in()).write("POST", ADD, {"network": "myspace", "query": "cats"})
    assert (answer.status, answer.error) == (422, "unknown_network")
    assert "demo, x" in answer.json["error"]["sentence"]


@pytest.mark.parametrize("query", ["", "   ", "a" * 1025])
async def test_a_search_has_1_to_1024_characters(console: RunningConsole, query: str) -> None:
    answer = await (await console.signed_in()).write("POST", ADD, {"network": "demo", "query": query})
    assert answer.status == 422
    assert answer.error in ("invalid", "search_refused")


async def test_a_search_for_a_wall_that_is_not_there_is_refused(console: RunningConsole) -> None:
    browser = await console.signed_in()
    answer = await browser.write("POST", "/api/console/walls/nowhere/searches", {"network": "demo", "query": "cats"})
    assert (answer.status, answer.error) == (404, "not_found")
