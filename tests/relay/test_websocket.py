"""STOMP on WebSocket, on the same port as the pages, with the `websockets` client."""

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate

from tests.relay.running import CONNECT, QUICK, FakeLog, read, running, say, stomp, subscribe, until, viewer
from wall.stomp.errors import Code

pytestmark = pytest.mark.anyio


async def test_one_port_serves_pages_and_the_websocket() -> None:
    async with running() as server, viewer(server) as connection:
        assert connection.subprotocol == "v12.stomp"
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{server.port}/") as page:
            assert await page.text() == "a page"
        server.publish(1)
        assert (await read(connection)).headers["message-id"] == "aaaa-1"


async def test_other_paths_are_not_found() -> None:
    async with running() as server:
        with pytest.raises(InvalidStatus) as caught:
            await server.websocket("/elsewhere")
        assert caught.value.response.status_code == 404


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["v11.stomp", "v12.stomp"], "v12.stomp"),
        (["v10.stomp", "v11.stomp"], "v11.stomp"),
        (["v10.stomp"], "v10.stomp"),
        (["v10.stomp", "other", "v12.stomp"], "v12.stomp"),
        ([], None),
    ],
)
async def test_a_subprotocol_is_echoed_only_when_offered(offered: list[str], chosen: str | None) -> None:
    async with running() as server, server.websocket(offer=offered) as connection:
        assert connection.subprotocol == chosen
        await say(connection, stomp("CONNECT", accept_version="1.0,1.1,1.2"))
        assert (await read(connection)).headers["version"] == {
            "v10.stomp": "1.0",
            "v11.stomp": "1.1",
        }.get(chosen or "", "1.2")


async def test_a_connect_that_contradicts_the_subprotocol_is_refused() -> None:
    async with running() as server, server.websocket(offer=["v12.stomp"]) as connection:
        await say(connection, stomp("CONNECT", host="wall"))
        error = await read(connection)
        assert (error.headers["code"], error.headers["version"]) == ("4522", "1.2")


async def test_subprotocols_we_do_not_speak_are_refused() -> None:
    async with running() as server:
        with pytest.raises(InvalidStatus) as caught:
            await server.websocket(offer=["mqtt"])
        assert caught.value.response.status_code == 400


async def test_the_opcode_of_the_connect_is_answered_in_kind() -> None:
    async with running() as server, server.websocket() as connection:
        await connection.send(CONNECT)
        assert isinstance(await connection.recv(), bytes)
        await connection.send(subscribe())
        await connection.recv()
        server.publish(1)
        assert isinstance(await connection.recv(), bytes)


async def test_a_body_that_is_no_text_comes_in_a_binary_message() -> None:
    async with running() as server, viewer(server) as connection:
        server.publish(1, body=b"\xff\x00\xfe")
        server.publish(2)
        first = await connection.recv()
        assert isinstance(first, bytes)
        assert first.endswith(b"\xff\x00\xfe\x00")
        assert isinstance(await connection.recv(), str)


async def test_a_message_may_hold_several_frames_or_a_part_of_one() -> None:
    async with running() as server, server.websocket() as connection:
        await connection.send((CONNECT + b"\n" + subscribe()[:10]).decode())
        assert (await read(connection)).command == "CONNECTED"
        await connection.send(iter([subscribe()[10:20].decode(), subscribe()[20:].decode()]))
        assert (await read(connection)).command == "RECEIPT"


async def test_each_frame_is_a_message_of_its_own_though_they_share_a_write() -> None:
    async with running() as server, viewer(server) as connection:
        server.publish(1, 2, 3)
        assert [(await read(connection)).headers["seq"] for _ in range(3)] == ["1", "2", "3"]


# ── resume ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_viewer_resumes_from_the_ring_then_live() -> None:
    async with running() as server:
        server.publish(1, 2, 3)
        async with server.websocket() as connection:
            await say(connection, CONNECT, subscribe("aaaa-1"))
            await read(connection)
            receipt = await read(connection)
            assert receipt.headers == {"receipt-id": "r", "recovered": "true", "cursor": "aaaa-3"}
            server.publish(4)
            assert [(await read(connection)).headers["seq"] for _ in range(3)] == ["2", "3", "4"]


async def test_a_viewer_resumes_from_the_catalogue_after_a_restart() -> None:
    async with running(log=FakeLog([1, 2, 3])) as server, server.websocket() as connection:
        await say(connection, CONNECT, subscribe("aaaa-1"))
        await read(connection)
        assert (await read(connection)).headers["recovered"] == "true"
        frames = [await read(connection) for _ in range(2)]
        assert [frame.headers["message-id"] for frame in frames] == ["aaaa-2", "aaaa-3"]
        assert frames[0].headers["key"] == "post-2"
        assert frames[0].body == b'{"seq":2}'


async def test_what_cannot_be_resumed_is_said() -> None:
    async with running(log=FakeLog([5])) as server:
        server.publish(5)
        async with server.websocket() as connection:
            await say(connection, CONNECT, subscribe("aaaa-2"))
            await read(connection)
            assert (await read(connection)).headers == {
                "receipt-id": "r",
                "recovered": "false",
                "cursor": "aaaa-5",
            }


async def test_a_hole_is_filled_from_the_catalogue() -> None:
    async with running(log=FakeLog([1, 2, 3, 4])) as server, viewer(server) as connection:
        server.publish(1, 4)
        assert [(await read(connection)).headers["seq"] for _ in range(4)] == ["1", "2", "3", "4"]


async def test_a_hole_that_cannot_be_filled_is_marked() -> None:
    async with running() as server, viewer(server) as connection:
        server.publish(1, 4)
        assert "gap" not in (await read(connection)).headers
        assert (await read(connection)).headers["gap"] == "true"


# ── who may come in ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_wrong_origin_is_refused_and_a_right_or_missing_one_is_not() -> None:
    async with running() as server:
        with pytest.raises(InvalidStatus) as caught:
            await server.websocket(origin="https://evil.example")
        assert caught.value.response.status_code == 403
        async with server.websocket(origin=f"http://127.0.0.1:{server.port}"), server.websocket():
            assert server.relay.connections.refusals["origin"] == 1


@pytest.mark.parametrize(
    ("line", "fields", "status"),
    [
        ("POST /stomp HTTP/1.1", "", 405),
        ("GET /stomp HTTP/1.0", "", 505),
        ("GET /stomp HTTP/1.1", "Content-Length: 4\r\n", 400),
        ("GET /stomp HTTP/1.1", "Transfer-Encoding: chunked\r\n", 400),
        ("GET /stomp HTTP/1.1", "Sec-WebSocket-Version: 8\r\n", 400),
        ("GET /stomp HTTP/1.1", "Sec-WebSocket-Key: again\r\n", 400),
        ("GET /stomp HTTP/1.1", "Host: twice\r\n", 400),
        ("GET /stomp HTTP/1.1", "Content-Length: 0\r\n", 101),
    ],
)
async def test_what_is_no_request_for_a_websocket_is_refused(line: str, fields: str, status: int) -> None:
    async with running() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        request = (
            f"{line}\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
        )
        writer.write(request.encode())
        async with asyncio.timeout(10):
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.split()[1] == b"%d" % status
            if status == 101:
                assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
            else:
                await reader.read()  # and closes
        writer.close()


async def test_a_relay_answers_at_its_own_path_and_at_no_other_relays() -> None:
    settings = replace(QUICK, paths=("/stomp", "/n/this-1/stomp"))
    async with running(settings) as server:
        async with server.websocket("/stomp"), server.websocket("/n/this-1/stomp?x=1"):
            pass
        with pytest.raises(InvalidStatus) as caught:
            await server.websocket("/n/other-1/stomp")
        assert caught.value.response.status_code == 404


async def test_while_viewers_are_led_away_nobody_new_is_let_in() -> None:
    async with running() as server, viewer(server) as one, viewer(server) as other:
        leaving = asyncio.create_task(server.relay.close(1.0))
        await asyncio.sleep(0)
        with pytest.raises(InvalidStatus) as caught:
            await server.websocket()
        assert caught.value.response.status_code == 503
        assert int(caught.value.response.headers["Retry-After"]) > 0
        await asyncio.gather(one.wait_closed(), other.wait_closed())
        assert {one.close_code, other.close_code} == {1012}
        await leaving


async def test_too_many_connections_are_told_to_come_back_later() -> None:
    async with running(replace(QUICK, connections=1)) as server, viewer(server):
        with pytest.raises(InvalidStatus) as caught:
            await server.websocket()
        assert caught.value.response.status_code == 503
        assert caught.value.response.headers["Retry-After"] == "5"


async def test_behind_a_trusted_proxy_the_forwarded_address_counts() -> None:
    settings = replace(QUICK, connections_per_address=1, trusted_proxies=("127.0.0.0/8",))
    async with running(settings) as server:
        one = {"X-Forwarded-For": "192.0.2.1"}
        other = {"X-Forwarded-For": "192.0.2.1, 192.0.2.2"}
        async with server.websocket(additional_headers=one), server.websocket(additional_headers=other):
            with pytest.raises(InvalidStatus):
                await server.websocket(additional_headers=one)


async def test_an_untrusted_peer_cannot_choose_its_address() -> None:
    async with (
        running(replace(QUICK, connections_per_address=1)) as server,
        server.websocket(additional_headers={"X-Forwarded-For": "192.0.2.1"}),
    ):
        with pytest.raises(InvalidStatus):
            await server.websocket(additional_headers={"X-Forwarded-For": "192.0.2.2"})


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_error_is_followed_by_a_close_with_its_number() -> None:
    async with running() as server, viewer(server) as connection:
        await say(connection, stomp("SEND", b"x", destination="/topic/wall.main"))
        assert (await read(connection)).headers["code"] == "4542"
        await connection.wait_closed()
        assert connection.close_code == 4542
        assert connection.close_reason is not None
        assert "log in" in connection.close_reason


async def test_messages_longer_than_allowed_close_with_1009() -> None:
    async with running() as server, viewer(server) as connection:
        await connection.send("x" * 20_000)
        await connection.wait_closed()
        assert connection.close_code == 1009


async def test_before_connect_8_kib_is_all() -> None:
    async with running() as server, server.websocket() as connection:
        await connection.send("x" * 9_000)
        await connection.wait_closed()
        assert connection.close_code == 1009


async def test_disconnect_gets_its_receipt_and_a_normal_close() -> None:
    async with running() as server, viewer(server) as connection:
        await say(connection, stomp("DISCONNECT", receipt="bye"))
        assert (await read(connection)).headers["receipt-id"] == "bye"
        await connection.wait_closed()
        assert connection.close_code == 1000


async def test_a_ping_is_answered() -> None:
    async with running() as server, viewer(server) as connection:
        await asyncio.wait_for(await connection.ping(b"there?"), 5)


async def test_a_graceful_stop_closes_every_viewer_with_1012() -> None:
    async with running() as server, viewer(server) as one, viewer(server) as other:
        await server.relay.close()
        for connection in (one, other):
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            assert connection.close_code == 1012
        with pytest.raises(InvalidStatus) as caught:
            await server.websocket()
        assert caught.value.response.status_code == 503


async def test_uvicorn_stopping_first_closes_viewers_too() -> None:
    async with running() as server, viewer(server) as connection:
        server.server.should_exit = True
        await asyncio.wait_for(connection.wait_closed(), 5)
        assert connection.close_code == 1012


async def test_fifty_viewers_come_and_go_and_leave_nothing() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with running() as server:
        async with viewer(server):
            server.publish(1)
        await until(lambda: not server.relay.connections)
        before = descriptors(), len(asyncio.all_tasks())
        for number in range(50):
            async with viewer(server) as connection:
                server.publish(number + 2)
                await read(connection)
                if number % 2:
                    connection.transport.abort()
        await until(lambda: not server.relay.connections and not server.server.server_state.connections)
        await until(lambda: (descriptors(), len(asyncio.all_tasks())) == before)
        assert not server.relay.hub.topics["/topic/wall.main"].audience


async def test_compression_is_off_unless_switched_on() -> None:
    async with running() as server, server.websocket(compression="deflate") as connection:
        assert connection.protocol.extensions == []


async def test_where_it_is_on_each_side_may_compress_and_nobody_keeps_a_window() -> None:
    async with running(replace(QUICK, deflate=True)) as server, viewer(server, compression="deflate") as connection:
        (extension,) = connection.protocol.extensions
        assert isinstance(extension, PerMessageDeflate)
        assert (extension.remote_no_context_takeover, extension.local_no_context_takeover) == (True, True)
        for seq in (1, 2, 3):
            body = "long and repetitive " * 200 + str(seq)
            server.publish(seq, body=body)
            assert (await read(connection)).body.decode() == body
        server.publish(4, body="short")
        assert (await read(connection)).body == b"short"


async def test_a_small_window_is_not_agreed_to() -> None:
    small = ClientPerMessageDeflateFactory(server_max_window_bits=9)
    async with (
        running(replace(QUICK, deflate=True)) as server,
        server.websocket(compression=None, extensions=[small]) as connection,
    ):
        assert connection.protocol.extensions == []


async def test_who_sends_too_much_is_ended() -> None:
    async with running(replace(QUICK, viewer_burst=2_000.0)) as server, viewer(server) as connection:
        for _ in range(40):
            await connection.ping()
        with pytest.raises(ConnectionClosed):
            while True:
                await connection.recv()
        assert server.relay.connections.endings[Code.TOO_MUCH] == 1
