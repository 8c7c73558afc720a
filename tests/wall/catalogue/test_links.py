"""Secret walls and their links, on both databases."""

import pytest

from tests.fakes.clock import Clock
from wall.catalogue import Catalogue
from wall.errors import CatalogueError, NotFound
from wall.tokens import TOKEN_SECONDS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def timed(catalogue: Catalogue) -> Catalogue:
    """The catalogue with the secret wall `party`."""
    await catalogue.walls.add("party", "Our party", secret=True)
    return catalogue


async def opens(catalogue: Catalogue, slug: str, shown: str) -> bool:
    try:
        wall = await catalogue.walls.get(slug)
    except NotFound:
        wall = None
    return await catalogue.links.opens(slug, wall, shown)


async def test_events_of_a_secret_wall_have_a_topic_that_viewers_may_not_read(timed: Catalogue) -> None:
    assert (await timed.walls.get("main")).topic == "/topic/wall.main"
    assert (await timed.walls.get("party")).topic == "/topic/private.party"


async def test_the_log_is_given_for_the_walls_own_topic_alone(timed: Catalogue) -> None:
    await timed.walls.change("party", title="A party")
    cursor = (await timed.walls.get("party")).cursor
    for topic, found in ((None, True), ("/topic/private.party", True), ("/topic/wall.party", False)):
        assert (await timed.log.after("party", cursor, topic=topic) is not None) is found


async def test_a_key_opens_its_wall_and_no_other(timed: Catalogue) -> None:
    other = await timed.walls.add("other", "Other", secret=True)
    key = await timed.links.key(await timed.walls.get("party"))
    assert await opens(timed, "party", key)
    assert not await opens(timed, "party", await timed.links.key(other))
    for shown in ("", "rubbish", "é", key[:-1], key + "a"):
        assert not await opens(timed, "party", shown)


async def test_nothing_opens_a_wall_that_is_public_or_not_there(timed: Catalogue) -> None:
    key = await timed.links.key(await timed.walls.get("party"))
    assert not await opens(timed, "main", key)
    assert not await opens(timed, "nobody", key)


async def test_a_key_is_the_same_in_every_process(timed: Catalogue, database_url: str) -> None:
    other = Catalogue(database_url)
    wall = await timed.walls.get("party")
    assert await other.links.key(wall) == await timed.links.key(wall)
    assert await other.links.token_key() == await timed.links.token_key()
    await other.close()


async def test_a_token_opens_its_wall_for_fifteen_minutes(timed: Catalogue, clock: Clock) -> None:
    token = await timed.links.token(await timed.walls.get("party"))
    clock.advance(TOKEN_SECONDS - 1)
    assert await opens(timed, "party", token)
    assert not await opens(timed, "main", token)
    clock.advance(2)
    assert not await opens(timed, "party", token)


async def test_a_renewed_link_makes_older_keys_and_tokens_worthless_even_within_a_second(timed: Catalogue) -> None:
    shown: list[str] = []
    for _ in range(3):
        wall = await timed.walls.get("party")
        shown += [await timed.links.key(wall), await timed.links.token(wall)]
        await timed.links.renew("party")
    renewed = await timed.walls.get("party")
    assert len(set(shown)) == 6
    assert not any([await opens(timed, "party", old) for old in shown])
    assert await opens(timed, "party", await timed.links.key(renewed))
    assert await timed.links.numbers() == {"main": None, "party": renewed.link}


async def test_a_public_wall_has_no_link(timed: Catalogue) -> None:
    main = await timed.walls.get("main")
    for asked in (timed.links.key(main), timed.links.token(main), timed.links.renew("main")):
        with pytest.raises(CatalogueError, match="public"):
            await asked
    with pytest.raises(NotFound):
        await timed.links.renew("nobody")
