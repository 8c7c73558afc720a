"""The moves of a post are those of docs/architecture.md §3, and there are no others."""

from itertools import product

import pytest

from wall.states import ACTIONS, ActionKind, State, may_move

MOVES = """
received pending approved failed removed
pending  approved rejected removed
approved removed
rejected approved removed
removed  approved
failed   received removed
"""
TABLE = {State(old): {State(new) for new in new_ones} for old, *new_ones in map(str.split, MOVES.strip().splitlines())}


@pytest.mark.parametrize(("old", "new"), list(product(State, State)))
def test_a_post_may_make_exactly_the_moves_of_the_table(old: State, new: State) -> None:
    assert may_move(old, new) == (new in TABLE[old])


def test_every_action_makes_a_move_that_there_is() -> None:
    assert set(ACTIONS) == set(ActionKind)
    for allowed, target in ACTIONS.values():
        assert allowed
        assert all(may_move(old, target) for old in allowed)


def test_no_action_but_restoring_brings_back_what_was_removed() -> None:
    assert [kind for kind, (allowed, _) in ACTIONS.items() if State.REMOVED in allowed] == [ActionKind.RESTORE]


def test_an_operator_can_remove_a_post_whatever_its_state() -> None:
    assert ACTIONS[ActionKind.REMOVE] == (frozenset(State) - {State.REMOVED}, State.REMOVED)
