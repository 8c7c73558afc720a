"""The operators' console in a real browser, on the program as `script/up` starts it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.up import Up
from tests.browser.wall import catalogue_posts, until_page

pytestmark = pytest.mark.parametrize("up", [{"FRIEZE_DEMO_PACE": "2"}], indirect=True)


def count(page: Page, state: str) -> int:
    """How many posts the left column counts in a state."""
    text = page.locator(f".left .states .{state} .count").inner_text(timeout=20_000)
    return int(text.replace(",", ""))


def selected(page: Page) -> str:
    """The id of the post whose card is selected; empty when none is."""
    cards = page.locator(".card[aria-selected=true]")
    return (cards.get_attribute("id") or "").removeprefix("post-") if cards.count() else ""


def sign_in(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")
    page.locator(".live.live").wait_for()
    # Chromium drops keys until a page is painted for the first time
    until_page(page, lambda: page.evaluate("performance.getEntriesByType('paint').length"), "the first paint")


def press_until(page: Page, key: str, shows: Callable[[], object], what: str) -> None:
    """Press a key until it shows: a busy Chromium drops keys until a page has settled."""
    for _ in range(5):
        page.keyboard.press(key)
        try:
            until_page(page, shows, what, 6)
        except AssertionError:
            continue
        return
    raise AssertionError(f"the key {key} never led to {what}")


def hold(page: Page) -> None:
    """Switch the wall to hold, and wait for posts that wait."""
    holds = page.get_by_role("radio", name="Hold", checked=True)
    press_until(page, "o", holds.count, "a wall that holds")
    page.keyboard.press("1")
    until_page(page, lambda: page.locator(".card").count() >= 2 and selected(page), "two posts that wait")


def test_the_printed_link_signs_in_and_a_key_puts_a_post_on_the_wall(up: Up, page: Page) -> None:
    sign_in(page, up.process.until_log(r"(http://\S+/console/sign-in\?token=\S+)")[1])
    hold(page)
    post = selected(page)
    assert post not in catalogue_posts(up.base)
    page.keyboard.press("a")
    until_page(page, lambda: post in catalogue_posts(up.base), "the approved post on the wall")
    # the key does nothing until the page has heard that the approval stands
    press_until(page, "u", lambda: post not in catalogue_posts(up.base), "the post off the wall again")


def test_a_rejection_can_be_taken_back_before_anybody_hears_of_it(up: Up, page: Page) -> None:
    sign_in(page, up.link("Ada"))
    hold(page)
    post = selected(page)
    page.keyboard.press("r")
    until_page(page, lambda: page.locator(f"#post-{post}").count() == 0, "the card to leave")
    page.keyboard.press("u")
    until_page(page, lambda: page.locator(f"#post-{post}").count() == 1, "the card to come back")
    assert count(page, "rejected") == 0


def test_what_one_operator_decides_another_sees_without_reloading(up: Up, page: Page, chromium: Browser) -> None:
    sign_in(page, up.link("Ada"))
    hold(page)
    context = chromium.new_context()
    other = context.new_page()
    sign_in(other, up.link("Grace"))
    until_page(other, lambda: other.locator(".card").count() >= 2 and selected(other), "the same posts")
    post = selected(other)
    other.keyboard.press("x")
    until_page(other, lambda: selected(other) != post, "the key to be heard")
    # what waits in the browser is sent when its page goes away
    other.goto("about:blank")
    until_page(page, lambda: page.locator(f"#post-{post}").count() == 0, "the card to leave")
    page.keyboard.press("4")
    until_page(page, lambda: page.locator(f"#post-{post}").count() == 1, "the card among the removed")
    context.close()


def test_a_search_is_added_from_the_keyboard(up: Up, page: Page) -> None:
    sign_in(page, up.link("Ada"))
    field = page.locator(".field")
    press_until(page, "/", field.count, "the sheet for a search")
    demo = page.locator(".sheet input[value=demo]")
    # the drawn label stands before the radio button itself
    until_page(page, lambda: demo.dispatch_event("click") or demo.is_checked(), "the demo chosen")
    field.fill("portraits")
    field.press("Enter")
    until_page(page, lambda: page.locator(".search", has_text="portraits").count() == 1, "the search in the list")


def test_who_is_not_signed_in_is_told_how_to_get_a_link(up: Up, page: Page) -> None:
    page.goto(f"{up.base}/console")
    page.get_by_text("frieze operator link NAME").wait_for()
