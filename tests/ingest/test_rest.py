"""How hard a worker tries while the store takes nothing."""

from ingest.rest import PATIENCE, SECONDS, Rest


def test_single_failures_slow_nothing_down() -> None:
    rest = Rest()
    for _ in range(10 * PATIENCE):
        for _ in range(PATIENCE - 1):
            rest.failed()
        assert rest.seconds() == 0
        rest.worked()


def test_when_all_fails_it_waits_until_something_works() -> None:
    rest = Rest()
    for _ in range(PATIENCE):
        rest.failed()
    for _ in range(100):
        assert SECONDS / 2 <= rest.seconds() <= SECONDS
        rest.failed()
    rest.worked()
    assert rest.seconds() == 0
