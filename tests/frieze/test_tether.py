"""A worker hears its supervisor, and notices that it is gone."""

import asyncio
import socket
from collections.abc import AsyncGenerator

import pytest

from frieze.stopping import SPREAD_SECONDS
from frieze.tether import Report, Tether, word_of_readiness, word_to_stop
from tests.fakes.waiting import until

pytestmark = pytest.mark.anyio


class Held:
    """A tether and the supervisor's end of it."""

    def __init__(self) -> None:
        self.supervisor, worker = socket.socketpair()
        self.supervisor.settimeout(10)
        self.stopping = asyncio.Event()
        self.tether = Tether("a-1", 0, 1, socket.socket(), worker)

    async def read(self) -> Report:
        line = await asyncio.to_thread(self.supervisor.makefile("rb").readline)
        return Report.read(line)


@pytest.fixture
async def held() -> AsyncGenerator[Held]:
    made = Held()
    await made.tether.hold(made.stopping)
    yield made
    made.tether.close()
    made.tether.listening.close()
    made.supervisor.close()
    await asyncio.sleep(0)


async def test_it_tells_how_it_fares_again_and_again(held: Held) -> None:
    viewers = iter(range(1, 9))
    held.tether.report(lambda: Report(next(viewers), ready=True))
    assert [await held.read(), await held.read()] == [Report(1, ready=True), Report(2, ready=True)]


async def test_all_are_ready_when_the_supervisor_says_so_in_however_many_pieces(held: Held) -> None:
    assert not held.tether.ready
    word = word_of_readiness(True)
    held.supervisor.sendall(word[:5])
    held.supervisor.sendall(word[5:] + word[:3])
    await until(lambda: held.tether.ready, "to be ready")
    held.supervisor.sendall(word[3:] + word_of_readiness(False))
    await until(lambda: not held.tether.ready, "not to be ready")


async def test_a_supervisor_that_has_long_said_nothing_is_not_believed(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.supervisor.sendall(word_of_readiness(True))
    await until(lambda: held.tether.ready, "to be ready")
    monkeypatch.setattr("frieze.tether.STALE_SECONDS", 0.0)
    assert not held.tether.ready


async def test_the_word_to_stop_says_over_how_many_seconds_and_the_first_one_counts(held: Held) -> None:
    held.supervisor.sendall(word_to_stop(7.5))
    await asyncio.wait_for(held.stopping.wait(), 10)
    held.supervisor.close()
    await asyncio.sleep(0)
    assert held.tether.spread == 7.5


async def test_without_its_supervisor_a_worker_stops_soon(held: Held) -> None:
    held.supervisor.close()
    await asyncio.wait_for(held.stopping.wait(), 10)
    assert held.tether.spread == SPREAD_SECONDS
