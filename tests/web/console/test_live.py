"""Hints arrive, whoever made the change, and stop with the session."""

import pytest

from tests.fakes.console import RunningConsole
from tests.fakes.posts import due_search, finish_all, source_post, store
from tests.fakes.waiting import until
from wall.catalogue import Catalogue
from wall.states import Policy
from web.console.sessions import SignedIn
from web.console.watch import CONSOLES

pytestmark = pytest.mark.anyio


async def test_a_change_made_by_another_process_is_hinted_at(console: RunningConsole, database_url: str) -> None:
    browser = await console.signed_in()
    elsewhere = Catalogue(database_url)
    async with browser.changes() as events:
        assert (await events.next())[0] == "hello"
        due = await due_search(elsewhere)
        assert await events.next() == ("changed", '{"kinds": ["searches"]}')
        await store(elsewhere, due, source_post("a"))
        await events.until_kind("posts")
        await elsewhere.walls.change("main", policy=Policy.HOLD)
        await events.until_kind("walls")
        await elsewhere.health.say("publisher", ok=True, sentence="Connected.")
        await events.until_kind("health")
    await elsewhere.close()


async def test_a_change_made_here_is_hinted_at_to_everybody(console: RunningConsole) -> None:
    ada, grace = await console.signed_in("Ada"), await console.signed_in("Grace")
    async with ada.changes() as first, grace.changes() as second:
        await first.next()
        await second.next()
        await ada.write("PUT", "/api/console/walls/main/policy", {"policy": "hold"})
        await first.until_kind("walls")
        await second.until_kind("walls")


async def test_each_move_of_a_post_is_hinted_at(console: RunningConsole, database_url: str) -> None:
    browser = await console.signed_in()
    elsewhere = Catalogue(database_url)
    await elsewhere.walls.change("main", policy=Policy.HOLD)
    due = await due_search(elsewhere)
    async with browser.changes() as events:
        await events.next()
        await store(elsewhere, due, source_post("a"))
        await events.until_kind("posts")
        await finish_all(elsewhere)
        await events.until_kind("posts")
        [post] = (await browser.get("/api/console/walls/main/posts?state=pending")).json["posts"]
        for kind, state, revision in (
            ("reject", "pending", 1),
            ("approve", "rejected", 1),
            ("remove", "approved", 1),
            ("restore", "removed", 1),
        ):
            body = {"kind": kind, "state": state, "revision": revision}
            answer = await browser.write("POST", f"/api/console/posts/{post['id']}/actions", body)
            assert answer.status == 200, answer.text
            await events.until_kind("posts")
    await elsewhere.close()


async def test_signing_out_ends_the_stream_and_the_stream_of_nobody_else(console: RunningConsole) -> None:
    ada, grace = await console.signed_in("Ada"), await console.signed_in("Grace")
    async with ada.changes() as hers, grace.changes() as other:
        await hers.next()
        await other.next()
        await ada.write("POST", "/api/console/sign-out")
        assert (await hers.next())[0] == "ended"
        await hers.end()
        await console.catalogue.walls.change("main", policy=Policy.HOLD)
        await other.until_kind("walls")


async def test_a_session_that_another_process_ends_ends_the_stream(console: RunningConsole, database_url: str) -> None:
    browser = await console.signed_in()
    [cookie] = list(browser.client.cookie_jar)
    elsewhere = Catalogue(database_url)
    async with browser.changes() as events:
        await events.next()
        await elsewhere.operators.sign_out(cookie.value)
        assert (await events.next())[0] == "ended"
        await events.end()
    await elsewhere.close()


async def test_a_console_that_goes_away_is_forgotten_at_once(console: RunningConsole) -> None:
    browser = await console.signed_in()
    watch = console.app.state.watch
    for _ in range(3):
        async with browser.changes() as events:
            await events.next()
            assert watch.consoles == 1
        await until(lambda: watch.consoles == 0, "the console to be forgotten")


async def test_the_number_of_streams_is_bounded(console: RunningConsole) -> None:
    browser = await console.signed_in()
    watch = console.app.state.watch
    [cookie] = list(browser.client.cookie_jar)
    session = await console.catalogue.operators.session(cookie.value)
    assert session is not None
    operator = SignedIn(session=session, secret=cookie.value)
    held = [await watch.join(operator) for _ in range(CONSOLES)]
    answer = await browser.get("/api/console/changes")
    assert (answer.status, answer.error) == (503, "too_many_consoles")
    for one in held:
        watch.leave(one)
    async with browser.changes() as events:
        assert (await events.next())[0] == "hello"


async def test_the_server_stops_although_a_console_is_connected(console: RunningConsole) -> None:
    browser = await console.signed_in()
    async with browser.changes() as events:
        await events.next()
        console.app.state.watch.close()
        assert (await events.next())[0] == "ended"
        await events.end()
    assert (await browser.get("/api/console/changes")).error == "too_many_consoles"
