"""Guests add pictures in a real browser, on the program as `script/up` starts it."""

import json
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.phone import phone_page
from tests.browser.test_console import press_until, sign_in
from tests.browser.up import Up
from tests.browser.wall import catalogue_posts, shown_posts, snapshot, until_page
from tests.moderating import act
from tests.photographs import photograph, turned
from wall.states import ActionKind

pytestmark = pytest.mark.parametrize("up", [{"FRIEZE_DEMO_PACE": "0.1"}], indirect=True)


@pytest.fixture
def phone(chromium: Browser) -> Generator[Page]:
    with phone_page(chromium) as opened:
        yield opened


@pytest.fixture
def chosen(tmp_path: Path) -> list[Path]:
    """Three photographs as a phone has them: one lies on its side and says so."""
    side = tmp_path / "IMG_2041.JPG"
    turned(photograph("china.jpg"), 6, side)
    other = tmp_path / "IMG_2042.JPG"
    other.write_bytes(photograph("flower.jpg").read_bytes())
    third = tmp_path / "cat.png"
    third.write_bytes(photograph("chelsea.png").read_bytes())
    return [side, other, third]


def set_guests(page: Page, allowed: bool, consent: str = "") -> None:
    """As an operator does it in the console: from the keyboard."""
    switch = page.get_by_role("switch", name="Guests add pictures")
    press_until(page, "g", switch.count, "the sheet for guests")
    switch.set_checked(allowed, force=True)
    if allowed:
        page.get_by_label("What guests agree to").fill(consent)
    page.get_by_role("button", name="Save").click()
    # one of an earlier change may still be shown
    page.locator(".notice", has_text="Saved").last.wait_for()


def guests(up: Up) -> dict[str, Any] | None:
    with urllib.request.urlopen(f"{up.base}/api/walls/main", timeout=10) as answer:
        return json.load(answer)["uploads"]


def media_of(page: Page) -> str:
    """The id of the media that the full view shows."""
    return (page.locator("dialog.full img").first.get_attribute("src") or "").split("/")[2]


def by(up: Up, name: str) -> list[dict[str, Any]]:
    return [post for post in snapshot(up.base)["posts"] if post["author"]["name"] == name]


def test_pictures_of_a_phone_come_to_the_wall_and_a_withdrawn_one_leaves_it(
    up: Up, page: Page, phone: Page, chosen: list[Path]
) -> None:
    sign_in(page, up.link("Ada"))
    set_guests(page, True, consent="I took these pictures myself.")
    told = guests(up)
    assert told is not None and told["open"]
    phone.goto(f"{up.base}/w/main/add")
    phone.locator("#choose").set_input_files(chosen)
    phone.get_by_label("Caption of IMG_2042.JPG").fill("At last!")
    phone.get_by_label("Your name").fill("Grace")
    phone.get_by_role("button", name="Add 3 pictures").click()
    expect(phone.get_by_role("alert")).to_contain_text("agree")
    phone.get_by_label("I took these pictures myself.").check(force=True)
    phone.get_by_role("button", name="Add 3 pictures").click()
    expect(phone.get_by_role("heading", name="3 files were added.")).to_be_visible(timeout=60_000)
    until_page(phone, lambda: len(by(up, "Grace")) == 3, "three pictures on the wall", 60)
    assert {post["text"] for post in by(up, "Grace")} == {"", "At last!"}
    shapes = [post["media"][0] for post in by(up, "Grace")]
    assert all(media["width"] > media["height"] for media in shapes), "also the one that lay on its side"

    page.goto(f"{up.base}/w/main")
    ids = {post["id"] for post in by(up, "Grace")}
    until_page(page, lambda: ids <= shown_posts(page), "them in another browser", 60)

    phone.get_by_role("link", name="Your pictures").last.click()
    expect(phone.locator(".card.shown")).to_have_count(3, timeout=30_000)
    # a reload keeps the receipt
    phone.reload()
    card = phone.locator(".card", has_text="At last!")
    card.get_by_role("button", name="Withdraw").click()
    phone.get_by_role("button", name="Keep").click()
    assert ids <= catalogue_posts(up.base)
    card.get_by_role("button", name="Withdraw").click()
    phone.get_by_role("alertdialog").get_by_role("button", name="Withdraw").click()
    expect(phone.locator(".card.withdrawn")).to_have_count(1)
    until_page(page, lambda: len(ids & shown_posts(page)) == 2, "the withdrawn one to leave", 20)


def test_what_is_under_way_survives_a_loss_of_the_network(up: Up, page: Page, phone: Page, chosen: list[Path]) -> None:
    sign_in(page, up.link("Ada"))
    set_guests(page, True)
    phone.goto(f"{up.base}/w/main/add")
    phone.locator("#choose").set_input_files(chosen)
    phone.get_by_label("Your name").fill("Hedy")
    phone.context.set_offline(True)
    phone.get_by_role("button", name="Add 3 pictures").click()
    expect(phone.locator(".result")).to_contain_text("No network")
    expect(phone.locator(".file.waiting").first).to_be_visible()
    phone.context.set_offline(False)
    expect(phone.get_by_role("heading", name="3 files were added.")).to_be_visible(timeout=60_000)
    until_page(phone, lambda: len(by(up, "Hedy")) == 3, "each of them once", 60)


def test_the_wall_asks_for_pictures_while_it_takes_them(up: Up, page: Page, phone: Page) -> None:
    sign_in(page, up.link("Ada"))
    set_guests(page, True)
    phone.goto(f"{up.base}/w/main")
    until_page(phone, lambda: shown_posts(phone), "tiles on a phone")
    expect(phone.get_by_role("link", name="Add your pictures")).to_be_visible()
    expect(phone.locator(".code")).to_be_hidden()
    viewer = page.context.new_page()
    viewer.goto(f"{up.base}/w/main")
    expect(viewer.locator(".code svg")).to_be_visible(timeout=30_000)
    page.bring_to_front()
    set_guests(page, False)
    viewer.bring_to_front()
    expect(viewer.locator(".invitation")).to_have_count(0, timeout=20_000)


def test_a_picture_opens_in_full_and_closes_when_it_leaves_the_wall(up: Up, page: Page) -> None:
    page.goto(f"{up.base}/w/main")
    until_page(page, lambda: len(shown_posts(page)) >= 3, "tiles")
    page.locator(".tile").first.focus()
    page.keyboard.press("Enter")
    full = page.locator("dialog.full")
    expect(full).to_be_visible()
    first = media_of(page)
    # the tile may be that of the oldest picture
    there, back = "ArrowRight", "ArrowLeft"
    if page.get_by_role("button", name="Older picture").count() == 0:
        there, back = back, there
    page.keyboard.press(there)
    until_page(page, lambda: media_of(page) != first, "the picture beside it")
    page.keyboard.press(back)
    until_page(page, lambda: media_of(page) == first, "the first one again")
    page.keyboard.press("Escape")
    expect(full).to_have_count(0)

    page.locator(".tile").first.click()
    expect(full).to_be_visible()
    page.go_back()
    expect(full).to_have_count(0)
    assert page.url.endswith("/w/main")

    page.locator(".tile").first.click()
    expect(full).to_be_visible()
    # the wall moves under the pointer, so what was opened is asked of the view
    shown = media_of(page)
    (post,) = (post["id"] for post in snapshot(up.base)["posts"] if shown in [media["id"] for media in post["media"]])
    act(up.database, post, ActionKind.REMOVE)
    expect(full).to_have_count(0, timeout=10_000)
