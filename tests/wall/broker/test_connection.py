"""The strict wrapper against brokers that misbehave."""

import asyncio
import sys
import textwrap

import pytest

from tests.fakes.stomp_broker import stomp_broker
from tests.processes import environment
from wall.broker import connection as module
from wall.broker.address import BrokerAddress
from wall.broker.connection import BrokerConnection
from wall.errors import BrokerRefused, BrokerUnavailable

pytestmark = pytest.mark.anyio


def _address(port: int) -> BrokerAddress:
    return BrokerAddress(hosts=(("127.0.0.1", port),), user="frieze", password="x")


async def _open(port: int) -> BrokerConnection:
    address = _address(port)
    return await BrokerConnection.open(address.hosts[0], address)


async def test_a_message_is_text_without_a_content_length_and_is_confirmed() -> None:
    async with stomp_broker() as broker:
        connection = await _open(broker.port)
        await connection.confirmed(await connection.send("/topic/wall.main", "{}", {"seq": "1"}))
        await connection.close()
    [(destination, headers, body)] = broker.messages
    assert (destination, body, headers["seq"]) == ("/topic/wall.main", "{}", "1")
    assert "content-length" not in headers


async def test_a_broker_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
    async with stomp_broker("black-hole") as broker:
        with pytest.raises(BrokerUnavailable, match="never answered"):
            await _open(broker.port)


async def test_a_broker_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(BrokerUnavailable, match="can't be reached"):
        await _open(1)


async def test_a_wrong_password_is_a_refusal_with_the_brokers_words() -> None:
    async with stomp_broker("refuse-login") as broker:
        with pytest.raises(BrokerRefused, match="password is invalid"):
            await _open(broker.port)


async def test_a_missing_right_fails_the_message_that_lacked_it() -> None:
    async with stomp_broker("refuse-send") as broker:
        connection = await _open(broker.port)
        receipt = await connection.send("/topic/wall.main", "{}", {})
        with pytest.raises(BrokerRefused, match="not authorized"):
            await connection.confirmed(receipt)
        await connection.close()


async def test_a_receipt_that_never_comes_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stomp_broker("no-receipt") as broker:
        connection = await _open(broker.port)
        receipt = await connection.send("/topic/wall.main", "{}", {})
        monkeypatch.setattr(module, "RECEIPT_SECONDS", 0.2)
        with pytest.raises(BrokerUnavailable, match="did not confirm"):
            await connection.confirmed(receipt)
        assert connection.lost.done()
        await connection.close()


async def test_a_hang_up_fails_everything_that_waits() -> None:
    async with stomp_broker("no-receipt") as broker:
        connection = await _open(broker.port)
        receipts = [await connection.send("/topic/wall.main", "{}", {}) for _ in range(3)]
        broker.cut_all()
        for receipt in receipts:
            with pytest.raises(BrokerUnavailable):
                await asyncio.wait_for(receipt, 5)
        await connection.close()


async def test_a_broker_that_stops_reading_holds_up_neither_closing_nor_the_end_of_the_program() -> None:
    async with stomp_broker("stops-reading") as broker:
        program = textwrap.dedent(f"""
            import asyncio
            from wall.broker.address import BrokerAddress
            from wall.broker.connection import BrokerConnection

            async def main():
                address = BrokerAddress(hosts=(("127.0.0.1", {broker.port}),), user="frieze", password="x")
                connection = await BrokerConnection.open(address.hosts[0], address)
                sending = asyncio.create_task(connection.send("/topic/wall.main", "x" * 30_000_000, {{}}))
                done, _ = await asyncio.wait({{sending}}, timeout=0.5)
                assert not done, "the broker was meant not to read"
                await connection.close()
                sending.cancel()

            asyncio.run(main())
        """)
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=environment({}))
        assert await asyncio.wait_for(process.wait(), 20) == 0
