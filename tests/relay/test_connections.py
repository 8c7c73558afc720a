"""Who is let in, from where, and who is due when."""

from dataclasses import dataclass, field, replace

import pytest

from relay.connections import Connections
from relay.settings import RelaySettings
from wall.stomp.errors import Code


@dataclass(eq=False)
class Guest:
    """A connection without a socket."""

    address: str = ""
    paused: bool = False
    again: float | None = None
    visits: list[float] = field(default_factory=list[float])
    leaves: float | None = None
    aborted: bool = False

    def visit(self, now: float) -> float | None:
        self.visits.append(now)
        return self.again

    def leave_at(self, moment: float) -> None:
        self.leaves = moment

    def shut_out(self, destination: str) -> None:
        raise AssertionError

    def abort(self) -> None:
        self.aborted = True


def connections(**settings: object) -> Connections:
    return Connections(replace(RelaySettings(), **settings), 0.0)


def test_so_many_from_one_address_and_so_many_in_all() -> None:
    ours = connections(connections=3, connections_per_address=2)
    guests = [Guest() for _ in range(3)]
    assert [ours.admit(guest, "192.0.2.1") is None for guest in guests] == [True, True, False]
    assert ours.admit(Guest(), "192.0.2.2") is None
    refusal = ours.admit(Guest(), "192.0.2.3")
    assert refusal is not None
    assert refusal.code is Code.TOO_MANY_CONNECTIONS
    assert (len(ours), ours.refusals) == (3, {"address": 1, "connections": 1, "origin": 0})


def test_who_has_gone_makes_room_and_leaves_nothing() -> None:
    ours = connections(connections_per_address=1)
    first, second = Guest(), Guest()
    assert ours.admit(first, "192.0.2.1") is None
    ours.gone(first)
    ours.gone(first)
    assert ours.admit(second, "192.0.2.1") is None


def test_an_ipv6_household_is_one_address() -> None:
    ours = connections(connections_per_address=1)
    assert ours.admit(Guest(), "2001:db8::1") is None
    assert ours.admit(Guest(), "2001:db8::2") is not None
    assert ours.admit(Guest(), "2001:db8:0:1::1") is None


@pytest.mark.parametrize(
    ("peer", "forwarded", "who"),
    [
        ("192.0.2.9", ["192.0.2.1"], "192.0.2.9"),
        ("10.0.0.1", ["192.0.2.1, 192.0.2.2"], "192.0.2.2"),
        ("10.0.0.1", ["192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed_hop_by_hop(peer: str, forwarded: list[str], who: str) -> None:
    assert connections(trusted_proxies=("10.0.0.0/8",)).address_of(peer, forwarded) == who


def test_a_visit_says_when_the_next_one_is_due() -> None:
    ours = connections(tick=0.25)
    guest = Guest(again=5.0)
    ours.admit(guest, "192.0.2.1")
    ours.due(guest, 1.0)
    for now in (0.5, 1.5, 4.0, 5.5):
        ours.turn(now)
    assert guest.visits == [1.5, 5.5]


def test_a_stop_lets_nobody_in_and_spreads_the_leaving() -> None:
    ours = connections()
    guests = [Guest() for _ in range(50)]
    for guest in guests:
        ours.admit(guest, "192.0.2.1")
    ours.dismiss(10.0, 2.0)
    moments = [guest.leaves for guest in guests if guest.leaves is not None]
    assert len(moments) == 50
    assert all(10.0 <= moment <= 12.0 for moment in moments)
    assert max(moments) - min(moments) > 0.5
    assert ours.admit(Guest(), "192.0.2.2") is not None
