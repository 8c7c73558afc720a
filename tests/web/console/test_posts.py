"""Posts by state, and each action on them."""

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.console import Answer, Browser, RunningConsole
from tests.fakes.posts import LEASE, due_search, finish_all, rendered, source_post, store
from wall.catalogue.searches import DueSearch
from wall.states import Policy, State

pytestmark = pytest.mark.anyio


async def held(console: RunningConsole, *keys: str) -> DueSearch:
    """Posts that wait for an operator."""
    await console.catalogue.walls.change("main", policy=Policy.HOLD)
    due = await due_search(console.catalogue)
    for key in keys:
        await store(console.catalogue, due, source_post(key, text=f"Post {key}", avatar=True))
    await finish_all(console.catalogue)
    return due


async def listed(browser: Browser, state: str = "pending", more: str = "") -> list[dict[str, object]]:
    return (await browser.get(f"/api/console/walls/main/posts?state={state}{more}")).json["posts"]


async def act(browser: Browser, post: dict[str, object], kind: str, **changed: object) -> Answer:
    body = {"kind": kind, "state": post["state"], "revision": post["revision"], **changed}
    return await browser.write("POST", f"/api/console/posts/{post['id']}/actions", body)


async def test_posts_of_a_state_come_newest_first_and_page_by_page(console: RunningConsole) -> None:
    browser = await console.signed_in()
    await held(console, "a", "b", "c", "d", "e")
    seen: list[str] = []
    before = ""
    for size in (2, 2, 1):
        page = (await browser.get(f"/api/console/walls/main/posts?state=pending&limit=2{before}")).json
        assert len(page["posts"]) == size
        seen += [post["text"] for post in page["posts"]]
        before = f"&before={page['next']}"
    assert page["next"] is None
    assert seen == ["Post e", "Post d", "Post c", "Post b", "Post a"]


async def test_a_pending_post_has_signed_addresses_for_its_pictures(console: RunningConsole) -> None:
    browser = await console.signed_in()
    await held(console, "a")
    [post] = (await browser.get("/api/console/walls/main/posts?state=pending")).json["posts"]
    address = post["media"][0]["renditions"][0]["url"]
    path, _, query = address.partition("?")
    _, _, media_id, role = path.split("/")
    fields = dict(field.split("=") for field in query.split("&"))
    assert await console.catalogue.media.signed(media_id, role, int(fields["until"]), fields["signature"])
    found = await console.catalogue.media.find(media_id, role)
    assert found is not None
    assert not found.public


async def test_a_post_comes_with_those_that_look_the_same(console: RunningConsole) -> None:
    browser = await console.signed_in()
    due = await due_search(console.catalogue)
    await console.catalogue.walls.change("main", policy=Policy.HOLD)
    for key in "ab":
        await store(console.catalogue, due, source_post(key))
        [work] = await console.catalogue.work.claim(["demo"], "test", LEASE, 1)
        await console.catalogue.work.finish(work, [replace(result, phash=12345) for result in rendered(work)])
    second, first = await listed(browser)
    told = (await browser.get(f"/api/console/posts/{second['id']}")).json["post"]
    assert told["similar"] == second["similar"]
    [similar] = told["similar"]
    [picture] = (await browser.get(f"/api/console/posts/{first['id']}")).json["post"]["media"]
    assert similar == {
        "post": first["id"],
        "author": "Ada",
        "source": "demo",
        "state": "pending",
        "received": first["received"],
        "distance": 0,
        "picture": picture,
    }
    await act(browser, first, "reject")
    again = (await browser.get(f"/api/console/posts/{second['id']}")).json["post"]
    assert again["similar"][0]["state"] == "rejected"


async def test_approve_shows_a_post_remove_takes_it_off_and_restore_brings_it_back(console: RunningConsole) -> None:
    browser = await console.signed_in()
    await held(console, "a")
    [post] = await listed(browser)
    for kind, state, shown in (("approve", "approved", 1), ("remove", "removed", 0), ("restore", "approved", 1)):
        answer = await act(browser, post, kind)
        assert answer.status == 200, answer.text
        post = answer.json
        assert post["state"] == state
        assert len((await console.catalogue.posts.snapshot("main")).posts) == shown
    assert post["revision"] == 2


async def test_reject_keeps_a_post_off_and_approve_still_takes_it(console: RunningConsole) -> None:
    browser = await console.signed_in()
    await held(console, "a")
    [post] = await listed(browser)
    post = (await act(browser, post, "reject", reason="Not ours.")).json
    assert (post["state"], post["reason"]) == ("rejected", "Not ours.")
    assert (await act(browser, post, "approve")).json["state"] == "approved"


async def test_retry_gives_a_failed_post_back_to_the_workers(console: RunningConsole) -> None:
    browser = await console.signed_in()
    due = await due_search(console.catalogue)
    await store(console.catalogue, due, source_post("a"))
    [work] = await console.catalogue.work.claim(["demo"], "test", LEASE, 1)
    await console.catalogue.work.finish(work, rendered(work, "The picture is larger than 64 megapixels."))
    [post] = await listed(browser, "failed")
    assert post["reason"] == "The picture is larger than 64 megapixels."
    assert post["media_errors"] == ["The picture is larger than 64 megapixels."]
    assert (await act(browser, post, "retry")).json["state"] == "received"
    assert await finish_all(console.catalogue) == [State.APPROVED]


async def test_of_two_operators_the_second_is_told_who_was_quicker(console: RunningConsole) -> None:
    ada, grace = await console.signed_in("Ada"), await console.signed_in("Grace")
    await held(console, "a")
    [post] = await listed(ada)
    assert (await act(grace, post, "reject")).status == 200
    answer = await act(ada, post, "approve")
    assert (answer.status, answer.error) == (409, "moved")
    assert "rejected now by Grace" in answer.json["error"]["sentence"]
    assert answer.json["error"] | {"sentence": ""} == {
        "code": "moved",
        "sentence": "",
        "state": "rejected",
        "revision": 1,
        "by": "Grace",
    }


async def test_of_many_operators_at_once_exactly_one_wins(console: RunningConsole) -> None:
    browsers = [await console.signed_in(name) for name in ("Ada", "Grace", "Joan")]
    await held(console, "a")
    [post] = await listed(browsers[0])
    kinds = ("approve", "reject", "remove")
    answers = await asyncio.gather(*(act(b, post, kind) for b, kind in zip(browsers, kinds, strict=True)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409]


async def test_an_approval_of_what_the_author_edited_meanwhile_is_refused(console: RunningConsole) -> None:
    browser = await console.signed_in()
    due = await held(console, "a")
    [post] = await listed(browser)
    await store(console.catalogue, due, source_post("a", version=2, text="Something else"))
    await finish_all(console.catalogue)
    answer = await act(browser, post, "approve")
    assert (answer.status, answer.json["error"]["revision"]) == (409, 2)
    assert "edited" in answer.json["error"]["sentence"]


async def test_a_move_that_does_not_exist_is_refused(console: RunningConsole) -> None:
    browser = await console.signed_in()
    await held(console, "a")
    [post] = await listed(browser)
    answer = await act(browser, post, "restore")
    assert (answer.status, answer.error) == (409, "moved")
    assert answer.json["error"]["by"] is None


@pytest.mark.parametrize(
    "changed",
    [{"kind": "explode"}, {"state": "nowhere"}, {"revision": 0}, {"revision": "x"}, {"reason": "a" * 301}],
)
async def test_an_action_with_a_wrong_field_is_refused(console: RunningConsole, changed: dict[str, object]) -> None:
    browser = await console.signed_in()
    body = {"kind": "approve", "state": "pending", "revision": 1} | changed
    answer = await browser.write("POST", f"/api/console/posts/{'0' * 26}/actions", body)
    assert (answer.status, answer.error) == (422, "invalid")


async def test_what_is_not_there_is_not_found(console: RunningConsole) -> None:
    browser = await console.signed_in()
    missing = "0" * 26
    body = {"kind": "approve", "state": "pending", "revision": 1}
    assert (await browser.write("POST", f"/api/console/posts/{missing}/actions", body)).error == "not_found"
    assert (await browser.get(f"/api/console/posts/{missing}")).error == "not_found"
    assert (await browser.get("/api/console/walls/nowhere/posts?state=pending")).error == "not_found"


async def test_a_posts_story_says_who_did_what_and_why(console: RunningConsole) -> None:
    ada, grace = await console.signed_in("Ada"), await console.signed_in("Grace")
    await held(console, "a")
    [post] = await listed(ada)
    post = (await act(ada, post, "approve")).json
    await act(grace, post, "remove", reason="The guest asked us to.")
    story = (await ada.get(f"/api/console/posts/{post['id']}")).json
    assert story["post"]["state"] == "removed"
    assert [(a["kind"], a["operator"], a["reason"]) for a in story["actions"]] == [
        ("approve", "Ada", ""),
        ("remove", "Grace", "The guest asked us to."),
    ]


async def test_text_is_handed_on_as_text(console: RunningConsole) -> None:
    browser = await console.signed_in()
    await console.catalogue.walls.change("main", policy=Policy.HOLD)
    due = await due_search(console.catalogue)
    await store(console.catalogue, due, source_post("a", text="<b>bold</b> & \u202eback"))
    await finish_all(console.catalogue)
    answer = await browser.get("/api/console/walls/main/posts?state=pending")
    assert answer.json["posts"][0]["text"] == "<b>bold</b> & \u202eback"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
