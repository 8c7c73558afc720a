"""How hard a worker tries while what it needs of ours, the store or the studio, takes nothing."""

import random
from dataclasses import dataclass

# Failures in a row that may be those of single posts. After them a few are tried now and then, however many wait: a
# store that is away is not hammered, and one that is back is noticed at once.
PATIENCE = 8
SECONDS = 5.0


@dataclass(slots=True)
class Rest:
    """Counts what went wrong in a row."""

    failures: int = 0

    def worked(self) -> None:
        self.failures = 0

    def failed(self) -> None:
        self.failures += 1

    def seconds(self) -> float:
        """To wait before the next posts are taken: 0 while not all goes wrong."""
        if self.failures < PATIENCE:
            return 0.0
        return random.uniform(SECONDS / 2, SECONDS)  # noqa: S311 - spreads load, hides nothing
