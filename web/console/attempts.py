"""How often somebody may be wrong."""

from collections import OrderedDict, deque
from collections.abc import Callable

# A link's token has 256 random bits, so this only keeps noise away from the database; a room full of operators
# behind one address still gets in.
ATTEMPTS = 10
WINDOW_SECONDS = 60.0
ADDRESSES = 1_000  # remembered at once; the one that was quiet longest is forgotten first


class Attempts:
    """Counts failures by address within a sliding window. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_for(self, address: str) -> float:
        """Seconds until this address may try again; 0 when it may now."""
        failures = self._failures.get(address)
        if failures is None or len(failures) < ATTEMPTS:
            return 0.0
        return max(0.0, failures[0] + WINDOW_SECONDS - self._clock())

    def failed(self, address: str) -> None:
        """Remember one failure."""
        self._failures.setdefault(address, deque(maxlen=ATTEMPTS)).append(self._clock())
        self._failures.move_to_end(address)
        if len(self._failures) > ADDRESSES:
            self._failures.popitem(last=False)
