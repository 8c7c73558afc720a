"""What waits for COMMIT: the open transactions of one connection, within limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from wall.stomp.errors import Code, StompError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionLimits:
    """For one connection. `frames` and `size` (bytes) count over all its open transactions.

    A publisher's window is 64 events (wall/broker/publisher.py); 1 MiB is 32 of the longest events (wall/wire.py).
    """

    open: int = 8
    frames: int = 1_000
    size: int = 1024 * 1024


class Transactions(Generic[T]):
    """A transaction is from `begin` to `end`; ids are free again afterwards. Raises StompError."""

    __slots__ = ("_frames", "_held", "_limits", "_size")

    def __init__(self, limits: TransactionLimits) -> None:
        self._limits = limits
        self._held: dict[str, list[tuple[T, int]]] = {}
        self._frames = 0
        self._size = 0

    def begin(self, transaction: str) -> None:
        if transaction in self._held:
            raise StompError(
                Code.TRANSACTION_ID_IN_USE,
                "This transaction is open already; COMMIT or ABORT it first or use another id",
            )
        if len(self._held) >= self._limits.open:
            raise StompError(
                Code.TOO_MANY_TRANSACTIONS,
                f"At most {self._limits.open} transactions may be open; COMMIT or ABORT one first",
            )
        self._held[transaction] = []

    def hold(self, transaction: str, effect: T, size: int) -> None:
        """Keep `effect`, which takes `size` bytes, for `end`."""
        held = self._of(transaction)
        limits = self._limits
        if self._frames >= limits.frames or self._size + size > limits.size:
            raise StompError(
                Code.TRANSACTION_TOO_LARGE,
                f"Open transactions hold at most {limits.frames} frames and {limits.size} bytes; COMMIT more often",
            )
        self._frames += 1
        self._size += size
        held.append((effect, size))

    def end(self, transaction: str) -> Sequence[T]:
        """What the transaction held, in order."""
        held = self._of(transaction)
        del self._held[transaction]
        self._frames -= len(held)
        self._size -= sum(size for _, size in held)
        return [effect for effect, _ in held]

    def _of(self, transaction: str) -> list[tuple[T, int]]:
        held = self._held.get(transaction)
        if held is None:
            raise StompError(Code.TRANSACTION_UNKNOWN, "No such transaction is open; send BEGIN with this id first")
        return held
