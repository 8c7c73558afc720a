"""A wall's events by Server-Sent Events, on real sockets."""

import asyncio
import json
import socket
from dataclasses import replace

import aiohttp
import pytest

from relay.stream import EventStream, EventWrap
from tests.relay.running import CONNECT, QUICK, FakeLog, Running, read, say, stomp, until
from tests.relay.streaming import FakeWalls, Reader, Said, stream, streaming
from wall.stomp.codec import encode
from wall.stomp.errors import Code
from wall.stomp.frames import Frame
from wall.tokens import ViewerToken

pytestmark = pytest.mark.anyio

PRIVATE = "/topic/private.party"


async def hello(reader: Reader) -> dict[str, object]:
    said = await reader.next()
    assert said.kind == "hello"
    return json.loads(said.data)


async def ids(reader: Reader, count: int) -> list[str | None]:
    return [(await reader.next()).id for _ in range(count)]


def token(link: int = 7, until: int = 9_999_999_999, wall: str = "party") -> dict[str, str]:
    shown = ViewerToken(wall=wall, link=link, until=until).signed(b"k" * 32)
    return {"authorization": f"Bearer {shown}", "sec-fetch-site": "same-origin"}


sse = EventWrap()


def test_a_message_becomes_an_event_with_its_cursor_its_kind_and_its_body() -> None:
    headers = {"subscription": "", "epoch": "aaaa", "seq": "7", "kind": "published", "destination": "/topic/wall.a"}
    assert sse(encode(Frame("MESSAGE", headers, b'{"seq":7}')), True) == (
        b'id: aaaa-7\nevent: published\ndata: {"seq":7}\n\n'
    )


def test_a_gap_is_said_before_the_message_that_follows_it() -> None:
    headers = {"subscription": "", "epoch": "aaaa", "seq": "7", "kind": "removed", "gap": "true"}
    assert sse(encode(Frame("MESSAGE", headers, b"{}")), True) == (
        b"event: gap\ndata: {}\n\nid: aaaa-7\nevent: removed\ndata: {}\n\n"
    )
    headers |= {"gap": "superseded", "follows": "4"}
    assert sse(encode(Frame("MESSAGE", headers, b"{}")), True).startswith(
        b'event: superseded\ndata: {"follows": 4}\n\nid: aaaa-7\n'
    )


def test_a_head_moves_no_position_and_no_body_can_break_out_of_its_event() -> None:
    headers = {"subscription": "", "epoch": "aaaa", "seq": "7", "kind": "head\nid: x"}
    text = sse(encode(Frame("MESSAGE", headers, b"a\n\nevent: removed\r\ndata: b\rc\xff")), True).decode()
    assert text == (
        "id: aaaa-7\nevent: head id: x\ndata: a\ndata: \ndata: event: removed\ndata: data: b\ndata: c\ufffd\n\n"
    )
    assert not sse(encode(Frame("MESSAGE", {**headers, "kind": "head"}, b"{}")), True).startswith(b"id:")


async def test_a_stream_begins_with_hello_and_goes_on_with_events() -> None:
    async with streaming() as server:
        server.publish(1, 2)
        async with stream(server) as reader:
            assert reader.answer.status == 200
            headers = reader.answer.headers
            assert headers["content-type"].startswith("text/event-stream")
            assert headers["cache-control"] == "no-store"
            assert headers["x-accel-buffering"] == "no"
            assert await hello(reader) == {"recovered": False, "cursor": "aaaa-2"}
            assert reader.last_id == "aaaa-2"
            server.publish(3, body='{"n":3}')
            assert await reader.next() == Said("published", '{"n":3}', "aaaa-3")
            server.publish(3, kind="head", body="{}")
            assert (await reader.next()).kind == "head"
            assert reader.last_id == "aaaa-3"


@pytest.mark.parametrize("how", ["header", "address", "both"])
async def test_a_stream_resumes_after_its_cursor(how: str) -> None:
    async with streaming() as server:
        server.publish(1, 2, 3, 4)
        headers = {"last-event-id": "aaaa-2"} if how != "address" else {}
        query = {"header": "", "address": "?cursor=aaaa-2", "both": "?cursor=aaaa-1"}[how]
        async with stream(server, query, headers) as reader:
            assert await hello(reader) == {"recovered": True, "cursor": "aaaa-4"}
            assert reader.last_id == "aaaa-2"
            assert await ids(reader, 2) == ["aaaa-3", "aaaa-4"]
            server.publish(5)
            assert await ids(reader, 1) == ["aaaa-5"]


async def test_what_the_ring_has_let_go_of_comes_from_the_log() -> None:
    async with streaming(log=FakeLog([1, 2, 3])) as server:
        server.publish(3)
        async with stream(server, "?cursor=aaaa-1") as reader:
            assert (await hello(reader))["recovered"] is True
            assert await ids(reader, 2) == ["aaaa-2", "aaaa-3"]


async def test_a_cursor_that_nobody_can_serve_is_said_to_be_lost() -> None:
    async with streaming() as server:
        server.publish(5)
        async with stream(server, "?cursor=aaaa-2") as reader:
            assert await hello(reader) == {"recovered": False, "cursor": "aaaa-5"}
            assert reader.last_id == "aaaa-5"


async def test_a_cursor_that_is_none_is_a_bad_request() -> None:
    async with streaming() as server, stream(server, "?cursor=yesterday") as reader:
        assert reader.answer.status == 400
        assert (await reader.answer.json())["error"]["code"] == "bad-cursor"


async def test_a_quiet_stream_is_kept_alive_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.stream.BEAT_SECONDS", 0.1)
    async with streaming() as server, stream(server) as reader:
        await hello(reader)

        async def listen() -> None:
            await reader.next(60)

        listening = asyncio.create_task(listen())
        await until(lambda: reader.comments >= 3)
        server.publish(1)
        await listening


async def test_all_streams_of_a_wall_share_the_bytes_of_a_message() -> None:
    async with streaming() as server, stream(server) as one, stream(server) as other:
        for reader in (one, other):
            await hello(reader)
        server.publish(1)
        for reader in (one, other):
            assert await ids(reader, 1) == ["aaaa-1"]
        messages = server.relay.hub.topics["/topic/wall.main"].ring.after(None, 9, 999)
        assert [len(message.made) for message in messages or ()] == [1]


async def test_a_stream_that_goes_away_leaves_nothing_behind() -> None:
    async with streaming() as server:
        async with stream(server) as reader:
            await hello(reader)
            assert len(server.relay.connections) == 1
        await until(lambda: not server.relay.connections)
        assert not server.relay.hub.topics


class Raw:
    """A reader with a small window that reads only when told."""

    def __init__(self, server: Running) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.sendall(b"GET /api/walls/main/stream HTTP/1.1\r\nhost: wall\r\n\r\n")

    def read(self, until: bytes) -> bytes:
        data = b""
        while until not in data:
            more = self.socket.recv(65536)
            if not more:
                break
            data += more
        return data


async def test_a_slow_stream_is_written_nothing_more_and_gets_all_of_it_later() -> None:
    async with streaming() as server:
        slow = Raw(server)
        await asyncio.to_thread(slow.read, b"event: hello")
        async with stream(server) as healthy:
            await hello(healthy)
            for seq in range(1, 401):
                server.publish(seq, body="x" * 8_000)
                assert (await healthy.next()).id == f"aaaa-{seq}"
            readers = [each for each in server.relay.connections.all if getattr(each, "paused", False)]
            assert len(readers) == 1, "only the slow one is full"
            data = await asyncio.to_thread(slow.read, b"id: aaaa-400\n")
            found = [int(line[9:]) for line in data.split(b"\n") if line.startswith(b"id: aaaa-")]
            assert found == list(range(1, 401))
        slow.socket.close()


async def test_a_stream_that_takes_nothing_for_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.stream.BEAT_SECONDS", 0.1)
    async with streaming(replace(QUICK, stuck_after=0.3)) as server:
        stuck = Raw(server)
        await asyncio.to_thread(stuck.read, b"event: hello")
        for seq in range(1, 401):
            server.publish(seq, body="x" * 8_000)
        await until(lambda: not server.relay.connections)
        assert server.relay.connections.endings[Code.TOO_SLOW] == 1
        stuck.socket.close()


async def test_a_stop_does_not_wait_for_a_stream_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.stream.STALLED_SECONDS", 0.0)
    async with streaming(replace(QUICK, close_within=1_000.0)) as server:
        stuck = Raw(server)
        await asyncio.to_thread(stuck.read, b"event: hello")
        (stream,) = server.relay.connections.all
        assert isinstance(stream, EventStream)
        for seq in range(1, 401):
            server.publish(seq, body="x" * 8_000)
            await asyncio.sleep(0)
        await until(lambda: stream.paused)
        closing = asyncio.create_task(server.relay.close())
        await until(lambda: closing.done())
        stuck.socket.close()


async def test_one_that_missed_what_is_gone_is_told_to_come_back() -> None:
    # the log has nothing, and the ring holds less than sockets take
    async with streaming(replace(QUICK, ring_bytes=100_000, fill_within=0.1)) as server:
        slow = Raw(server)
        await asyncio.to_thread(slow.read, b"event: hello")
        for seq in range(1, 1001):
            server.publish(seq, body="x" * 8_000)
            await asyncio.sleep(0)
        data = await asyncio.to_thread(slow.read, b"event: ended")
        assert b"4003" in data + await asyncio.to_thread(slow.read, b"\n\n")
        slow.socket.close()


async def test_a_stop_says_when_to_come_back_and_ends_the_answer() -> None:
    async with streaming() as server, stream(server) as reader:
        await hello(reader)
        closing = asyncio.create_task(server.relay.close())
        said = await reader.next()
        assert said.kind == "ended"
        assert json.loads(said.data)["code"] == 1012
        assert reader.retry is not None
        with pytest.raises(EOFError):
            await reader.next()
        await closing
        async with stream(server) as late:
            assert late.answer.status == 503
            assert late.answer.headers["retry-after"] == "5"


async def test_streams_count_against_the_limits_of_all_connections() -> None:
    async with streaming(replace(QUICK, connections_per_address=1)) as server:
        async with stream(server) as first:
            await hello(first)
            async with stream(server) as second:
                assert second.answer.status == 503
            forwarded = {"x-forwarded-for": "192.0.2.7"}
            async with stream(server, headers=forwarded) as third:  # the proxy here is trusted by uvicorn
                assert third.answer.status == 200
        await until(lambda: not server.relay.connections)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://listed.example", "sec-fetch-site": "cross-site"}, 200),
    ],
)
async def test_a_foreign_page_is_refused(headers: dict[str, str], status: int) -> None:
    settings = replace(QUICK, origins=("https://listed.example",))
    async with streaming(settings) as server, stream(server, headers=headers) as reader:
        assert reader.answer.status == status
        listed = headers.get("origin") == "https://listed.example"
        assert reader.answer.headers.get("access-control-allow-origin") == (headers["origin"] if listed else None)
        assert "access-control-allow-credentials" not in reader.answer.headers


async def test_a_listed_page_may_ask_whether_it_may_show_a_token() -> None:
    async with (
        streaming(replace(QUICK, origins=("https://listed.example",))) as server,
        aiohttp.ClientSession() as session,
    ):
        url = f"http://127.0.0.1:{server.port}/api/walls/main/stream"
        async with session.options(url, headers={"origin": "https://listed.example"}) as answer:
            assert answer.status == 204
            assert "authorization" in answer.headers["access-control-allow-headers"]
        async with session.options(url, headers={"origin": "https://evil.example"}) as answer:
            assert answer.status == 403
        async with session.post(url) as answer:
            assert answer.status == 405


async def refusal(server: Running, slug: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    async with stream(server, slug=slug, headers=headers) as reader:
        return reader.answer.status, (await reader.answer.text()).replace(slug, "SLUG")


async def test_a_secret_wall_looks_exactly_like_one_that_is_not_there() -> None:
    async with streaming(walls=FakeWalls({"main": None, "party": 7})) as server:
        missing = await refusal(server, "nobody")
        assert missing[0] == 404
        assert await refusal(server, "party") == missing
        assert await refusal(server, "party", {"authorization": "Bearer rubbish"}) == missing
        assert await refusal(server, "party", token(wall="nobody")) == missing
        assert (await refusal(server, "Not-A-Slug"))[0] == 404


async def test_a_token_opens_the_stream_of_a_secret_wall() -> None:
    async with streaming(walls=FakeWalls({"main": None, "party": 7})) as server:
        await server.relay.visibility.learn()
        async with stream(server, slug="party", headers=token()) as reader:
            await hello(reader)
            server.relay.receive("/topic/wall.party", {"epoch": "aaaa", "seq": "1"}, "not for it")
            server.relay.receive(PRIVATE, {"epoch": "aaaa", "seq": "1", "kind": "published"}, "secret")
            assert await reader.next() == Said("published", "secret", "aaaa-1")


async def test_a_token_whose_time_is_over_asks_for_a_new_one() -> None:
    async with streaming(walls=FakeWalls({"party": 7})) as server:
        await server.relay.visibility.learn()
        assert (await refusal(server, "party", token(until=1)))[0] == 401


async def test_a_wall_that_was_just_added_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.visibility.ANEW_AFTER", 0.0)
    walls = FakeWalls()
    async with streaming(walls=walls) as server:
        assert (await refusal(server, "new"))[0] == 404
        walls.links["new"] = None
        async with stream(server, slug="new") as reader:
            assert (await hello(reader))["recovered"] is False
        walls.away = True
        async with stream(server, slug="new") as reader:  # what is known stays good
            assert reader.answer.status == 200


async def test_before_the_catalogue_was_read_a_stream_is_asked_to_wait() -> None:
    async with streaming(walls=FakeWalls(away=True)) as server, stream(server) as reader:
        assert reader.answer.status == 503


async def test_a_renewed_link_ends_streams_and_subscriptions_and_old_tokens_are_worthless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("relay.visibility.LOOK_EVERY", 0.05)
    walls = FakeWalls({"main": None, "party": 7})
    async with streaming(walls=walls) as server:
        await server.relay.visibility.learn()
        shown = token()["authorization"].removeprefix("Bearer ")
        async with (
            stream(server, slug="party", headers=token()) as reader,
            stream(server) as unconcerned,
            server.websocket(origin=f"http://127.0.0.1:{server.port}") as viewer,
        ):
            await hello(reader)
            await hello(unconcerned)
            await say(viewer, CONNECT, stomp("SUBSCRIBE", id="a", destination=PRIVATE, token=shown, receipt="r"))
            assert [(await read(viewer)).command for _ in range(2)] == ["CONNECTED", "RECEIPT"]
            walls.links["party"] = 8
            said = await reader.next()
            assert (said.kind, json.loads(said.data)["code"]) == ("ended", 4010)
            error = await read(viewer)
            assert (error.command, error.headers["code"]) == ("ERROR", "4010")
            server.publish(1)
            assert (await unconcerned.next()).id == "aaaa-1"
        assert (await refusal(server, "party", token()))[0] == 401
        async with stream(server, slug="party", headers=token(8)) as reader:
            await hello(reader)


async def test_who_names_no_origin_reads_public_walls_only_whatever_it_shows() -> None:
    async with streaming(walls=FakeWalls({"main": None, "party": 7})) as server:
        await server.relay.visibility.learn()
        shown = token()["authorization"]
        assert (await refusal(server, "party", {"authorization": shown}))[0] == 404
        assert (await refusal(server, "party", {"authorization": shown, "sec-fetch-site": "none"}))[0] == 404
        async with server.websocket() as program:
            good = shown.removeprefix("Bearer ")
            await say(program, CONNECT, stomp("SUBSCRIBE", id="a", destination=PRIVATE, receipt="r", token=good))
            assert (await read(program)).command == "CONNECTED"
            assert (await read(program)).headers["code"] == "4541"


@pytest.mark.parametrize(("shown", "code"), [(None, "4541"), ("rubbish", "4541"), ("old", "4010")])
async def test_a_viewer_without_a_good_token_gets_the_error_over_stomp(shown: str | None, code: str) -> None:
    async with (
        streaming(walls=FakeWalls({"party": 7})) as server,
        server.websocket(origin=f"http://127.0.0.1:{server.port}") as viewer,
    ):
        await server.relay.visibility.learn()
        old = token(until=1)["authorization"].removeprefix("Bearer ")
        header = {} if shown is None else {"token": old if shown == "old" else shown}
        await say(viewer, CONNECT, stomp("SUBSCRIBE", id="a", destination=PRIVATE, receipt="r", **header))
        assert (await read(viewer)).command == "CONNECTED"
        error = await read(viewer)
        assert (error.command, error.headers["code"]) == ("ERROR", code)
