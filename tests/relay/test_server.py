"""What belongs to no single connection: accounts, the log's troubles."""

import asyncio
from dataclasses import replace

import pytest

from relay.log import StoredEvent
from relay.server import Relay
from relay.settings import RelaySettings
from tests.fakes.waiting import until
from tests.relay.running import QUICK, FakeLog, read, running, viewer
from wall.errors import CatalogueUnavailable
from wall.events import Cursor
from wall.stomp.errors import StompError

pytestmark = pytest.mark.anyio


class NoLog:
    """Nothing can be filled, nobody resumes beyond the ring."""

    async def events_after(self, topic: str, cursor: Cursor, limit: int) -> list[StoredEvent] | None:
        return None


def relay(settings: RelaySettings = QUICK) -> Relay:
    return Relay(log=NoLog(), settings=settings)


async def test_no_login_is_a_viewer_and_the_right_one_a_service() -> None:
    assert relay().authenticate(None, None) is False
    assert relay().authenticate("frieze", "correct horse") is True


@pytest.mark.parametrize(
    ("login", "passcode"), [("frieze", "wrong"), ("other", "correct horse"), ("frieze", None), (None, "x"), ("é", "é")]
)
async def test_any_other_login_is_refused(login: str | None, passcode: str | None) -> None:
    with pytest.raises(StompError, match="Wrong login or passcode"):
        relay().authenticate(login, passcode)


async def test_the_passcode_is_not_shown() -> None:
    assert "correct horse" not in repr(QUICK)


async def test_a_message_for_no_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="is no topic"):
        relay().receive("/queue/a", {}, b"")


async def test_a_loop_that_keeps_up_writes_at_once_and_one_that_does_not_writes_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, flushes = [100.0], list[float]()
    server = Relay(log=NoLog(), settings=replace(QUICK, tick=60.0), clock=lambda: now[0])
    monkeypatch.setattr(server.hub, "flush", flushes.append)
    for turn in range(2):
        server.flush_soon()
        await asyncio.sleep(0)
        assert len(flushes) == turn + 1
    server.flush_soon()
    now[0] += 0.2  # what else the loop had to do before it came to it
    await asyncio.sleep(0)
    assert len(flushes) == 3
    server.flush_soon()
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(flushes) == 3
    await until(lambda: len(flushes) == 4, "the next one, which waits three times as long")
    server.flush_soon()
    await asyncio.sleep(0)
    assert len(flushes) == 5
    await server.close()


class Flaky(FakeLog):
    """A log that can't be read for a while."""

    down = True

    async def events_after(self, topic: str, cursor: Cursor, limit: int):
        if self.down:
            raise CatalogueUnavailable("the database is away")
        return await super().events_after(topic, cursor, limit)


async def test_a_log_that_comes_back_in_time_still_fills_the_hole() -> None:
    log = Flaky([1, 2, 3])
    async with running(log=log) as server, viewer(server) as connection:
        server.publish(1, 3)
        assert (await read(connection)).headers["seq"] == "1"
        log.down = False
        assert [(await read(connection)).headers["seq"] for _ in range(2)] == ["2", "3"]


class Hanging(FakeLog):
    """A log that never answers."""

    async def events_after(self, topic: str, cursor: Cursor, limit: int):
        await asyncio.Event().wait()
        return


async def test_a_log_that_never_answers_holds_nothing_up_for_long_and_leaves_no_task() -> None:
    async with running(replace(QUICK, fill_within=0.2), Hanging()) as server, viewer(server) as connection:
        before = len(asyncio.all_tasks())
        server.publish(1, 3)
        assert (await read(connection)).headers["seq"] == "1"
        assert (await read(connection)).headers["gap"] == "true"
        await asyncio.sleep(0)
        server.publish(4)
        await read(connection)
        assert len(asyncio.all_tasks()) <= before + 1
