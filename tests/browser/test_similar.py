"""Pictures that look the same, as moderators are told of them: on the program, in a real browser."""

from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.browser.test_console import press_until, selected, sign_in
from tests.browser.up import frieze_up
from tests.browser.wall import until_page
from tests.photographs import photograph


def test_a_key_leads_to_the_post_with_the_same_picture_and_back(tmp_path: Path, page: Page) -> None:
    party = tmp_path / "party"
    party.mkdir()
    with Image.open(photograph("china.jpg")) as china:
        china.save(party / "as-it-was-taken.jpg", quality=95)
        # as it comes back from a messenger
        china.resize((320, 214)).save(party / "passed-on.jpg", quality=60)
    with Image.open(photograph("flower.jpg")) as flower:
        flower.save(party / "another.jpg", quality=95)
    with frieze_up(tmp_path, {"FRIEZE_DEMO": "false", "FRIEZE_FOLDERS": str(party)}) as up:
        sign_in(page, up.link("Ada"))
        page.keyboard.press("2")
        marked = page.locator(".card:has(.alike-badge)")
        until_page(page, lambda: page.locator(".card").count() == 3 and marked.count() == 2, "two alike of three", 60)
        marked.first.click()
        here = selected(page)
        there = (marked.last.get_attribute("id") or "").removeprefix("post-")
        row = page.locator(".alike button")
        until_page(page, lambda: row.count() == 1, "the other one in the selected post's pane")
        assert row.locator(".state").inner_text() == "Approved"
        painted = "image => image.complete && image.naturalWidth > 0"
        until_page(page, lambda: row.locator("img").evaluate(painted), "its picture")

        back = page.locator(".detail .return")
        press_until(page, "s", back.count, "the other post")
        large = page.locator(".detail .large img")
        address = page.locator(f"#post-{there} .thumb img").get_attribute("src") or "nothing"
        media = address.split("/")[2]
        assert f"/media/{media}/" in (large.get_attribute("src") or "")
        # the list keeps its place meanwhile
        assert selected(page) == here
        press_until(page, "s", lambda: back.count() == 0, "the post one came from")
        assert selected(page) == here
