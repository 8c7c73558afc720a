"""Failures are counted by address and forgotten with time."""

from web.console.attempts import ADDRESSES, ATTEMPTS, WINDOW_SECONDS, Attempts


def test_after_too_many_failures_an_address_waits_until_the_first_is_a_minute_old() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    for _ in range(ATTEMPTS):
        assert attempts.wait_for("a") == 0
        attempts.failed("a")
        now += 1
    assert attempts.wait_for("a") == WINDOW_SECONDS - ATTEMPTS
    assert attempts.wait_for("b") == 0
    now = WINDOW_SECONDS
    assert attempts.wait_for("a") == 0


def test_it_remembers_a_bounded_number_of_addresses() -> None:
    attempts = Attempts(lambda: 0.0)
    for _ in range(ATTEMPTS):
        attempts.failed("first")
    for n in range(ADDRESSES):
        attempts.failed(str(n))
    assert attempts.wait_for("first") == 0
