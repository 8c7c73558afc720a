"""A timer wheel: who is due for a look, for thousands at once, without a timer each."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Wheel(Generic[T]):
    """Buckets of `grain` seconds. A thing is in it once at most; scheduling it again moves it."""

    def __init__(self, grain: float, now: float) -> None:
        self._grain = grain
        self._done = int(now / grain)  # the last bucket given out
        self._buckets: dict[int, dict[T, None]] = {}
        self._places: dict[T, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def schedule(self, thing: T, at: float) -> None:
        """`due` gives it at the first call after `at`, and not before it by more than nothing."""
        self.discard(thing)
        place = max(int(at / self._grain) + 1, self._done + 1)
        self._places[thing] = place
        self._buckets.setdefault(place, {})[thing] = None

    def discard(self, thing: T) -> None:
        place = self._places.pop(thing, None)
        if place is not None:
            bucket = self._buckets[place]
            del bucket[thing]
            if not bucket:
                del self._buckets[place]

    def due(self, now: float) -> list[T]:
        """Take out what is due by `now`."""
        last = int(now / self._grain)
        things: list[T] = []
        for place in sorted(place for place in self._buckets if place <= last):
            bucket = self._buckets.pop(place)
            for thing in bucket:
                del self._places[thing]
            things.extend(bucket)
        self._done = max(self._done, last)
        return things
