"""A claim is kept while the database answers, and given up before anybody else can have it."""

import asyncio
import time
from datetime import timedelta
from typing import get_args

import pytest

from relay.uploads.holding import Holding
from tests.fakes.beside import beside
from tests.fakes.cut_off import How, cut_off
from tests.fakes.uploads import begun, open_wall
from wall.catalogue import Catalogue
from wall.catalogue.uploads import Held
from wall.errors import CatalogueUnavailable, ClaimLost

pytestmark = pytest.mark.anyio

SHORT = timedelta(seconds=1)


async def _held(catalogue: Catalogue, lease: timedelta = SHORT) -> Holding:
    await open_wall(catalogue)
    return Holding(catalogue, await begun(catalogue), lease, time.monotonic())


async def _keep(holding: Holding) -> None:
    raise await holding.keep()


async def test_it_is_kept_while_the_database_answers(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    holding = await _held(catalogue, timedelta(seconds=6))
    renew, renewed = catalogue.uploads.renew, asyncio.Event()

    async def watched(held: Held, lease: timedelta) -> None:
        await renew(held, lease)
        renewed.set()

    monkeypatch.setattr(catalogue.uploads, "renew", watched)
    before = (await catalogue.uploads.get(holding.held.upload.id)).until

    async with beside(_keep(holding)), asyncio.timeout(30):
        await renewed.wait()
    after = (await catalogue.uploads.get(holding.held.upload.id)).until
    assert (before, after) != (None, before)
    assert not holding.over
    holding.check()


@pytest.mark.parametrize("how", get_args(How))
async def test_it_is_over_before_the_catalogue_says_so_when_the_database_is_away(
    catalogue: Catalogue, how: How
) -> None:
    holding = await _held(catalogue)
    with cut_off(catalogue, how):
        async with asyncio.timeout(30):
            assert isinstance(await holding.keep(), CatalogueUnavailable)
    assert holding.over
    with pytest.raises(CatalogueUnavailable, match="could not be renewed in time"):
        holding.check()


async def test_a_renewal_that_failed_is_tried_again(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    holding = await _held(catalogue, timedelta(seconds=15))
    renew, tries, renewed = catalogue.uploads.renew, 0, asyncio.Event()

    async def sometimes(held: Held, lease: timedelta) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise CatalogueUnavailable("The database is away.")
        await renew(held, lease)
        renewed.set()

    monkeypatch.setattr(catalogue.uploads, "renew", sometimes)
    async with beside(_keep(holding)), asyncio.timeout(30):
        await renewed.wait()
    assert (tries, holding.over) == (2, False)


async def test_one_that_was_taken_away_is_over_at_once(catalogue: Catalogue) -> None:
    holding = await _held(catalogue, timedelta(seconds=6))
    await catalogue.uploads.withdraw(holding.held.upload.id)
    async with asyncio.timeout(30):
        assert isinstance(await holding.keep(), ClaimLost)
    assert holding.over
    with pytest.raises(ClaimLost):
        holding.check()


async def test_it_begins_when_it_was_asked_for_and_not_when_the_answer_came(catalogue: Catalogue) -> None:
    await open_wall(catalogue)
    held = await begun(catalogue)
    now = 100.0
    holding = Holding(catalogue, held, timedelta(seconds=30), 74.0, lambda: now)
    assert holding.over
    assert not Holding(catalogue, held, timedelta(seconds=30), 76.0, lambda: now).over
