"""A clock that tests move."""

from datetime import UTC, datetime, timedelta

# so little at each look that ids made one after the other sort
TICK = timedelta(milliseconds=1)


class Clock:
    """`Catalogue(url, now=Clock())`: it stands still, but for `tick` at each look."""

    def __init__(self, tick: timedelta = timedelta()) -> None:
        self.moment = datetime(2026, 11, 21, 10, tzinfo=UTC)
        self.tick = tick

    def __call__(self) -> datetime:
        self.moment += self.tick
        return self.moment

    def advance(self, time: timedelta | float) -> None:
        """Let so much time pass, a number being seconds; less than none is a clock that is set back."""
        self.moment += time if isinstance(time, timedelta) else timedelta(seconds=time)
