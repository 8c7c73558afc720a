"""The left column."""

import pytest

from tests.fakes.console import RunningConsole
from tests.fakes.posts import due_search, finish_all, source_post, store
from wall.states import Policy

pytestmark = pytest.mark.anyio


async def test_the_state_has_every_wall_with_its_counts_and_policy(console: RunningConsole) -> None:
    catalogue = console.catalogue
    await catalogue.walls.add("stage", "Main stage", Policy.HOLD)
    due = await due_search(catalogue, "stage")
    await store(catalogue, due, source_post("a"), source_post("b"))
    await finish_all(catalogue)
    await store(catalogue, due, source_post("c"))
    state = (await (await console.signed_in()).get("/api/console/state")).json
    assert [wall["slug"] for wall in state["walls"]] == ["main", "stage"]
    stage = state["walls"][1]
    assert (stage["title"], stage["policy"]) == ("Main stage", "hold")
    assert (stage["counts"]["pending"], stage["counts"]["received"], stage["counts"]["approved"]) == (2, 1, 0)
    assert state["networks"] == ["demo", "x"]


async def test_an_operator_sees_the_link_of_a_secret_wall(console: RunningConsole) -> None:
    wall = await console.catalogue.walls.add("party", "Our party", secret=True)
    walls = (await (await console.signed_in()).get("/api/console/state")).json["walls"]
    assert [each["link"] for each in walls] == [None, f"/w/party#key={await console.catalogue.links.key(wall)}"]


async def test_the_state_says_how_the_parts_fare(console: RunningConsole) -> None:
    await console.catalogue.health.say("publisher", ok=False, sentence="The broker does not answer.")
    [part] = (await (await console.signed_in()).get("/api/console/state")).json["health"]
    assert (part["part"], part["ok"], part["silent"]) == ("publisher", False, False)
    assert part["sentence"] == "The broker does not answer."


async def test_the_policy_decides_about_the_next_post(console: RunningConsole) -> None:
    browser = await console.signed_in()
    due = await due_search(console.catalogue)
    for policy, state in (("hold", "pending"), ("open", "approved")):
        answer = await browser.write("PUT", "/api/console/walls/main/policy", {"policy": policy})
        assert answer.json["policy"] == policy
        await store(console.catalogue, due, source_post(policy))
        assert await finish_all(console.catalogue) == [state]


async def test_a_wall_that_is_not_there_and_a_policy_that_is_none_are_refused(console: RunningConsole) -> None:
    browser = await console.signed_in()
    missing = await browser.write("PUT", "/api/console/walls/nowhere/policy", {"policy": "hold"})
    assert (missing.status, missing.error) == (404, "not_found")
    wrong = await browser.write("PUT", "/api/console/walls/main/policy", {"policy": "sometimes"})
    assert (wrong.status, wrong.error) == (422, "invalid")
    assert "sometimes" not in wrong.text


async def test_a_wall_is_changed_in_what_is_given(console: RunningConsole) -> None:
    browser = await console.signed_in()
    [before] = (await browser.get("/api/console/state")).json["walls"]
    assert (before["retention"], before["downloads"]) == (24, False)
    address = "/api/console/walls/main"
    answer = await browser.write("PATCH", address, {"retention": 48, "downloads": True})
    assert answer.status == 200
    assert answer.json == {**before, "retention": 48, "downloads": True}
    answer = await browser.write("PATCH", address, {"title": "  Our party ", "policy": "hold"})
    assert (answer.json["title"], answer.json["policy"], answer.json["retention"]) == ("Our party", "hold", 48)
    assert (await console.catalogue.walls.get("main")).view.settings["downloads"] is True


async def test_what_no_wall_can_be_is_refused(console: RunningConsole) -> None:
    browser = await console.signed_in()
    for wrong in ({"retention": -1}, {"retention": 10**6}, {"title": " "}, {"title": "x" * 201}, {"policy": "never"}):
        answer = await browser.write("PATCH", "/api/console/walls/main", wrong)
        assert (answer.status, answer.error) == (422, "invalid")
    missing = await browser.write("PATCH", "/api/console/walls/nowhere", {"downloads": True})
    assert (missing.status, missing.error) == (404, "not_found")
