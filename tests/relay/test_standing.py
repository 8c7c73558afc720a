"""What the catalogue is asked, and for how long its answer holds."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from relay.settings import MediaSettings
from relay.standing import AT_ONCE, Standings
from tests.fakes.waiting import until
from wall.catalogue.media import ServedMedia
from wall.errors import CatalogueUnavailable

pytestmark = pytest.mark.anyio


class Reader:
    """A catalogue that answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.away = False
        self.removed = False

    async def served(self, media_ids: Collection[str]) -> Mapping[str, ServedMedia]:
        self.asked.append(tuple(media_ids))
        seen = ServedMedia(renditions={}, removed=self.removed)
        await self.may_answer.wait()
        if self.away:
            raise CatalogueUnavailable("The database is away.")
        return {media_id: seen for media_id in media_ids if media_id != "none"}


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def standings(reader: Reader, clock: Time, settings: MediaSettings | None = None) -> Standings:
    return Standings(reader, settings or MediaSettings(), clock)


async def test_an_answer_holds_from_the_moment_it_was_asked_for() -> None:
    reader, clock = Reader(), Time()
    known = standings(reader, clock, MediaSettings(standing=0.75))
    reader.may_answer.clear()
    asking = asyncio.create_task(known.get("a"))
    await until(lambda: reader.asked, "the question")
    clock.now = 0.5  # a slow catalogue
    reader.may_answer.set()
    assert (await asking).until == 0.75
    clock.now = 0.7
    await known.get("a")
    assert len(reader.asked) == 1
    clock.now = 0.75
    await known.get("a")
    assert len(reader.asked) == 2


async def test_all_who_ask_meanwhile_are_in_one_question_that_began_after_them() -> None:
    reader, clock = Reader(), Time()
    known = standings(reader, clock)
    reader.may_answer.clear()
    first = asyncio.create_task(known.get("a"))
    await until(lambda: reader.asked, "the first question")
    reader.removed = True
    later = [asyncio.create_task(known.ask(name)) for name in ("a", "b", "a", "none")]
    await asyncio.sleep(0)
    assert len(reader.asked) == 1
    reader.may_answer.set()
    answers = await asyncio.gather(*later)
    assert reader.asked == [("a",), ("a", "b", "none")]
    found = (await first).media
    assert found is not None
    assert not found.removed
    assert [answer.media and answer.media.removed for answer in answers] == [True, True, True, None]


async def test_many_are_asked_for_in_portions() -> None:
    reader, clock = Reader(), Time()
    known = standings(reader, clock)
    await asyncio.gather(*(known.get(str(n)) for n in range(AT_ONCE * 2 + 1)))
    assert [len(asked) for asked in reader.asked] == [AT_ONCE, AT_ONCE, 1]


async def test_a_catalogue_that_is_away_is_asked_again_by_the_next_one() -> None:
    reader, clock = Reader(), Time()
    known = standings(reader, clock)
    reader.away = True
    found = await asyncio.gather(known.get("a"), known.get("b"), known.get("a"), return_exceptions=True)
    assert all(isinstance(one, CatalogueUnavailable) for one in found)
    reader.away = False
    assert (await known.get("a")).media is not None


async def test_only_so_many_are_remembered() -> None:
    reader, clock = Reader(), Time()
    known = standings(reader, clock, MediaSettings(standings=3))
    for name in "abcdea":
        await known.get(name)
    assert [asked for (asked,) in reader.asked] == list("abcdea")
    for name in "dea":
        await known.get(name)
    assert len(reader.asked) == 6
