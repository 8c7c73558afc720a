"""How parts fare: since when, and until when anybody worries about their silence."""

from datetime import timedelta

import pytest

from tests.fakes.clock import Clock
from wall.catalogue import Catalogue
from wall.catalogue.health import FORGET_AFTER

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


async def test_since_moves_only_when_a_part_turns_well_or_ill(catalogue: Catalogue, clock: Clock) -> None:
    since: list[object] = []
    for ok, sentence in (
        (True, "Runs."),
        (True, "Runs on."),
        (False, "Stuck."),
        (False, "Still stuck."),
        (True, "Runs."),
    ):
        clock.advance(MINUTE)
        await catalogue.health.say("publisher", ok=ok, sentence=sentence)
        [report] = await catalogue.health.all()
        assert (report.ok, report.sentence) == (ok, sentence)
        assert report.at > clock.moment - MINUTE
        since.append(report.since)
    assert [since.index(one) for one in since] == [0, 0, 2, 2, 4]


async def test_only_a_change_wakes_those_who_wait(catalogue: Catalogue) -> None:
    with catalogue.changed.listen() as listener:
        woken: list[bool] = []
        for ok, sentence in ((True, "Runs."), (True, "Runs."), (True, "Runs on."), (False, "Runs on.")):
            await catalogue.health.say("publisher", ok=ok, sentence=sentence)
            woken.append(await listener.wait(0))
    assert woken == [True, False, True, True]


async def test_a_part_that_left_or_was_silent_for_long_is_forgotten(catalogue: Catalogue, clock: Clock) -> None:
    for part in ("a", "b", "c"):
        await catalogue.health.say(part, ok=True, sentence="Runs.")
    await catalogue.health.gone("b")
    assert [report.part for report in await catalogue.health.all()] == ["a", "c"]
    clock.advance(FORGET_AFTER + MINUTE)
    await catalogue.health.say("c", ok=True, sentence="Runs.")
    assert [report.part for report in await catalogue.health.all()] == ["c"]
