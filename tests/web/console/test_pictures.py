"""Signed addresses that stay the same while a browser looks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.console import running
from tests.fakes.posts import due_search, finish_all, source_post, store
from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio


async def test_reading_again_within_the_hour_gives_the_same_addresses(database_url: str, tmp_path: Path) -> None:
    moment = datetime(2026, 11, 21, 10, 0, 0, 123, tzinfo=UTC)
    catalogue = Catalogue(database_url, now=lambda: moment)
    await catalogue.migrate()
    await store(catalogue, await due_search(catalogue), source_post("a"))
    await finish_all(catalogue)
    addresses: list[str] = []
    async with running(catalogue, tmp_path) as console:
        browser = await console.signed_in()
        for minutes in (0, 59, 2):
            moment += timedelta(minutes=minutes)
            [post] = (await browser.get("/api/console/walls/main/posts?state=approved")).json["posts"]
            addresses.append(post["media"][0]["renditions"][0]["url"])
    await catalogue.close()
    assert addresses[0] == addresses[1] != addresses[2]
    assert f"until={int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())}&" in addresses[0]


async def test_only_addresses_of_web_pages_are_handed_on_as_links(catalogue: Catalogue, tmp_path: Path) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, replace(source_post("a"), url="javascript:alert(1)"))
    await finish_all(catalogue)
    async with running(catalogue, tmp_path) as console:
        browser = await console.signed_in()
        [post] = (await browser.get("/api/console/walls/main/posts?state=approved")).json["posts"]
    assert post["url"] is None
