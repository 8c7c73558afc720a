"""Walls where the WebSocket is not the way in: blocked networks, and secret links."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.blocking import blocking
from tests.browser.up import Up
from tests.browser.wall import catalogue_posts, is_live, shown_posts, tiles, until_page
from tests.integration.wire import WsClient
from tests.moderating import act
from tests.photographs import photograph
from tests.processes import run
from wall.states import ActionKind


def by(page: Page) -> str | None:
    """How the page's events come."""
    return page.evaluate("() => window.frieze?.by ?? null")


def test_where_websockets_are_blocked_pictures_come_and_go_by_the_stream(up: Up, page: Page) -> None:
    with blocking(up.port) as base:
        page.goto(f"{base}/w/main")
        until_page(page, lambda: by(page) == "stream" and is_live(page), "the page to be live by the stream", 60)
        before = page.evaluate("() => window.frieze.counts.messages")
        known = catalogue_posts(up.base)
        until_page(page, lambda: shown_posts(page) - known, "a picture that came by the stream", 60)
        assert page.evaluate("() => window.frieze.counts.messages") > before
        gone = sorted(shown_posts(page))[0]
        asked: list[str] = []
        page.on("request", lambda sent: asked.append(sent.url))
        act(up.database, gone, ActionKind.REMOVE)
        until_page(page, lambda: gone not in shown_posts(page), "the removed post to leave", 20)
        assert not [url for url in asked if "/api/walls/" in url], "it was told, it did not ask"


@pytest.mark.parametrize("up", [{"FRIEZE_DEMO": "false"}], indirect=True)
def test_a_secret_wall_shows_to_whoever_has_its_link_and_to_nobody_else(
    up: Up, page: Page, chromium: Browser, tmp_path: Path
) -> None:
    link = run("wall", "add", "party", "--secret", settings=up.settings).stdout.strip()
    key = link.partition("#key=")[2]
    picture = tmp_path / "cat.png"
    picture.write_bytes(photograph("chelsea.png").read_bytes())
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto(link)
    until_page(page, lambda: is_live(page), "the page to be live")
    run("post", str(picture), "--wall", "party", settings=up.settings)
    until_page(page, lambda: tiles(page), "the picture on the secret wall", 60)
    assert by(page) == "socket"
    assert not [url for url in asked if key in url], "the key stays in the browser"

    # the same by the stream
    with blocking(up.port) as base:
        context = chromium.new_context()
        other = context.new_page()
        other.goto(link.replace(up.base, base))
        until_page(other, lambda: by(other) == "stream" and tiles(other), "the picture by the stream", 60)
        context.close()

    # without the link
    context = chromium.new_context()
    stranger = context.new_page()
    answer = stranger.goto(f"{up.base}/w/party")
    assert answer is not None
    assert answer.status == 404
    stranger.get_by_text("There is no wall").wait_for(timeout=20_000)
    context.close()
    told = [_refusal(f"{up.base}/api/walls/{slug}/stream", slug) for slug in ("party", "nobody")]
    assert told[0] == told[1]
    assert told[0][0] == 404
    with WsClient.open(f"ws://127.0.0.1:{up.port}/stomp") as viewer:
        viewer.login()
        error = viewer.subscribe("/topic/private.party")
        assert error.startswith("ERROR")
        assert "code:4541" in error

    # and when the link is renewed
    run("wall", "link", "party", "--renew", settings=up.settings)
    until_page(page, lambda: not is_live(page), "the page with the old link to be cut off", 60)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _get(f"{up.base}/api/walls/party/snapshot", key)
    renewed = run("wall", "link", "party", settings=up.settings).stdout.strip().partition("#key=")[2]
    assert len(json.loads(_get(f"{up.base}/api/walls/party/snapshot", renewed))["posts"]) == 1


def _get(url: str, key: str) -> bytes:
    asked = urllib.request.Request(url, headers={"authorization": f"Bearer {key}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return answer.read()


def _refusal(url: str, slug: str) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, timeout=10)
    return caught.value.code, caught.value.read().decode().replace(slug, "SLUG")
