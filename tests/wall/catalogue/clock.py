"""A clock that tests move."""

from datetime import UTC, datetime, timedelta

TICK = timedelta(milliseconds=1)


class Clock:
    """Stands still but for one millisecond at each look, so that ids made one after the other sort."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += TICK
        return self.moment

    def pass_by(self, time: timedelta) -> None:
        """Let so much time pass; a negative one is a clock that is set back."""
        self.moment += time
