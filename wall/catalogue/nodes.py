"""The relays that run now: each keeps a row that expires by itself, so that one that died is soon not there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import log

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from wall.catalogue import tables as t
from wall.catalogue.base import Context, Row

# weights stay above nothing, so that full relays come last and still in an order of chance
_LEAST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A relay with all its workers. `address` is where browsers reach it, empty where the installation's own address
    of relays leads to it. `load` viewers are there, `capacity` it can take now: 0 while it hears no broker."""

    id: str
    address: str
    load: int
    capacity: int
    version: str
    draining: bool = False

    @property
    def free(self) -> int:
        return max(0, self.capacity - self.load)


class Nodes:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def announce(self, node: Node, lease: timedelta) -> None:
        """`node` is there for another `lease`, as it says; a relay that starts again takes its old row over.

        The rows of others that have expired are dropped.
        """
        now = self._context.now()
        values = {
            "address": node.address,
            "load": node.load,
            "capacity": node.capacity,
            "version": node.version,
            "draining": node.draining,
            "expires_at": now + lease,
        }
        try:
            async with self._context.database.writing() as connection:
                renewed = await connection.execute(
                    update(t.relay_node).where(t.relay_node.c.id == node.id).values(values)
                )
                if renewed.rowcount == 0:
                    await connection.execute(delete(t.relay_node).where(t.relay_node.c.expires_at <= now))
                    await connection.execute(insert(t.relay_node).values(id=node.id, **values))
        except IntegrityError:
            return  # two with one name at once; the other one's row stands until the next time

    async def gone(self, node_id: str) -> None:
        """It has stopped."""
        async with self._context.database.writing() as connection:
            await connection.execute(delete(t.relay_node).where(t.relay_node.c.id == node_id))

    async def running(self) -> list[Node]:
        """Those whose row has not expired, also those that are draining."""
        now = self._context.now()
        async with self._context.database.reading() as connection:
            rows = await connection.execute(
                select(t.relay_node).where(t.relay_node.c.expires_at > now).order_by(t.relay_node.c.id)
            )
            return [_node(row) for row in rows.mappings()]


def addresses(nodes: Iterable[Node], otherwise: str, chance: Callable[[], float]) -> list[str]:
    """Where a viewer may go, the best guess first: a weighted shuffle by free capacity, those that drain left out.

    Relays that share an address count as one there; one without an address is reached at `otherwise`. `chance` gives
    a uniform number in [0, 1). The shuffle is Efraimidis and Spirakis's: the largest u^(1/weight) comes first.
    """
    free: dict[str, int] = {}
    for node in nodes:
        if not node.draining:
            address = node.address or otherwise
            free[address] = free.get(address, 0) + node.free
    # by its logarithm, which does not vanish for small weights
    drawn = {address: log(1.0 - chance()) / max(weight, _LEAST) for address, weight in free.items()}
    return sorted(free, key=lambda address: drawn[address], reverse=True)


def _node(row: Row) -> Node:
    return Node(
        id=row["id"],
        address=row["address"],
        load=row["load"],
        capacity=row["capacity"],
        version=row["version"],
        draining=row["draining"],
    )
