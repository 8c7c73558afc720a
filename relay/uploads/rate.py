"""Whether a guest sends fast enough. Pure: it is told how long each wait took."""

from collections import deque


class RateFloor:
    """At least `rate` bytes a second, averaged over the last `window` seconds, once `grace` is over.

    Only time in which we waited for the guest counts: a store that is slow is not the guest's fault.
    """

    def __init__(self, rate: int, window: float, grace: float) -> None:
        self._rate = rate
        self._window = window
        self._grace = grace
        self._waited = 0.0
        self._bytes = 0
        # sums up to whole seconds, so at most `window` of them
        self._marks: deque[tuple[float, int]] = deque([(0.0, 0)])

    def came(self, count: int, seconds: float) -> bool:
        """`count` bytes came after a wait of `seconds`; whether that is fast enough."""
        self._waited += seconds
        self._bytes += count
        if self._waited - self._marks[-1][0] >= 1.0:
            self._marks.append((self._waited, self._bytes))
        while len(self._marks) > 1 and self._waited - self._marks[1][0] >= self._window:
            self._marks.popleft()
        since, before = self._marks[0]
        span = self._waited - since
        if self._waited < self._grace or span < self._window:
            return True
        return self._bytes - before >= self._rate * span
