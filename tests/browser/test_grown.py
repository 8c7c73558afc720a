"""The whole path on real parts: X's API (a strict stand-in) ← tweepy ← `frieze ingest` ← PostgreSQL → ActiveMQ → pages.

One page subscribes directly to ActiveMQ's ws, a second one through `frieze relay`.
"""

import json
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.wall import catalogue_posts, is_live, shown_posts, snapshot, tiles, until_page
from tests.fakes.waiting import until_blocking
from tests.fakes.x import XStandIn
from tests.fakes.x_answers import Scripted
from tests.integration.activemq import ActiveMQ
from tests.moderating import act
from tests.postgres import Postgres, free_port
from tests.processes import Frieze, frieze, run
from wall.states import ActionKind


@dataclass
class Installation:
    """A grown installation: its parts are processes of their own."""

    x: XStandIn
    broker: ActiveMQ
    direct: str
    relayed: str
    settings: dict[str, str]
    parts: dict[str, Frieze]

    def remove(self, post_id: str) -> None:
        act(self.settings["FRIEZE_DATABASE_URL"], post_id, ActionKind.REMOVE)


@pytest.fixture
def installation(postgres: Postgres, own_activemq: ActiveMQ, tmp_path: Path) -> Generator[Installation]:
    activemq = own_activemq
    relay_port, direct_port, relayed_port = free_port(), free_port(), free_port()
    with ExitStack() as stack:
        x = stack.enter_context(XStandIn.running())
        settings = {
            "FRIEZE_DATA": str(tmp_path / "data"),
            "FRIEZE_DATABASE_URL": postgres.new_database(),
            "FRIEZE_STORE_URL": f"disk:{tmp_path / 'store'}",
            "FRIEZE_BROKER_URL": f"stomp://{activemq.stomp_host}:{activemq.stomp_port}",
            "FRIEZE_BROKER_PASSWORD": activemq.password,
            "FRIEZE_X_BEARER_TOKEN": x.bearer_token,
            "FRIEZE_X_API_URL": x.api_url,
            "FRIEZE_FETCH_ALLOW": "127.0.0.0/8",
            "FRIEZE_ORIGINS": f"http://127.0.0.1:{relayed_port}",
        }
        run("migrate", settings=settings)
        run("search", "add", "main", "x", "#frieze", settings=settings)
        parts: dict[str, Frieze] = {}

        def start(name: str, *arguments: str, **more: str) -> None:
            parts[name] = stack.enter_context(frieze(*arguments, settings={**settings, **more}, folder=tmp_path))

        start("ingest", "ingest")
        start("relay", "relay", "--port", str(relay_port))
        start("direct", "web", "--port", str(direct_port), FRIEZE_VIEWER_URL=activemq.ws_url)
        relay_url = f"ws://127.0.0.1:{relay_port}/stomp"
        start("relayed", "web", "--port", str(relayed_port), FRIEZE_VIEWER_URL=relay_url)
        bases = {
            name: f"http://127.0.0.1:{port}" for name, port in (("direct", direct_port), ("relayed", relayed_port))
        }
        for name, base in bases.items():
            parts[name].until_ready(base)
        parts["relay"].until_ready(f"http://127.0.0.1:{relay_port}")
        yield Installation(x, activemq, bases["direct"], bases["relayed"], settings, parts)


@pytest.fixture
def pages(installation: Installation, chromium: Browser) -> Generator[dict[str, Page]]:
    """Both pages, open and live."""
    contexts = {name: chromium.new_context() for name in ("direct", "relayed")}
    opened = {name: context.new_page() for name, context in contexts.items()}
    for name, page in opened.items():
        page.goto(f"{getattr(installation, name)}/w/main")
    for name, page in opened.items():
        until_page(page, lambda page=page: is_live(page), f"the {name} page to be live")
    yield opened
    for context in contexts.values():
        context.close()


def _until_both_show(installation: Installation, pages: dict[str, Page], count: int) -> None:
    until_blocking(lambda: len(catalogue_posts(installation.direct)) == count, f"{count} posts in the catalogue", 60)
    wanted = catalogue_posts(installation.direct)
    for name, page in pages.items():
        until_page(page, lambda page=page: shown_posts(page) == wanted, f"the {name} page to show them", 60)


def _assert_each_picture_once(page: Page) -> None:
    shown = [tile["media"] for tile in tiles(page)]
    assert len(shown) == len(set(shown)), "a picture is shown twice"


def test_every_picture_post_appears_exactly_once_on_both_pages(
    installation: Installation, pages: dict[str, Page]
) -> None:
    for n in range(4):
        installation.x.add_post(text=f"Picture {n} #frieze", pictures=1 + n % 3)
    installation.x.add_post(text="No picture #frieze", pictures=0)
    _until_both_show(installation, pages, 4)
    pictures = sum(1 + n % 3 for n in range(4))
    for name, page in pages.items():
        until_page(page, lambda page=page: len(tiles(page)) >= pictures, f"every picture on the {name} page")
        _assert_each_picture_once(page)
        assert len(tiles(page)) == pictures


def test_a_broker_restart_loses_nothing_and_shows_nothing_twice(
    installation: Installation, pages: dict[str, Page]
) -> None:
    for n in range(3):
        installation.x.add_post(text=f"Before {n} #frieze", pictures=1)
    _until_both_show(installation, pages, 3)
    # a removal is the last event before the broker goes
    gone = sorted(shown_posts(pages["direct"]))[0]
    installation.remove(gone)
    installation.broker.kill()
    installation.x.add_post(text="While it was away #frieze", pictures=2)
    for name, page in pages.items():
        until_page(page, lambda page=page: not is_live(page), f"the {name} page to say that it is not live", 40)
    installation.broker.start()
    for name, page in pages.items():
        until_page(page, lambda page=page: is_live(page), f"the {name} page to be live again", 60)
    _until_both_show(installation, pages, 3)
    for page in pages.values():
        assert gone not in shown_posts(page)
        _assert_each_picture_once(page)


def test_troubles_of_x_and_odd_posts_delay_but_lose_nothing(installation: Installation, pages: dict[str, Page]) -> None:
    x = installation.x
    soon = {"x-rate-limit-limit": "450", "x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(time.time()) + 8)}
    x.script("503-html", "200-html", Scripted(429, {"title": "Too Many Requests"}, soon))
    edited = x.add_post(text="Before the edit #frieze", pictures=1)
    broken = x.add_post(text="Not a picture #frieze", pictures=1)
    x.script_picture(broken, "html")
    x.add_post(text="No picture #frieze", pictures=0)
    _until_both_show(installation, pages, 1)
    x.edit(edited, "After the edit #frieze")
    x.add_post(text="Indexed late #frieze", pictures=4, ago=30)
    _until_both_show(installation, pages, 2)
    until_blocking(
        lambda: (
            {post["text"] for post in snapshot(installation.direct)["posts"]}
            == {"After the edit #frieze", "Indexed late #frieze"}
        ),
        "the edit in the catalogue",
        60,
    )
    for name, page in pages.items():
        until_page(page, lambda page=page: len(tiles(page)) == 5, f"every picture on the {name} page")
        revision = {tile["post"]: tile["revision"] for tile in tiles(page)}
        assert sorted(revision.values()) == [1, 2]
        _assert_each_picture_once(page)


def test_spent_credits_are_said_in_words_and_an_operator_can_go_on(
    installation: Installation, pages: dict[str, Page]
) -> None:
    installation.x.script("402")
    installation.x.add_post(text="After the payment #frieze", pictures=1)

    def error() -> str:
        [search] = run("search", "list", "--json", settings=installation.settings).stdout.splitlines()
        return str(json.loads(search)["error"])

    until_blocking(error, "the search to fail", 40)
    assert "credits" in error()
    # adding a search again is how one goes on at the command line
    run("search", "add", "main", "x", "#frieze", settings=installation.settings)
    _until_both_show(installation, pages, 1)
    assert error() == ""
