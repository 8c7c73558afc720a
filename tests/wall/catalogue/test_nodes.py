"""Relays are there while they say so, and viewers are spread by what is free."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from wall.catalogue import Catalogue
from wall.catalogue.nodes import Node, addresses

pytestmark = pytest.mark.anyio

LEASE = timedelta(seconds=8)


def node(name: str, load: int = 0, capacity: int = 100, *, address: str | None = None, draining: bool = False) -> Node:
    return Node(
        id=name,
        address=f"/n/{name}/stomp" if address is None else address,
        load=load,
        capacity=capacity,
        version="1",
        draining=draining,
    )


async def test_a_node_is_there_until_its_row_expires_and_as_it_last_said(database_url: str) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    catalogue = Catalogue(database_url, now=lambda: now)
    await catalogue.migrate()
    await catalogue.nodes.announce(node("a"), LEASE)
    await catalogue.nodes.announce(node("b", 3), LEASE)
    now += timedelta(seconds=5)
    await catalogue.nodes.announce(node("b", 7, draining=True), LEASE)
    assert await catalogue.nodes.running() == [node("a"), node("b", 7, draining=True)]
    now += timedelta(seconds=3)
    assert await catalogue.nodes.running() == [node("b", 7, draining=True)]
    await catalogue.nodes.announce(node("c"), LEASE)
    await catalogue.nodes.gone("b")
    assert await catalogue.nodes.running() == [node("c")]
    await catalogue.close()


def _first(nodes: list[Node], rounds: int = 4_000) -> Counter[str]:
    chance = random.Random(7)
    return Counter(addresses(nodes, "/stomp", chance.random)[0] for _ in range(rounds))


def test_viewers_go_where_there_is_room_in_proportion_to_it() -> None:
    first = _first([node("a", 90), node("b", 70)])
    assert first["/n/b/stomp"] / first["/n/a/stomp"] == pytest.approx(3, rel=0.15)


def test_a_full_or_deaf_node_comes_last_and_a_draining_one_not_at_all() -> None:
    nodes = [node("full", 100), node("deaf", 5, 0), node("free", 99), node("leaving", draining=True)]
    for seed in range(50):
        order = addresses(nodes, "/stomp", random.Random(seed).random)
        assert order[0] == "/n/free/stomp"
        assert set(order[1:]) == {"/n/full/stomp", "/n/deaf/stomp"}


def test_full_nodes_are_still_shuffled() -> None:
    first = _first([node("a", 100), node("b", 100)])
    assert min(first["/n/a/stomp"], first["/n/b/stomp"]) > 1_500


def test_nodes_behind_one_address_are_one_choice_with_all_their_room() -> None:
    shared = [node("a", address=""), node("b", address=""), node("c")]
    first = _first(shared)
    assert first["/stomp"] / first["/n/c/stomp"] == pytest.approx(2, rel=0.15)
    assert len(addresses(shared, "/stomp", lambda: 0.5)) == 2
