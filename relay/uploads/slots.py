"""How many uploads run at once, and whose. Pure: the clock is handed in."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from relay.uploads.settings import UploadSettings

Key = TypeVar("Key", str, bytes)


@dataclass(slots=True)
class _Slot:
    address: str
    guest: bytes
    large: bool
    until: float | None  # a lease that nobody uses ends then; None: there is none
    running: bool  # bytes are coming in, or are about to


class Slots:
    """The slots of this process, each named by its upload's id."""

    def __init__(self, settings: UploadSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._slots: dict[str, _Slot] = {}
        self._addresses: Counter[str] = Counter()
        self._guests: Counter[bytes] = Counter()
        self._large = 0

    def __len__(self) -> int:
        self._expire()
        return len(self._slots)

    def __contains__(self, name: str) -> bool:
        self._expire()
        return name in self._slots

    @property
    def running(self) -> int:
        """Those whose bytes are coming in."""
        return sum(slot.running for slot in self._slots.values())

    def full(self, size: int) -> bool:
        """Whether nobody could take one for so many bytes."""
        self._expire()
        settings = self._settings
        if size >= settings.small and self._large >= settings.slots - settings.kept_for_small:
            return True
        return len(self._slots) >= settings.slots

    def take(self, name: str, *, address: str, guest: bytes, size: int, lease: float | None) -> bool:
        """Take a slot for `lease` seconds, or (None), in use, until it is freed; whether there was one."""
        settings = self._settings
        if (
            self.full(size)
            or name in self._slots
            or self._addresses[address] >= settings.slots_per_address
            or self._guests[guest] >= settings.slots_per_guest
        ):
            return False
        large = size >= settings.small
        until = None if lease is None else self._clock() + lease
        self._slots[name] = _Slot(address, guest, large, until, running=lease is None)
        self._addresses[address] += 1
        self._guests[guest] += 1
        self._large += large
        return True

    def rename(self, name: str, new: str) -> None:
        """A slot is taken before the upload it is for has a name."""
        slot = self._slots.pop(name, None)
        if slot is not None:  # its lease may be over already
            self._slots[new] = slot

    def use(self, name: str) -> None:
        """Its bytes are coming in: it no longer ends by itself."""
        self._slots[name].running = True

    def rest(self, name: str) -> None:
        """They are not: it ends with its lease, and at once where it has none, or where there is none of this name."""
        slot = self._slots.get(name)
        if slot is None:
            return
        if slot.until is None:
            self.free(name)
        slot.running = False

    def free(self, name: str) -> None:
        """Nothing happens where there is none of this name."""
        slot = self._slots.pop(name, None)
        if slot is None:
            return
        _less(self._addresses, slot.address)
        _less(self._guests, slot.guest)
        self._large -= slot.large

    def waiting(self, address: str, guest: bytes) -> list[str]:
        """Leases of this address or guest; of everybody where all slots are taken."""
        full = len(self._slots) >= self._settings.slots
        return [
            name
            for name, slot in self._slots.items()
            if not slot.running and (full or slot.address == address or slot.guest == guest)
        ]

    def _expire(self) -> None:
        now = self._clock()
        over = [
            name
            for name, slot in self._slots.items()
            if not slot.running and slot.until is not None and slot.until <= now
        ]
        for name in over:
            self.free(name)


def _less(counts: Counter[Key], key: Key) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
