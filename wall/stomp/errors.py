"""Every way in which a STOMP connection ends for a reason, by number.

The range says whether to come back, as Centrifuge's disconnect codes do: 4000 to 4499, come back (with your cursor);
4500 to 4999, don't, the same thing would happen again. The numbers are WebSocket close codes as well (RFC 6455
§7.4.2 leaves 4000 to 4999 to applications) and stand in the ERROR frame as `code`.
"""

from enum import IntEnum

from wall.errors import FriezeError


class Code(IntEnum):
    """Why a connection was ended."""

    # come back
    CONNECT_TOO_LATE = 4000
    HEART_BEAT_MISSED = 4001
    TOO_SLOW = 4002
    LEFT_BEHIND = 4003
    TOO_MANY_CONNECTIONS = 4004
    TOKEN_OVER = 4010  # with a new token

    # don't: the bytes are no STOMP we take
    MALFORMED = 4500
    COMMAND_TOO_LONG = 4501
    TOO_MANY_HEADERS = 4502
    HEADER_LINE_TOO_LONG = 4503
    HEADERS_TOO_LONG = 4504
    BODY_TOO_LONG = 4505
    FRAME_TOO_LONG = 4506
    BAD_ESCAPE = 4507
    BAD_CONTENT_LENGTH = 4508
    BODY_NOT_ENDED = 4509

    # don't: the frames are not allowed here
    NOT_CONNECTED = 4520
    ALREADY_CONNECTED = 4521
    NO_COMMON_VERSION = 4522
    UNKNOWN_COMMAND = 4523
    HEADER_MISSING = 4524
    BAD_HEADER = 4525
    BODY_NOT_ALLOWED = 4526
    SUBSCRIPTION_ID_IN_USE = 4527
    SUBSCRIPTION_UNKNOWN = 4528
    TOO_MANY_SUBSCRIPTIONS = 4529
    NOT_SUPPORTED = 4530
    ACK_UNKNOWN = 4531
    TRANSACTION_ID_IN_USE = 4532
    TRANSACTION_UNKNOWN = 4533
    TOO_MANY_TRANSACTIONS = 4534
    TRANSACTION_TOO_LARGE = 4535

    # don't: no other viewer does that
    TOO_MUCH = 4539

    # don't: no right
    WRONG_CREDENTIALS = 4540
    NO_RIGHT_TO_READ = 4541
    NO_RIGHT_TO_WRITE = 4542

    @property
    def come_back(self) -> bool:
        return self < 4500


class StompError(FriezeError):
    """The connection must end. The sentence says what to do and is safe to show to the other side."""

    def __init__(self, code: Code, sentence: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence, public=sentence)
        self.code = code
        self.temporary = code.come_back
        self.headers = headers or {}
