"""The wall's HTTP answers, from a real server over a real catalogue."""

import gzip
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from frieze.server import Dispatch
from relay.media import MediaServer
from tests.fakes.posts import due_search, finish_all, source_post, store
from tests.fakes.serving import served
from wall.catalogue import Catalogue
from wall.catalogue.nodes import Node
from wall.store import open_store
from web.headers import SecurityHeaders, wall_policy
from web.public import PublicPages, connect_kind

pytestmark = pytest.mark.anyio


@pytest.fixture
async def base(request: pytest.FixtureRequest, catalogue: Catalogue, tmp_path: Path) -> AsyncGenerator[str]:
    """Where the pages are; a test's parameter is where viewers connect."""
    connect = getattr(request, "param", "ws://broker.example:61614")
    built = tmp_path / "static"
    (built / "assets").mkdir(parents=True)
    (built / "wall.html").write_text("<!doctype html><title>wall</title>")
    (built / "guest.html").write_text("<!doctype html><title>guest</title>")
    (built / "assets" / "wall-abc.js").write_text("//")
    pages = PublicPages(catalogue=catalogue, built=built, connect=connect)
    app = Starlette(routes=pages.routes(), middleware=[Middleware(SecurityHeaders)])
    media = MediaServer(catalogue, await open_store(f"disk:{tmp_path / 'store'}"))
    async with served(Dispatch(media, None, app)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def client() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


async def test_the_page_may_talk_to_its_own_host_and_its_broker_only(base: str, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{base}/w/main") as answer:
        policy = answer.headers["content-security-policy"]
        assert answer.status == 200
    assert "default-src 'none'" in policy
    assert "connect-src 'self' ws://broker.example:61614" in policy
    assert "unsafe" not in policy


async def test_the_pages_for_guests_are_the_same_at_every_address(base: str, client: aiohttp.ClientSession) -> None:
    told: list[object] = []
    for path in ("/w/main/add", "/w/nowhere/add", "/w/main/receipt", "/u/01KA"):
        async with client.get(base + path) as answer:
            headers = {name: value for name, value in answer.headers.items() if name != "date"}
            told.append((answer.status, headers, await answer.text()))
            policy = answer.headers["content-security-policy"]
            # a browser with `no-referrer` may send `Origin: null` along with what it adds
            assert answer.headers["referrer-policy"] == "same-origin"
    assert told == [told[0]] * 4
    assert answer.status == 200
    assert "<title>guest" in await answer.text()
    assert "connect-src 'self';" in policy
    assert "unsafe" not in policy


async def test_a_wall_says_what_guests_may_add_and_where(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue
) -> None:
    plain = {"accept-encoding": "identity"}
    async with client.get(f"{base}/api/walls/main", headers=plain) as answer:
        assert (await answer.json())["uploads"] is None
    await catalogue.walls.change("main", uploads={"enabled": True})
    async with client.get(f"{base}/api/walls/main", headers=plain) as answer:
        uploads = (await answer.json())["uploads"]
    assert (uploads["open"], uploads["link"]) == (True, "/w/main/add")


async def test_files_with_a_hash_in_their_name_are_kept_for_ever(base: str, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{base}/static/assets/wall-abc.js") as answer:
        assert "immutable" in answer.headers["cache-control"]
    async with client.get(f"{base}/static/../../etc/passwd") as answer:
        assert answer.status == 404


async def test_a_wall_says_where_to_connect_and_what_it_looks_for(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue
) -> None:
    await catalogue.searches.add("main", "x", "#frieze")
    await catalogue.searches.add("main", "demo", "everything")
    async with client.get(f"{base}/api/walls/main", headers={"accept-encoding": "identity"}) as answer:
        wall = await answer.json()
        assert answer.headers["cache-control"] == "no-store"
    assert wall["connect"] == {"kind": "broker", "url": "ws://broker.example:61614"}
    assert wall["looking_for"] == ["#frieze"]


async def test_a_wall_says_what_guests_may_add(base: str, client: aiohttp.ClientSession, catalogue: Catalogue) -> None:
    plain = {"accept-encoding": "identity"}
    async with client.get(f"{base}/api/walls/main", headers=plain) as answer:
        assert (await answer.json())["uploads"] is None
    await catalogue.walls.change("main", uploads={"enabled": True, "consent": "I took it."})
    async with client.get(f"{base}/api/walls/main", headers=plain) as answer:
        told = (await answer.json())["uploads"]
    assert (told["open"], told["consent"], told["video"]) == (True, "I took it.", True)


async def test_the_key_that_only_adds_shows_nothing_of_a_secret_wall(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue
) -> None:
    wall = await catalogue.walls.add("party", "Party", secret=True)
    key = await catalogue.links.adding_key(wall)
    headers = {"accept-encoding": "identity", "authorization": f"Bearer {key}"}
    async with client.get(f"{base}/api/walls/party", headers=headers) as answer:
        assert answer.status == 404
    await catalogue.walls.change("party", uploads={"enabled": True, "only": True})
    async with client.get(f"{base}/api/walls/party", headers=headers) as answer:
        told = await answer.json()
    assert set(told) == {"slug", "title", "uploads"}
    for path in ("snapshot", "events?after=aaaa-0"):
        async with client.get(f"{base}/api/walls/party/{path}", headers=headers) as answer:
            assert answer.status == 404


async def test_an_unknown_wall_is_a_clear_404(base: str, client: aiohttp.ClientSession) -> None:
    for path in ("/api/walls/nope", "/api/walls/nope/snapshot", "/api/walls/nope/events?after=q7ka-1"):
        async with client.get(base + path) as answer:
            assert answer.status == 404
            assert (await answer.json())["error"]["code"] == "not-found"


async def test_a_snapshot_is_the_same_bytes_for_all_until_the_wall_changes(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue
) -> None:
    due = await due_search(catalogue)
    bodies: list[bytes] = []
    for name in ("a", "b"):
        await store(catalogue, due, source_post(name))
        await finish_all(catalogue)
        for _ in range(2):
            async with client.get(f"{base}/api/walls/main/snapshot", headers={"accept-encoding": "gzip"}) as answer:
                assert answer.headers["content-encoding"] == "gzip"
                assert int(answer.headers["x-frieze-now"]) > 0
                bodies.append(await answer.read())
    assert bodies[0] == bodies[1]
    assert bodies[2] == bodies[3] != bodies[0]
    assert len(json.loads(gzip.decompress(bodies[2]))["posts"]) == 2


async def test_the_log_gives_what_came_after_a_cursor_or_says_that_it_is_gone(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue
) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, *(source_post(f"p{n}") for n in range(3)))
    await finish_all(catalogue)
    head = await catalogue.log.head("main")
    assert head is not None
    async with client.get(
        f"{base}/api/walls/main/events?after={head.epoch}-1", headers={"accept-encoding": "identity"}
    ) as answer:
        assert [event["seq"] for event in (await answer.json())["events"]] == [2, 3]
    async with client.get(f"{base}/api/walls/main/events?after=00000000-1") as answer:
        assert answer.status == 410
    async with client.get(f"{base}/api/walls/main/events?after=rubbish") as answer:
        assert answer.status == 400


AT_RELAY = pytest.mark.parametrize("base", ["/stomp"], indirect=True)
PARTS = ("", "/snapshot", "/events?after=q7ka-1")


@pytest.fixture
async def key(catalogue: Catalogue) -> str:
    """What opens the secret wall `party`."""
    return await catalogue.links.key(await catalogue.walls.add("party", "Our party", secret=True))


def bearer(shown: str) -> dict[str, str]:
    return {"authorization": f"Bearer {shown}"}


@AT_RELAY
async def test_a_secret_wall_looks_exactly_like_one_that_is_not_there(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue, key: str
) -> None:
    other = await catalogue.walls.add("other", "Other", secret=True)
    wrong = [
        {},
        bearer("rubbish"),
        bearer(await catalogue.links.key(other)),
        bearer(await catalogue.links.token(other)),
    ]
    wrong += [bearer(""), {"authorization": key}, {"authorization": f"Basic {key}"}]
    for headers in wrong:
        for part in PARTS:
            told: list[object] = []
            for slug in ("party", "nobody"):
                async with client.get(f"{base}/api/walls/{slug}{part}", headers=headers) as answer:
                    told.append((answer.status, sorted(answer.headers), (await answer.text()).replace(slug, "SLUG")))
            assert told[0] == told[1]
            assert "404" in str(told[0])


@AT_RELAY
async def test_the_page_is_the_same_for_a_secret_wall_and_one_that_is_not_there(
    base: str, client: aiohttp.ClientSession, key: str
) -> None:
    told: list[object] = []
    for slug in ("party", "nobody"):
        async with client.get(f"{base}/w/{slug}") as answer:
            told.append((answer.status, sorted(answer.headers), await answer.text()))
    assert told[0] == told[1]
    assert answer.status == 404
    assert "<title>wall" in await answer.text()
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("base", ["wss://relay.example/stomp"], indirect=True)
async def test_the_page_may_read_the_stream_of_a_relay_on_another_host(
    base: str, client: aiohttp.ClientSession
) -> None:
    async with client.get(f"{base}/w/main") as answer:
        policy = answer.headers["content-security-policy"]
    assert "connect-src 'self' wss://relay.example https://relay.example;" in policy


@AT_RELAY
async def test_the_key_of_the_link_opens_a_secret_wall_and_gives_a_token(
    base: str, client: aiohttp.ClientSession, key: str
) -> None:
    async with client.get(f"{base}/api/walls/party", headers=bearer(key)) as answer:
        wall = await answer.json()
    assert (wall["title"], wall["connect"]["kind"]) == ("Our party", "relay")
    async with client.get(f"{base}/api/walls/party/snapshot", headers=bearer(wall["token"])) as answer:
        assert answer.status == 200
    async with client.get(f"{base}/api/walls/party/events?after=0000-1", headers=bearer(key)) as answer:
        assert answer.status == 410
    async with client.get(f"{base}/api/walls/party", headers=bearer(wall["token"])) as answer:
        assert "token" not in await answer.json(), "a token must not be good for another one"
    async with client.get(f"{base}/api/walls/main") as answer:
        assert "token" not in await answer.json()


@AT_RELAY
async def test_who_sees_a_secret_wall_may_show_others_where_to_add_but_not_how_to_see_it(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue, key: str
) -> None:
    await catalogue.walls.change("party", uploads={"enabled": True})
    async with client.get(f"{base}/api/walls/party", headers=bearer(key)) as answer:
        link = (await answer.json())["uploads"]["link"]
    path, _, adding = link.partition("#key=")
    assert path == "/w/party/add"
    async with client.get(f"{base}/api/walls/party", headers=bearer(adding)) as answer:
        assert set(await answer.json()) == {"slug", "title", "uploads"}
    async with client.get(f"{base}/api/walls/party/snapshot", headers=bearer(adding)) as answer:
        assert answer.status == 404


@AT_RELAY
async def test_a_renewed_link_closes_the_wall_for_the_old_key_and_its_tokens(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue, key: str
) -> None:
    token = await catalogue.links.token(await catalogue.walls.get("party"))
    renewed = await catalogue.links.renew("party")
    for shown, status in ((key, 404), (token, 404), (await catalogue.links.key(renewed), 200)):
        async with client.get(f"{base}/api/walls/party", headers=bearer(shown)) as answer:
            assert answer.status == status


async def test_where_viewers_go_to_the_broker_a_secret_wall_is_refused_in_words(
    base: str, client: aiohttp.ClientSession, key: str
) -> None:
    async with client.get(f"{base}/api/walls/party", headers=bearer(key)) as answer:
        assert answer.status == 501
        assert "FRIEZE_VIEWER_URL" in (await answer.json())["error"]["sentence"]
    async with client.get(f"{base}/api/walls/party") as answer:
        assert answer.status == 404


async def test_the_start_leads_to_the_first_public_wall(base: str, client: aiohttp.ClientSession, key: str) -> None:
    async with client.get(f"{base}/", allow_redirects=False) as answer:
        assert answer.headers["location"] == "/w/main"


async def test_relays_are_not_named_where_viewers_subscribe_at_the_broker(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue
) -> None:
    node = Node(id="a-1", address="/n/a-1/stomp", load=0, capacity=9, version="")
    await catalogue.nodes.announce(node, timedelta(seconds=60))
    async with client.get(f"{base}/api/walls/main", headers={"accept-encoding": "identity"}) as answer:
        assert (await answer.json())["nodes"] == []


def test_the_page_may_talk_to_every_relay_that_is_known() -> None:
    policy = wall_policy("/stomp", "/n/a-1/stomp", "wss://b.example/stomp", "wss://a.example:8443/stomp")
    a, b = "wss://a.example:8443 https://a.example:8443", "wss://b.example https://b.example"
    assert f"connect-src 'self' {a} {b};" in policy, "and to its event stream"


def test_a_relay_is_told_by_its_path() -> None:
    assert connect_kind("/stomp") == "relay"
    assert connect_kind("wss://wall.example/stomp") == "relay"
    assert connect_kind("wss://wall.example/broker") == "broker"
    assert connect_kind("ws://127.0.0.1:61614") == "broker"
