import pytest

from relay.hub import Hub, Wildcard, is_topic, is_wildcard, sequenced
from relay.settings import RelaySettings
from tests.relay.readers import WALL, FakeReader, Wall, key


@pytest.mark.parametrize(
    ("pattern", "destination", "matches"),
    [
        ("/topic/wall.>", "/topic/wall.main", True),
        ("/topic/wall.>", "/topic/wall.a.b", True),
        ("/topic/wall.>", "/topic/wall", False),
        ("/topic/wall.>", "/topic/screens.main", False),
        ("/topic/wall.*", "/topic/wall.main", True),
        ("/topic/wall.*", "/topic/wall.a.b", False),
        ("/topic/*.main", "/topic/wall.main", True),
        ("/topic/>", "/topic/anything.at.all", True),
    ],
)
def test_wildcards_match_as_activemq_spells_them(pattern: str, destination: str, matches: bool) -> None:
    assert Wildcard(pattern, FakeReader(Hub(RelaySettings(), "r")), key()).matches(destination) is matches


@pytest.mark.parametrize(
    ("destination", "topic", "wildcard"),
    [
        ("/topic/wall.main", True, False),
        ("/topic/wall.>", False, True),
        ("/topic/", False, False),
        ("/queue/a", False, False),
    ],
)
def test_a_destination_is_a_topic_a_wildcard_or_neither(destination: str, topic: bool, wildcard: bool) -> None:
    assert (is_topic(destination), is_wildcard(destination)) == (topic, wildcard)


@pytest.mark.parametrize(
    ("destination", "slug"),
    [
        ("/topic/wall.main", "main"),
        ("/topic/private.a-1", "a-1"),
        ("/topic/wall.Main", None),
        ("/topic/console.a", None),
    ],
)
def test_walls_have_their_own_positions(destination: str, slug: str | None) -> None:
    assert sequenced(destination) == slug


def test_a_message_for_no_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="is no topic"):
        Hub(RelaySettings(), "r").receive("/queue/a", {}, b"", 0.0)


def test_a_wildcard_reader_hears_topics_that_are_there_and_that_come_later() -> None:
    wall = Wall()
    wall.send(1)
    reader = FakeReader(wall.hub)
    wildcard = wall.hub.subscribe_many("/topic/wall.>", reader, key(), 0.0)
    wall.send(2)
    wall.hub.receive("/topic/wall.other", {"epoch": "aaaa", "seq": "7"}, b"", 0.0)
    wall.hub.flush(0.0)
    assert reader.got == ["2", "7"]
    wall.hub.leave_many(wildcard)
    wall.hub.receive("/topic/wall.third", {"epoch": "aaaa", "seq": "9"}, b"", 0.0)
    wall.hub.flush(0.0)
    assert reader.got == ["2", "7"]


def test_a_topic_nobody_wrote_to_is_forgotten_with_its_last_reader() -> None:
    wall = Wall()
    readers = [wall.reader(), wall.reader()]
    for reader in readers:
        assert WALL in wall.hub.topics
        wall.hub.leave(reader.seats[0])
    assert wall.hub.topics == {}


def test_a_wall_keeps_its_position_when_nobody_reads() -> None:
    wall = Wall()
    reader = wall.reader()
    wall.send(1)
    wall.hub.leave(reader.seats[0])
    wall.wait(10_000.0)
    wall.send(1)
    assert wall.hub.counts.repeated == 1


def test_an_unread_topic_without_seq_is_forgotten_when_its_messages_are_old() -> None:
    hub = Hub(RelaySettings(ring_age=60.0), "rtest")
    hub.receive("/topic/console.main", {}, b"", 0.0)
    hub.flush(0.0)
    hub.tick(30.0)
    assert hub.topics
    hub.tick(61.0)
    assert not hub.topics


def test_a_wall_that_is_quiet_asks_nothing() -> None:
    wall = Wall()
    wall.reader()
    wall.send(1, 2)
    assert wall.hub.wishes(0.0) == []
