"""Acknowledgements, transactions and older versions, through real sockets."""

import asyncio
from dataclasses import replace

import pytest

from tests.relay.running import (
    CONNECT,
    QUICK,
    SERVICE,
    Tcp,
    read,
    running,
    say,
    stomp,
    subscribe,
    until,
    viewer,
)
from wall.stomp.transactions import TransactionLimits

pytestmark = pytest.mark.anyio

TWO = replace(QUICK, unacknowledged=2)
CONNECT_1_0 = stomp("CONNECT", login="frieze", passcode="correct horse")
CONNECT_1_1 = stomp("CONNECT", accept_version="1.1", host="wall")


async def client(port: int, *frames: bytes, answers: int = 2) -> Tcp:
    """A connected one whose first frames have been answered."""
    made = Tcp(port)
    await made.say(*frames)
    assert {frame.command for frame in await made.read(answers)} <= {"CONNECTED", "RECEIPT"}
    return made


async def seqs(made: Tcp, count: int) -> list[str]:
    return [frame.headers["seq"] for frame in await made.read(count)]


async def quiet(made: Tcp) -> bool:
    """Whether nothing stands before the answer to something sent now."""
    await made.say(stomp("BEGIN", transaction="q", receipt="quiet"), stomp("ABORT", transaction="q"))
    (frame,) = await made.read()
    return frame.headers.get("receipt-id") == "quiet"


async def test_client_mode_acknowledges_all_up_to_a_message() -> None:
    async with running(TWO) as server:
        made = await client(server.stomp_port, CONNECT, subscribe(ack="client"))
        server.publish(*range(1, 7))
        first, second = await made.read(2)
        assert await quiet(made)
        await made.say(stomp("ACK", id=second.headers["ack"]))
        assert await seqs(made, 2) == ["3", "4"]
        await made.say(stomp("ACK", id=first.headers["ack"]))
        (error,) = await made.read()
        assert error.headers["code"] == "4531", "the first was acknowledged with the second"
        made.close()


async def test_client_individual_mode_acknowledges_one_message() -> None:
    async with running(TWO) as server:
        made = await client(server.stomp_port, CONNECT, subscribe(ack="client-individual"))
        server.publish(*range(1, 7))
        first, second = await made.read(2)
        await made.say(stomp("ACK", id=second.headers["ack"], receipt="done"))
        answers = await made.read(2)
        assert [frame.headers.get("receipt-id", frame.headers.get("seq")) for frame in answers] == ["done", "3"]
        assert await quiet(made)
        await made.say(stomp("ACK", id=first.headers["ack"]))
        assert await seqs(made, 1) == ["4"]
        made.close()


async def test_a_nack_opens_the_window_as_an_ack_does_and_redelivers_nothing() -> None:
    async with running(TWO) as server:
        made = await client(server.stomp_port, CONNECT, subscribe(ack="client"))
        server.publish(1, 2, 3)
        await made.say(stomp("NACK", id=(await made.read(2))[1].headers["ack"]))
        assert await seqs(made, 1) == ["3"]
        assert await quiet(made)
        made.close()


async def test_messages_to_be_acknowledged_say_by_what_and_others_do_not() -> None:
    async with running() as server:
        made = await client(server.stomp_port, CONNECT, subscribe(ack="client"))
        plain = await client(server.stomp_port, CONNECT, subscribe())
        server.publish(1)
        assert "ack" in (await made.read())[0].headers
        assert "ack" not in (await plain.read())[0].headers
        for each in (made, plain):
            each.close()


async def test_acknowledging_on_a_websocket_is_the_same() -> None:
    async with running(TWO) as server, viewer(server, subscribe(ack="client")) as connection:
        server.publish(1, 2, 3)
        await read(connection)
        await say(connection, stomp("ACK", id=(await read(connection)).headers["ack"]))
        assert (await read(connection)).headers["seq"] == "3"


async def test_a_subscription_may_ask_for_a_smaller_window() -> None:
    async with running() as server:
        one = stomp(
            "SUBSCRIBE",
            id="a",
            destination="/topic/wall.main",
            ack="client",
            receipt="r",
            **{"activemq.prefetchSize": "1"},
        )
        made = await client(server.stomp_port, CONNECT, one)
        server.publish(1, 2)
        assert await seqs(made, 1) == ["1"]
        assert await quiet(made)
        made.close()


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([subscribe(ack="client"), stomp("ACK", id="never-sent")], "4531"),
        ([subscribe(), stomp("ACK", id="aaaa-1@/topic/wall.main@sub-0")], "4531"),
        ([subscribe(ack="client", **{"activemq.prefetchSize": "0"})], "4525"),
        ([subscribe(ack="often")], "4525"),
        ([stomp("BEGIN", transaction="t"), stomp("ACK", id="never-sent", transaction="t")], "4531"),
        ([stomp("BEGIN", transaction="t"), stomp("SEND", b"x", destination="/topic/a", transaction="t")], "4542"),
    ],
)
async def test_what_can_not_be_acknowledged_or_sent_is_an_error_at_once(frames: list[bytes], code: str) -> None:
    async with running() as server:
        made = Tcp(server.stomp_port)
        await made.say(CONNECT, *frames)
        assert (await made.read(4))[-1].headers["code"] == code
        assert made.ended
        made.close()


async def test_after_unsubscribe_the_id_is_free_and_its_window_gone() -> None:
    async with running(TWO) as server:
        made = await client(server.stomp_port, CONNECT, subscribe(ack="client"))
        server.publish(1, 2, 3)
        await made.read(2)
        await made.say(stomp("UNSUBSCRIBE", id="sub-0"), subscribe("aaaa-1", ack="client"))
        receipt, *messages = await made.read(3)
        assert receipt.headers["recovered"] == "true"
        assert [frame.headers["seq"] for frame in messages] == ["2", "3"]
        made.close()


async def test_every_frame_gets_its_receipt_in_the_order_of_their_effects() -> None:
    async with running() as server:
        made = await client(server.stomp_port, SERVICE, subscribe(ack="client"))
        await made.say(send(1, receipt="send"))
        received = await made.read(2)
        (message,) = [frame for frame in received if frame.command == "MESSAGE"]
        await made.say(
            stomp("BEGIN", transaction="t", receipt="begin"),
            stomp("ACK", id=message.headers["ack"], transaction="t", receipt="ack"),
            stomp("COMMIT", transaction="t", receipt="commit"),
            stomp("BEGIN", transaction="t", receipt="again"),
            stomp("ABORT", transaction="t", receipt="abort"),
            stomp("UNSUBSCRIBE", id="sub-0", receipt="unsubscribe"),
            stomp("DISCONNECT", receipt="disconnect"),
        )
        receipts = [frame.headers["receipt-id"] for frame in await made.read(8)]
        assert receipts == ["begin", "ack", "commit", "again", "abort", "unsubscribe", "disconnect"]
        assert made.ended
        made.close()


# ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def send(seq: int, **headers: str) -> bytes:
    return stomp("SEND", b"{}", destination="/topic/wall.main", epoch="aaaa", seq=str(seq), **headers)


async def test_a_commit_sends_all_at_once_and_the_receipt_comes_after_it() -> None:
    async with running() as server:
        reader = await client(server.stomp_port, CONNECT, subscribe())
        made = await client(server.stomp_port, SERVICE, stomp("BEGIN", transaction="t", receipt="begun"))
        await made.say(send(1, transaction="t", receipt="held"), send(2, transaction="t"))
        assert (await made.read())[0].headers["receipt-id"] == "held"
        assert await quiet(reader)
        await made.say(stomp("COMMIT", transaction="t", receipt="done"))
        assert (await made.read())[0].headers["receipt-id"] == "done"
        assert await seqs(reader, 2) == ["1", "2"]
        for each in (made, reader):
            each.close()


@pytest.mark.parametrize("end", [stomp("ABORT", transaction="t"), stomp("DISCONNECT"), b""])
async def test_what_is_not_committed_is_never_sent(end: bytes) -> None:
    async with running() as server:
        reader = await client(server.stomp_port, CONNECT, subscribe())
        made = await client(server.stomp_port, SERVICE, stomp("BEGIN", transaction="t", receipt="begun"))
        await made.say(send(1, transaction="t"), send(2, transaction="t"), end)
        made.close()
        await until(lambda: len(server.relay.connections) == 1)
        assert await quiet(reader)
        assert server.relay.hub.counts.received == 0
        reader.close()


async def test_an_ack_in_a_transaction_opens_the_window_at_commit() -> None:
    async with running(TWO) as server:
        made = await client(server.stomp_port, CONNECT, subscribe(ack="client"))
        server.publish(1, 2, 3)
        _, second = await made.read(2)
        await made.say(stomp("BEGIN", transaction="t"), stomp("ACK", id=second.headers["ack"], transaction="t"))
        assert await quiet(made)
        await made.say(stomp("COMMIT", transaction="t"))
        assert await seqs(made, 1) == ["3"]
        made.close()


async def test_a_commit_does_not_fail_over_what_was_acknowledged_meanwhile() -> None:
    async with running(TWO) as server:
        made = await client(server.stomp_port, CONNECT, subscribe(ack="client"))
        server.publish(1, 2)
        first, second = [frame.headers["ack"] for frame in await made.read(2)]
        await made.say(stomp("BEGIN", transaction="t"), stomp("ACK", id=first, transaction="t"))
        await made.say(stomp("ACK", id=second), stomp("COMMIT", transaction="t", receipt="done"))
        assert (await made.read())[0].headers["receipt-id"] == "done"
        made.close()


async def test_a_transaction_that_holds_too_much_is_an_error() -> None:
    settings = replace(QUICK, transactions=TransactionLimits(open=1, frames=10, size=1_000))
    async with running(settings) as server:
        made = await client(server.stomp_port, SERVICE, stomp("BEGIN", transaction="t", receipt="begun"))
        await made.say(stomp("SEND", b"x" * 1_000, destination="/topic/a", transaction="t", receipt="big"))
        (error,) = await made.read()
        assert (error.headers["code"], error.headers["receipt-id"]) == ("4535", "big")
        made.close()


# ── 1.0 and 1.1 ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_1_0_subscribes_and_acknowledges_without_ids() -> None:
    async with running(TWO) as server:
        made = Tcp(server.stomp_port)
        await made.say(CONNECT_1_0)
        (connected,) = await made.read()
        assert connected.headers["version"] == "1.0"
        assert connected.headers["session"]
        assert "heart-beat" not in connected.headers
        wall = {"destination": "/topic/wall.main"}
        await made.say(stomp("SUBSCRIBE", ack="client", receipt="r", **wall))
        await made.read()
        server.publish(1, 2, 3)
        messages = await made.read(2)
        assert all("subscription" not in frame.headers for frame in messages)
        await made.say(stomp("ACK", message_id=messages[1].headers["message-id"]))
        assert await seqs(made, 1) == ["3"]
        await made.say(stomp("UNSUBSCRIBE", receipt="gone", **wall))
        assert (await made.read())[0].headers["receipt-id"] == "gone"
        await until(lambda: not server.relay.hub.topics["/topic/wall.main"].audience)
        made.close()


async def test_1_0_names_a_subscription_that_was_given_an_id() -> None:
    async with running() as server:
        made = await client(server.stomp_port, CONNECT_1_0, subscribe())
        server.publish(1)
        assert (await made.read())[0].headers["subscription"] == "sub-0"
        made.close()


async def test_two_sessions_of_1_0_have_names_of_their_own() -> None:
    async with running() as server:
        made = [Tcp(server.stomp_port) for _ in range(2)]
        for each in made:
            await each.say(CONNECT_1_0)
        assert len({(await each.read())[0].headers["session"] for each in made}) == 2
        for each in made:
            each.close()


async def test_1_1_acknowledges_by_subscription_and_message_id() -> None:
    async with running(TWO) as server:
        made = await client(server.stomp_port, CONNECT_1_1, subscribe(ack="client-individual"))
        server.publish(1, 2, 3)
        first, _ = await made.read(2)
        await made.say(stomp("ACK", message_id=first.headers["message-id"], subscription="sub-0"))
        assert await seqs(made, 1) == ["3"]
        await made.say(stomp("ACK", message_id=first.headers["message-id"], subscription="sub-0"))
        assert (await made.read())[0].headers["code"] == "4531"
        made.close()


async def test_a_header_of_1_2_reaches_every_version_as_it_can_say_it() -> None:
    async with running() as server:
        readers = [
            await client(server.stomp_port, connect, subscribe()) for connect in (CONNECT_1_0, CONNECT_1_1, CONNECT)
        ]
        server.relay.receive("/topic/wall.main", {"epoch": "aaaa", "seq": "1", "note": "a:b\nc\\"}, "{}")
        raw = []
        for reader in readers:
            data = b""
            while not data.endswith(b"\0"):
                data += await asyncio.to_thread(reader.socket.recv, 4096)
            raw.append(next(line for line in data.split(b"\n") if line.startswith(b"note")))
            reader.close()
        assert raw == [b"note:a:b c\\", b"note:a\\cb\\nc\\\\", b"note:a\\cb\\nc\\\\"]
