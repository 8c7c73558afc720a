"""How many uploads run at once, and whose."""

from relay.uploads.settings import UploadSettings
from relay.uploads.slots import Slots
from wall.catalogue.uploads import digest

LIMITS = UploadSettings(slots=8, kept_for_small=2, slots_per_address=4, slots_per_guest=2, small=100)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _take(
    slots: Slots, name: str, *, address: str = "", guest: str = "", size: int = 1, lease: float | None = 30
) -> bool:
    return slots.take(name, address=address or name, guest=digest(guest or name), size=size, lease=lease)


def test_all_slots_can_be_taken_and_no_more() -> None:
    slots = Slots(LIMITS, Clock())
    assert [_take(slots, str(n)) for n in range(9)] == [True] * 8 + [False]
    slots.free("3")
    slots.free("3")
    assert len(slots) == 7
    assert _take(slots, "9")


def test_a_share_is_kept_for_small_files() -> None:
    slots = Slots(LIMITS, Clock())
    assert [_take(slots, str(n), size=100) for n in range(7)] == [True] * 6 + [False]
    assert [_take(slots, f"small {n}", size=99) for n in range(3)] == [True, True, False]
    slots.free("0")
    assert _take(slots, "another", size=100)


def test_an_address_and_a_guest_have_their_own_limits() -> None:
    slots = Slots(LIMITS, Clock())
    assert [_take(slots, str(n), guest="ada") for n in range(3)] == [True, True, False]
    assert [_take(slots, f"a{n}", address="192.0.2.1") for n in range(5)] == [True] * 4 + [False]
    slots.free("0")
    assert _take(slots, "again", guest="ada")


def test_a_lease_ends_by_itself_and_bytes_that_come_in_do_not() -> None:
    clock = Clock()
    slots = Slots(LIMITS, clock)
    assert _take(slots, "a")
    assert _take(slots, "b")
    assert _take(slots, "c", lease=None)
    slots.use("b")
    assert slots.running == 2
    clock.now = 30.0
    assert len(slots) == 2
    assert ["a" in slots, "b" in slots, "c" in slots] == [False, True, True]


def test_what_is_no_longer_used_ends_with_its_lease_and_without_one_at_once() -> None:
    clock = Clock()
    slots = Slots(LIMITS, clock)
    assert _take(slots, "a", guest="ada")
    slots.use("a")
    assert slots.waiting("", digest("ada")) == []
    slots.rest("a")
    assert (len(slots), slots.running, slots.waiting("", digest("ada"))) == (1, 0, ["a"])
    assert _take(slots, "b", lease=None)
    slots.rest("b")
    slots.rest("nobody")
    assert ["a" in slots, "b" in slots] == [True, False]
    clock.now = 30.0
    assert len(slots) == 0


def test_a_slot_is_taken_before_its_upload_has_a_name() -> None:
    slots = Slots(LIMITS, Clock())
    assert _take(slots, "key", guest="ada")
    slots.rename("key", "upload")
    assert "upload" in slots
    assert not _take(slots, "upload")
    slots.free("upload")
    assert len(slots) == 0


def test_the_leases_that_stand_in_the_way_are_named() -> None:
    slots = Slots(LIMITS, Clock())
    _take(slots, "mine", guest="ada")
    _take(slots, "near", address="192.0.2.1")
    _take(slots, "far")
    _take(slots, "running", guest="ada", lease=None)
    assert set(slots.waiting("192.0.2.1", digest("ada"))) == {"mine", "near"}
    for n in range(4):
        _take(slots, f"other {n}")
    assert set(slots.waiting("198.51.100.1", digest("eve"))) == {
        "mine",
        "near",
        "far",
        *(f"other {n}" for n in range(4)),
    }
