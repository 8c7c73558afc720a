from relay.wheel import Wheel


def test_things_come_when_they_are_due_and_once() -> None:
    wheel: Wheel[str] = Wheel(0.25, 0.0)
    wheel.schedule("a", 1.0)
    wheel.schedule("b", 5.0)
    assert wheel.due(0.9) == []
    assert wheel.due(1.25) == ["a"]
    assert wheel.due(1.5) == []
    assert wheel.due(100.0) == ["b"]
    assert len(wheel) == 0


def test_scheduling_again_moves_and_discarding_removes() -> None:
    wheel: Wheel[str] = Wheel(0.25, 0.0)
    wheel.schedule("a", 1.0)
    wheel.schedule("a", 9.0)
    wheel.schedule("b", 1.0)
    wheel.discard("b")
    wheel.discard("unknown")
    assert wheel.due(5.0) == []
    assert wheel.due(10.0) == ["a"]


def test_what_was_due_long_ago_comes_at_the_next_turn() -> None:
    wheel: Wheel[str] = Wheel(0.25, 100.0)
    wheel.schedule("a", 3.0)
    assert wheel.due(100.5) == ["a"]
