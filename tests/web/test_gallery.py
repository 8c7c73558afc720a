"""The list of what stands on a wall, from a real server over a real catalogue."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from frieze.server import Dispatch
from relay.media import MediaServer
from tests.fakes.posts import due_search, finish_all, source_post, store
from tests.fakes.serving import served
from tests.fakes.waiting import until
from wall.catalogue import Catalogue
from wall.store import open_store
from web import gallery
from web.headers import SecurityHeaders
from web.public import PublicPages

pytestmark = pytest.mark.anyio

LISTED = "https://gallery.example"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: tests/wall/catalogue/test_gallery.py has the query on both."""
    return f"sqlite:{tmp_path / 'catalogue.db'}"


@pytest.fixture
async def base(catalogue: Catalogue, tmp_path: Path) -> AsyncGenerator[str]:
    pages = PublicPages(catalogue=catalogue, built=tmp_path, connect="/stomp", origins=(LISTED,))
    app = Starlette(routes=pages.routes(), middleware=[Middleware(SecurityHeaders)])
    media = MediaServer(catalogue, await open_store(f"disk:{tmp_path / 'store'}"))
    async with served(Dispatch(media, None, app)) as port:
        yield f"http://127.0.0.1:{port}/api/walls"


@pytest.fixture
async def client() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def _show(catalogue: Catalogue, *texts: str) -> None:
    await store(catalogue, await due_search(catalogue), *(source_post(text, text=text) for text in texts))
    await finish_all(catalogue)


async def _get(
    client: aiohttp.ClientSession,
    base: str,
    query: dict[str, str] | None = None,
    *,
    headers: dict[str, str] | None = None,
    wall: str = "main",
) -> tuple[int, Any]:
    async with client.get(f"{base}/{wall}/posts", params=query, headers=headers) as answer:
        assert answer.headers["cache-control"] == "no-store"
        return answer.status, await answer.json()


async def test_a_script_reads_everything_page_by_page(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue
) -> None:
    await _show(catalogue, *"abcde")
    expected = [post.id for post in (await catalogue.posts.snapshot("main")).posts]
    query: dict[str, str] = {"limit": "2"}
    posts: list[Any] = []
    for _ in range(3):
        status, page = await _get(client, base, query)
        assert (status, page["v"], page["wall"]) == (200, 1, "main")
        posts += page["posts"]
        query["before"] = page["next"]
    assert query["before"] is None
    assert [post["id"] for post in posts] == expected
    [media] = posts[0]["media"]
    assert media["addresses"]["thumbnail-320"] == f"/media/{media['id']}/thumbnail-320"
    assert (media["kind"], media["width"]) == ("image", 1600)


async def test_the_filters_go_together(base: str, client: aiohttp.ClientSession, catalogue: Catalogue) -> None:
    await _show(catalogue, "the sea", "the hills")
    _, page = await _get(client, base, {"kind": "image", "author": "ada", "q": "SEA the"})
    assert [post["text"] for post in page["posts"]] == ["the sea"]
    assert (await _get(client, base, {"kind": "video"}))[1]["posts"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"kind": "gif"}, "bad-kind"),
        ({"kind": ""}, "bad-kind"),
        ({"author": ""}, "bad-author"),
        ({"author": "x" * 201}, "bad-author"),
        ({"q": "\0"}, "bad-q"),
        ({"q": "  "}, "bad-q"),
        ({"q": "a b c d e f g h i"}, "bad-q"),
        ({"before": "yesterday"}, "bad-before"),
        ({"before": ""}, "bad-before"),
        ({"limit": "0"}, "bad-limit"),
        ({"limit": "201"}, "bad-limit"),
        ({"limit": "-1"}, "bad-limit"),
        ({"limit": "٣"}, "bad-limit"),
        ({"page": "2"}, "bad-parameter"),
    ],
)
async def test_each_parameter_that_makes_no_sense_is_refused_by_name(
    base: str, client: aiohttp.ClientSession, query: dict[str, str], code: str
) -> None:
    status, answer = await _get(client, base, query)
    assert (status, answer["error"]["code"]) == (400, code)
    assert next(iter(query)) in answer["error"]["sentence"]


async def test_a_parameter_given_twice_is_refused(base: str, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{base}/main/posts?limit=1&limit=2") as answer:
        assert (await answer.json())["error"]["code"] == "bad-limit"


async def test_a_page_of_another_life_is_gone(base: str, client: aiohttp.ClientSession, catalogue: Catalogue) -> None:
    await _show(catalogue, "a", "b")
    _, page = await _get(client, base, {"limit": "1"})
    await catalogue.walls.new_epoch()
    status, answer = await _get(client, base, {"before": page["next"]})
    assert (status, answer["error"]["code"]) == (410, "gone")


async def test_a_secret_wall_is_listed_for_who_has_its_link_or_a_token_only(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue
) -> None:
    wall = await catalogue.walls.add("party", "The party", secret=True)
    key, token = await catalogue.links.key(wall), await catalogue.links.token(wall)
    for shown in (key, token):
        assert (await _get(client, base, headers={"authorization": f"Bearer {shown}"}, wall="party"))[0] == 200
    none: dict[str, str] = {}
    for headers in (none, {"authorization": "Bearer wrong"}):
        refused = await _get(client, base, {"limit": "nonsense"}, headers=headers, wall="party")
        assert refused[0] == 404
        nowhere = await _get(client, base, {"limit": "nonsense"}, headers=headers, wall="nowhere")
        assert str(refused[1]).replace("party", "nowhere") == str(nowhere[1])


async def test_pages_of_listed_sites_may_read_it_and_others_may_not(base: str, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{base}/main/posts", headers={"origin": LISTED}) as answer:
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == LISTED
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "origin" in answer.headers.getall("vary")
        assert "access-control-allow-credentials" not in answer.headers
    async with client.options(f"{base}/main/posts", headers={"origin": LISTED}) as answer:
        assert answer.status == 204
        assert answer.headers["access-control-allow-headers"] == "authorization"
    async with client.get(f"{base}/main/posts", headers={"origin": "https://elsewhere.example"}) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (403, "origin")
        assert "access-control-allow-origin" not in answer.headers
    async with client.get(f"{base}/main/posts", headers={"origin": base.removesuffix("/api/walls")}) as answer:
        assert answer.status == 200


async def test_a_long_page_is_zipped_for_who_can_unzip_it(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue
) -> None:
    await _show(catalogue, *"abcdefgh")
    async with client.get(f"{base}/main/posts") as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert len((await answer.json())["posts"]) == 8
    async with client.get(f"{base}/main/posts", headers={"accept-encoding": "identity"}) as answer:
        assert "content-encoding" not in answer.headers
        assert len((await answer.json())["posts"]) == 8


async def test_a_crowd_waits_and_what_is_too_many_is_told_when_to_come_back(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "WAITING", 4)
    go_on, inside = asyncio.Event(), 0
    page = catalogue.gallery.page

    async def slow(*args: Any) -> Any:
        nonlocal inside
        inside += 1
        assert inside <= gallery.AT_ONCE
        await go_on.wait()
        inside -= 1
        return await page(*args)

    monkeypatch.setattr(catalogue.gallery, "page", slow)
    asking = [asyncio.ensure_future(_get(client, base)) for _ in range(6)]
    await until(lambda: sum(one.done() for one in asking) == 2, "two to be sent away")
    for one in asking:
        if one.done():
            assert one.result()[0] == 503
    go_on.set()
    assert sorted([(await one)[0] for one in asking]) == [200] * 4 + [503] * 2
