"""What every part of the catalogue works with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wall import ids
from wall.catalogue.database import Database
from wall.catalogue.signals import Signal

# a row by column name, as SQLAlchemy's `mappings()` gives it
Row = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """The database, the clock (UTC), the randomness, and the signal that something changed."""

    database: Database
    now: Callable[[], datetime]
    entropy: Callable[[int], bytes]
    changed: Signal

    def ulid(self) -> str:
        return ids.ulid(self.now(), self.entropy(10))

    def token(self) -> str:
        return ids.random_id(self.entropy(16))
