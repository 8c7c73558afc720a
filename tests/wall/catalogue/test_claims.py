"""Of many who want it exactly one holds it, until it lets go or its time is over."""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import LEASE
from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio

CLAIMERS = 12


async def test_of_many_claimers_exactly_one_wins(catalogue: Catalogue) -> None:
    taken = await asyncio.gather(*(catalogue.claims.take("publish main", f"h{n}", LEASE) for n in range(CLAIMERS)))
    [winner] = [claim for claim in taken if claim is not None]
    assert await catalogue.claims.held("") == [winner]


async def test_of_many_claimers_of_an_expired_claim_exactly_one_wins(catalogue: Catalogue, clock: Clock) -> None:
    dead = await catalogue.claims.take("publish main", "dead", LEASE)
    assert dead is not None
    clock.advance(LEASE * 2)
    taken = await asyncio.gather(*(catalogue.claims.take("publish main", f"h{n}", LEASE) for n in range(CLAIMERS)))
    [winner] = [claim for claim in taken if claim is not None]
    assert winner.token != dead.token
    assert await catalogue.claims.held("") == [winner]


async def test_nobody_takes_what_is_held_and_anybody_takes_what_was_let_go(catalogue: Catalogue) -> None:
    first = await catalogue.claims.take("a", "one", LEASE)
    assert first is not None
    assert await catalogue.claims.take("a", "two", LEASE) is None
    assert await catalogue.claims.take("a", "one", LEASE) is None
    await catalogue.claims.release(first)
    assert await catalogue.claims.take("a", "two", LEASE) is not None


async def test_who_lost_a_claim_can_neither_renew_nor_release_it(catalogue: Catalogue, clock: Clock) -> None:
    old = await catalogue.claims.take("a", "one", LEASE)
    assert old is not None
    clock.advance(LEASE * 2)
    new = await catalogue.claims.take("a", "two", LEASE)
    assert await catalogue.claims.renew(old, LEASE) is None
    await catalogue.claims.release(old)
    assert await catalogue.claims.held("a") == [new]


async def test_a_renewed_claim_lasts_from_its_renewal_on(catalogue: Catalogue, clock: Clock) -> None:
    claim = await catalogue.claims.take("a", "one", LEASE)
    assert claim is not None
    clock.advance(LEASE * 0.9)
    renewed = await catalogue.claims.renew(claim, LEASE)
    clock.advance(LEASE * 0.9)
    assert await catalogue.claims.take("a", "two", LEASE) is None
    assert await catalogue.claims.held("a") == [renewed]
    clock.advance(LEASE * 0.2)
    assert await catalogue.claims.held("a") == []
    assert await catalogue.claims.take("a", "two", LEASE) is not None


async def test_an_expired_claim_that_nobody_took_can_be_renewed(catalogue: Catalogue, clock: Clock) -> None:
    claim = await catalogue.claims.take("a", "one", LEASE)
    assert claim is not None
    clock.advance(LEASE * 2)
    assert await catalogue.claims.renew(claim, LEASE) is not None
    assert await catalogue.claims.take("a", "two", LEASE) is None


async def test_claims_are_listed_by_prefix_taken_literally(catalogue: Catalogue) -> None:
    for item in ("a_b 2", "a_b 1", "axb 1", "%"):
        await catalogue.claims.take(item, "one", timedelta(hours=1))
    assert [claim.item for claim in await catalogue.claims.held("a_b")] == ["a_b 1", "a_b 2"]
    assert [claim.item for claim in await catalogue.claims.held("%")] == ["%"]
