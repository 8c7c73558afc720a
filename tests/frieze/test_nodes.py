"""A relay's name and where it is reached."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from frieze.nodes import LEASE, NodeKeeper, node_address, node_name, node_path
from frieze.settings import load
from wall.catalogue import Catalogue
from wall.catalogue.nodes import Node
from wall.errors import SettingsError

pytestmark = pytest.mark.anyio


def test_a_name_fits_into_a_path_and_is_what_the_proxy_looks_for() -> None:
    assert node_name(8080, "0123456789ab") == "0123456789ab-8080"
    assert node_name(80, "Ada's Laptop.local") == "ada-s-laptop.local-80"
    assert node_name(80, "///") == "relay-80"
    assert len(node_name(65535, "x" * 200)) < 80
    assert node_path("a-1") == "/n/a-1/stomp"


def test_an_address_names_the_node_or_is_left_to_the_installation(tmp_path: Path) -> None:
    assert node_address(load(data=tmp_path), "a-1") == ""
    assert node_address(load(data=tmp_path, relay_public_url="/n/{id}/stomp"), "a-1") == "/n/a-1/stomp"
    with pytest.raises(SettingsError, match="must be a path"):
        load(relay_public_url="relay.example")


def _other(**different: object) -> Node:
    usual = Node(id="other-1", address="", load=0, capacity=10, version="", draining=False)
    return replace(usual, **different)


@pytest.mark.parametrize(
    ("other", "spread"),
    [(_other(), 20.0), (None, 1.0), (_other(draining=True), 1.0), (_other(load=10), 1.0), (_other(capacity=0), 1.0)],
)
async def test_a_stop_takes_its_time_only_where_there_is_room_elsewhere(
    catalogue: Catalogue, other: Node | None, spread: float, tmp_path: Path
) -> None:
    if other is not None:
        await catalogue.nodes.announce(other, LEASE)
    keeper = NodeKeeper(catalogue, load(data=tmp_path), "this-1", lambda: (3, 100))
    running = asyncio.create_task(keeper.run())
    found: list[Node] = []

    async def look() -> None:
        found[:] = [node for node in await catalogue.nodes.running() if node.id == "this-1"]

    async with asyncio.timeout(30):
        while not found:
            await look()
    assert (found[0].load, found[0].capacity, found[0].draining) == (3, 100, False)
    assert await keeper.withdraw() == spread
    await look()
    assert found[0].draining
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await look()
    assert found == []
