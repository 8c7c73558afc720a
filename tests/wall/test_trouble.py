"""A trouble is said when it begins, when it changes, and once a minute while it lasts."""

from wall.trouble import EVERY_SECONDS, Trouble


def test_the_same_trouble_is_said_once_a_minute_with_how_often_it_was_held_back() -> None:
    trouble = Trouble()
    assert trouble.worth_saying("The database is away.", 0) == 0
    assert [trouble.worth_saying("The database is away.", second) for second in range(1, 5)] == [None] * 4
    assert trouble.worth_saying("The database is away.", EVERY_SECONDS) == 4


def test_another_trouble_is_said_at_once() -> None:
    trouble = Trouble()
    trouble.worth_saying("The database is away.", 0)
    assert trouble.worth_saying("The store is full.", 1) == 0
    assert trouble.sentence == "The store is full."


def test_a_trouble_that_comes_back_is_said_again() -> None:
    trouble = Trouble()
    trouble.worth_saying("The database is away.", 0)
    assert trouble.over()
    assert not trouble.over()
    assert trouble.sentence is None
    assert trouble.worth_saying("The database is away.", 2) == 0
