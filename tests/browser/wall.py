"""What a wall page shows, as a viewer would see it."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from tests.fakes.waiting import until_blocking


def shown_posts(page: Page) -> set[str]:
    """The ids of the posts whose tiles are painted."""
    return {tile["post"] for tile in tiles(page)}


def tiles(page: Page) -> list[dict[str, Any]]:
    """Each painted tile: post, media, seq and times, in the order of the page."""
    found = page.evaluate("() => (window.frieze ? window.frieze.tiles : [])")
    return [tile for tile in found if tile["painted"]]


def is_live(page: Page) -> bool:
    return bool(page.evaluate("() => Boolean(window.frieze && window.frieze.live)"))


def until_page(page: Page, condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait for something on a page; Playwright's own waiting keeps its events flowing."""

    def look() -> bool:
        page.wait_for_timeout(50)
        return bool(condition())

    until_blocking(look, what, seconds)


def snapshot(base: str, slug: str = "main") -> dict[str, Any]:
    """What the catalogue says is on the wall."""
    with urllib.request.urlopen(f"{base}/api/walls/{slug}/snapshot", timeout=10) as answer:
        return json.load(answer)


def catalogue_posts(base: str, slug: str = "main") -> set[str]:
    return {post["id"] for post in snapshot(base, slug)["posts"]}
