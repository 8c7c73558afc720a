"""This relay among the others: its name, where browsers reach it, and its row in the catalogue."""

import asyncio
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from importlib import metadata

import structlog

from frieze.settings import Settings
from frieze.stopping import SPREAD_SECONDS
from wall.catalogue import Catalogue
from wall.catalogue.nodes import Node
from wall.errors import CatalogueError
from wall.trouble import Trouble

STOMP_PATH = "/stomp"
RENEW_SECONDS = 2.0  # how old a node's load may be, so how soon a new one gets its share
LOOK_SECONDS = 0.25  # how soon one that begins or ceases to hear the broker says so
LEASE = timedelta(seconds=8)  # three renewals may fail before the node is not there
ASK_SECONDS = 2.0  # what a stop waits for the catalogue


def node_name(port: int, host: str | None = None) -> str:
    """What this relay is called: its host's name and port. In a container the host's name is the container's id, by
    which the proxy finds it (deploy/nginx.conf.template)."""
    name = re.sub(r"[^a-z0-9.-]+", "-", (host or socket.gethostname()).lower()).strip("-.") or "relay"
    return f"{name[:63]}-{port}"


def node_path(node: str) -> str:
    """The path that leads to this one and to no other relay."""
    return f"/n/{node}{STOMP_PATH}"


def node_address(settings: Settings, node: str) -> str:
    """Where browsers reach it; empty where they find it as the installation's relay."""
    return (settings.relay_public_url or "").replace("{id}", node)


def version() -> str:
    """The version that is installed; what runs from a checkout may have none."""
    try:
        return metadata.version("frieze")
    except metadata.PackageNotFoundError:
        return ""


class NodeKeeper:
    """Keeps the row of one node true: `run` until cancelled, `withdraw` when it begins to stop.

    `occupancy` gives how many viewers it has, and how many it can take.
    """

    def __init__(
        self, catalogue: Catalogue, settings: Settings, node: str, occupancy: Callable[[], tuple[int, int]]
    ) -> None:
        self._catalogue = catalogue
        self._node = node
        self._address = node_address(settings, node)
        self._drain = settings.relay_drain
        self._occupancy = occupancy
        self._draining = False
        self._capacity = 0  # as it was last said
        self._version = version()
        self._trouble = Trouble()
        self._log = structlog.get_logger("node")

    async def run(self) -> None:
        try:
            while True:
                await self._announce()
                await self._until_due()
        finally:
            await asyncio.shield(self._forget())

    async def withdraw(self) -> float:
        """Have new viewers go elsewhere; gives the seconds over which those that are here should follow."""
        self._draining = True
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._announce()
                others = await self._catalogue.nodes.running()
        except (CatalogueError, TimeoutError):
            others = []
        elsewhere = any(node.id != self._node and not node.draining and node.free > 0 for node in others)
        # one that has nowhere to send its viewers is quick, so that they find it again soon
        return self._drain if elsewhere else min(self._drain, SPREAD_SECONDS)

    async def _until_due(self) -> None:
        """Until the row has to be renewed, or whether there is room here has changed."""
        for _ in range(round(RENEW_SECONDS / LOOK_SECONDS)):
            await asyncio.sleep(LOOK_SECONDS)
            if self._occupancy()[1] != self._capacity:
                return

    async def _announce(self) -> None:
        load, capacity = self._occupancy()
        self._capacity = capacity
        node = Node(
            id=self._node,
            address=self._address,
            load=load,
            capacity=capacity,
            version=self._version,
            draining=self._draining,
        )
        try:
            await self._catalogue.nodes.announce(node, LEASE)
        except CatalogueError as error:
            if self._trouble.worth_saying(str(error), asyncio.get_running_loop().time()) is not None:
                self._log.warning("new viewers are not sent to this relay", node=self._node, reason=str(error))
        else:
            self._trouble.over()

    async def _forget(self) -> None:
        with suppress(CatalogueError, TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                await self._catalogue.nodes.gone(self._node)
