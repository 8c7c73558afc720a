"""How often one address may ask for something. Pure: the clock is handed in."""

from collections import OrderedDict
from collections.abc import Callable

ADDRESSES = 10_000  # remembered at once; the one that was quiet longest is forgotten first


class Allowance:
    """A token bucket for each address: `burst` at once, and `rate` a second in the long run."""

    def __init__(self, burst: int, rate: float, clock: Callable[[], float]) -> None:
        self._burst = burst
        self._rate = rate
        self._clock = clock
        # what was left of each, and when
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def wait_for(self, address: str) -> float:
        """0, and one is taken; otherwise seconds until this address may have one."""
        now = self._clock()
        left, since = self._left.pop(address, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._rate)
        wait = max(0.0, (1.0 - left) / self._rate)
        self._left[address] = (left - 1.0 if not wait else left, now)
        self._forget(now)
        return wait

    def _forget(self, now: float) -> None:
        """Those that have all theirs again, quiet longest first."""
        full = now - self._burst / self._rate
        while self._left and (len(self._left) > ADDRESSES or next(iter(self._left.values()))[1] <= full):
            self._left.popitem(last=False)
