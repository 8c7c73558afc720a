"""Saying what is wrong once, not a thousand times."""

from dataclasses import dataclass

EVERY_SECONDS = 60.0


@dataclass(slots=True)
class Trouble:
    """What stands in the way now: one line in the log when it begins or changes, then at most one a minute.

    `sentence` is what operators are told, None while all is well.
    """

    sentence: str | None = None
    _said_at: float = 0.0
    _held_back: int = 0

    def worth_saying(self, sentence: str, now: float) -> int | None:
        """How often it was held back since it was last said, when it should be said again at `now` (seconds of any
        steady clock); None when it should not."""
        if sentence == self.sentence and now - self._said_at < EVERY_SECONDS:
            self._held_back += 1
            return None
        held_back = self._held_back if sentence == self.sentence else 0
        self.sentence, self._said_at, self._held_back = sentence, now, 0
        return held_back

    def over(self) -> bool:
        """All is well again; whether it was not before."""
        ended = self.sentence is not None
        self.sentence, self._held_back = None, 0
        return ended
