"""The one watcher behind all consoles: who is told what, and when it looks at all."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.fakes.waiting import until
from wall.catalogue import Catalogue
from wall.catalogue.glance import Glance, glance
from wall.errors import CatalogueUnavailable
from wall.states import Policy
from web.console.refusals import Refused
from web.console.sessions import SignedIn
from web.console.watch import Console, Watch

pytestmark = pytest.mark.anyio


@pytest.fixture
async def operator(catalogue: Catalogue) -> SignedIn:
    return await _operator(catalogue, "Ada")


async def _operator(catalogue: Catalogue, name: str) -> SignedIn:
    secret = await catalogue.operators.sign_in(await catalogue.operators.link(name))
    assert secret is not None
    session = await catalogue.operators.session(secret)
    assert session is not None
    return SignedIn(session=session, secret=secret)


@pytest.fixture
async def watch(catalogue: Catalogue) -> AsyncGenerator[Watch]:
    made = Watch(catalogue)
    yield made
    made.close()


class Glances:
    """The watcher's looks at the database, counted; `trouble` is raised by the next ones."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.trouble: Exception | None = None
        monkeypatch.setattr("web.console.watch.glance", self)

    async def __call__(self, catalogue: Catalogue) -> Glance:
        self.count += 1
        if self.trouble is not None:
            raise self.trouble
        return await glance(catalogue)


async def _hears(console: Console) -> frozenset[str]:
    """The next hint."""
    kinds = await console.wait(20)
    assert not console.ended
    return kinds


async def test_nobody_looks_while_no_console_is_connected(
    catalogue: Catalogue, watch: Watch, operator: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    glances = Glances(monkeypatch)
    console = await watch.join(operator)
    await catalogue.walls.change("main", policy=Policy.HOLD)
    assert await _hears(console) == {"walls"}
    watch.leave(console)
    await asyncio.sleep(0)
    seen = glances.count
    await catalogue.walls.change("main", policy=Policy.OPEN)
    assert not await console.wait(0.3)
    assert glances.count == seen


async def test_many_consoles_cost_one_look(
    catalogue: Catalogue, watch: Watch, operator: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.console.watch.POLL_SECONDS", 60.0)
    glances = Glances(monkeypatch)
    consoles = await asyncio.gather(*(watch.join(operator) for _ in range(10)))
    await until(lambda: glances.count == 2, "the first look of the watcher")
    await catalogue.walls.change("main", policy=Policy.HOLD)
    assert [await _hears(console) for console in consoles] == [{"walls"}] * 10
    assert glances.count == 3


async def test_a_burst_is_one_hint_and_what_a_console_has_not_read_adds_up(
    catalogue: Catalogue, watch: Watch, operator: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.console.watch.POLL_SECONDS", 60.0)
    glances = Glances(monkeypatch)
    console = await watch.join(operator)
    await until(lambda: glances.count == 2, "the first look of the watcher")
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await catalogue.searches.add("main", "demo", "everything")
    await catalogue.health.say("publisher", ok=True, sentence="Connected.")
    heard = await _hears(console)
    while not {"walls", "searches", "health"} <= heard:
        heard |= await _hears(console)
    assert glances.count <= 4


async def test_whoever_joins_right_after_the_last_one_left_is_not_sent_away(
    catalogue: Catalogue, watch: Watch, operator: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    glances = Glances(monkeypatch)
    for _ in range(5):  # a page that is loaded again, while the watcher of the one before is looking
        console = await watch.join(operator)
        seen = glances.count
        await until(lambda n=seen: glances.count > n, "the watcher to look")
        watch.leave(console)
    console = await watch.join(operator)
    await catalogue.walls.change("main", policy=Policy.HOLD)
    assert "walls" in await _hears(console)


async def test_a_database_that_is_away_ends_no_stream_and_is_looked_at_again(
    catalogue: Catalogue, watch: Watch, operator: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.console.watch.AWAY_SECONDS", 0.05)
    glances = Glances(monkeypatch)
    console = await watch.join(operator)
    glances.trouble = CatalogueUnavailable("The database does not answer.")
    catalogue.changed.fire()
    seen = glances.count
    await until(lambda: glances.count > seen + 2, "more looks")
    await catalogue.walls.change("main", policy=Policy.HOLD)
    glances.trouble = None
    assert await _hears(console) == {"walls"}


async def test_who_cant_be_told_what_changed_is_not_let_in(
    watch: Watch, operator: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    glances = Glances(monkeypatch)
    glances.trouble = CatalogueUnavailable("The database does not answer.")
    with pytest.raises(CatalogueUnavailable):
        await watch.join(operator)
    assert watch.consoles == 0
    glances.trouble = None
    assert not (await watch.join(operator)).ended


async def test_a_session_that_is_over_ends_its_own_console_only(
    catalogue: Catalogue, watch: Watch, operator: SignedIn
) -> None:
    grace = await _operator(catalogue, "Grace")
    hers, others = await watch.join(operator), await watch.join(grace)
    await catalogue.operators.sign_out(operator.secret)
    assert await hers.wait(20) == frozenset()
    assert hers.ended
    assert not others.ended


async def test_a_stop_ends_all_and_lets_nobody_in(watch: Watch, operator: SignedIn) -> None:
    consoles = [await watch.join(operator) for _ in range(3)]
    watch.close()
    for console in consoles:
        assert await console.wait(20) == frozenset()
        assert console.ended
    with pytest.raises(Refused) as refused:
        await watch.join(operator)
    assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "10")
