"""Who may read and write what."""

import pytest

from relay.rights import Walls, check_read, check_write
from wall.stomp.errors import Code, StompError
from wall.tokens import TOKEN_SECONDS, ViewerToken

KEY = b"k" * 32
NOW = 1_000_000.0
WALLS = Walls(key=KEY, links={"main": None, "party": 7})


def token(wall: str = "party", link: int = 7, until: float = NOW + TOKEN_SECONDS, key: bytes = KEY) -> str:
    return ViewerToken(wall=wall, link=link, until=int(until)).signed(key)


def refusal(destination: str, shown: str | None = None, walls: Walls | None = WALLS) -> Code | None:
    try:
        check_read(destination, shown, walls, NOW)
    except StompError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    "destination", ["/topic/wall.main", "/topic/wall.nobody", "/topic/screens.main", "/topic/wall.>", "/topic/wall.*"]
)
def test_anybody_reads_public_walls_and_screens(destination: str) -> None:
    assert refusal(destination) is None
    assert refusal(destination, "rubbish", None) is None


@pytest.mark.parametrize(
    "destination",
    [
        "/topic/console.main",
        "/topic/private.party",
        "/topic/private.nobody",
        "/topic/private.>",
        "/topic/private.party.x",
        "/topic/>",
        "/topic/wall.",
        "/queue/wall.main",
        "/topic/wall.Main",
        "private.party",
    ],
)
def test_without_a_token_nobody_reads_anything_else(destination: str) -> None:
    assert refusal(destination) is Code.NO_RIGHT_TO_READ


def test_a_token_opens_its_wall_and_no_other() -> None:
    assert refusal("/topic/private.party", token()) is None
    assert refusal("/topic/private.other", token()) is Code.NO_RIGHT_TO_READ
    assert refusal("/topic/console.party", token()) is Code.NO_RIGHT_TO_READ
    assert refusal("/topic/private.>", token(">")) is Code.NO_RIGHT_TO_READ


@pytest.mark.parametrize("shown", ["", "rubbish", token(key=b"x" * 32), token() + "0", token().replace("7.", "8.", 1)])
def test_what_we_did_not_sign_opens_nothing(shown: str) -> None:
    assert refusal("/topic/private.party", shown) is Code.NO_RIGHT_TO_READ


def test_a_token_whose_time_is_over_or_whose_link_was_renewed_asks_for_a_new_one() -> None:
    assert refusal("/topic/private.party", token(until=NOW)) is Code.TOKEN_OVER
    assert refusal("/topic/private.party", token(link=6)) is Code.TOKEN_OVER
    assert Code.TOKEN_OVER.come_back


def test_a_token_newer_than_what_the_relay_knows_is_good() -> None:
    assert refusal("/topic/private.party", token(link=8)) is None
    assert refusal("/topic/private.new", token("new")) is None


def test_before_the_catalogue_was_read_a_token_is_neither_right_nor_wrong() -> None:
    assert refusal("/topic/private.party", token(), None) is Code.TOKEN_OVER


def test_only_services_write() -> None:
    check_write(service=True)
    with pytest.raises(StompError) as caught:
        check_write(service=False)
    assert caught.value.code is Code.NO_RIGHT_TO_WRITE


def test_renewed_names_the_walls_whose_link_is_another_one() -> None:
    newer = Walls(key=KEY, links={"main": None, "party": 9, "new": 3})
    assert newer.renewed(WALLS) == ["/topic/private.party"]
    assert newer.renewed(newer) == []
    assert Walls(key=KEY, links={}).renewed(WALLS) == ["/topic/private.party"]
