"""What an operator asked a source to look for."""

from dataclasses import dataclass
from datetime import datetime

QUERY_CHARACTERS = 1024  # the longest of any network's limits (X Enterprise aside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One search of one wall, with how it fares.

    `note` is the last sweep's one-line result and `swept_at` its time; `error` the last failure's sentence, cleared
    by the next success; `failures` counts failures in a row; `next_at` when it is due.
    """

    id: str
    wall: str
    network: str
    query: str
    enabled: bool
    next_at: datetime
    swept_at: datetime | None = None
    note: str = ""
    error: str | None = None
    error_at: datetime | None = None
    failures: int = 0
