"""What a subscription with `ack:client` or `ack:client-individual` may be sent before it acknowledges something.

On a topic an acknowledgement moves nothing and redelivers nothing: it opens a window. A message that does not fit
waits in the ring behind the subscription's cursor, where it costs nothing (as ActiveMQ's prefetch, without its
queue per consumer).
"""

from collections.abc import Iterable

# Of one message to one subscription; unique on a connection. The value of the header `ack`.
AckName = str


def ack_name(number: str, destination: str, subscription: str) -> AckName:
    """`number` is the message-id. Two walls may count alike, hence the destination."""
    return f"{number}@{destination}@{subscription}"


class Credit:
    """The window of one subscription; a wildcard's seats share it. `cumulative`: as `ack:client` asks.

    At most `limit` messages are unacknowledged at any time.
    """

    __slots__ = ("_cumulative", "_limit", "_sent")

    def __init__(self, limit: int, *, cumulative: bool) -> None:
        self._limit = limit
        self._cumulative = cumulative
        self._sent: dict[AckName, None] = {}  # unacknowledged, oldest first

    @property
    def left(self) -> int:
        """How many messages may be sent now."""
        return self._limit - len(self._sent)

    def spend(self, names: Iterable[AckName]) -> None:
        """These have been sent, in this order."""
        for name in names:
            self._sent[name] = None

    def find(self, text: str, *, exact: bool) -> AckName | None:
        """The unacknowledged message with this name, or (STOMP 1.0 and 1.1) the oldest with this message-id."""
        if exact:
            return text if text in self._sent else None
        return next((name for name in self._sent if name.startswith(text + "@")), None)

    def settle(self, name: AckName) -> None:
        """It is acknowledged, and where that is cumulative all before it. One that was settled meanwhile is fine."""
        if name not in self._sent:
            return
        if not self._cumulative:
            del self._sent[name]
            return
        for earlier in tuple(self._sent):
            del self._sent[earlier]
            if earlier == name:
                return
