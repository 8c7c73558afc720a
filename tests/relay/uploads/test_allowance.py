"""How often one address may ask."""

import pytest

from relay.uploads.allowance import ADDRESSES, Allowance


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_at_once_and_then_as_many_as_time_brings() -> None:
    clock = Clock()
    allowance = Allowance(3, 0.5, clock)
    assert [allowance.wait_for("a") for _ in range(5)] == [0, 0, 0, 2, 2]
    assert allowance.wait_for("b") == 0
    clock.now += 1
    assert allowance.wait_for("a") == pytest.approx(1)
    clock.now += 1
    assert [allowance.wait_for("a") for _ in range(2)] == [0, pytest.approx(2)]
    clock.now += 3600
    assert [allowance.wait_for("a") for _ in range(4)] == [0, 0, 0, pytest.approx(2)]


def test_it_remembers_no_more_addresses_than_have_asked_lately() -> None:
    clock = Clock()
    allowance = Allowance(3, 0.5, clock)
    for number in range(ADDRESSES + 100):
        allowance.wait_for(str(number))
    assert len(allowance) == ADDRESSES
    clock.now += 6
    assert allowance.wait_for("a") == 0
    assert len(allowance) == 1
