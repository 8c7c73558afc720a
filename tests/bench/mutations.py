"""Inputs for the fuzz: seeds, a dictionary of what STOMP is made of, and ways to make one input from others."""

import random
from collections.abc import Sequence

LONGEST = 200  # bytes of an input: above every limit below

_HEADERS = (
    b"id:a|id:b|id:c|id:|destination:/topic/a|destination:/b|ack:client|ack:auto|ack:client-individual|ack:x"
    b"|receipt:r|transaction:t|transaction:u|transaction:v|message-id:m|subscription:a|subscription:b|selector:x"
    b"|content-length:3|content-length:0|content-length:32|content-length:33|content-length:-1|content-length:1 "
    b"|content-length:99999999999|accept-version:1.0|accept-version:1.1|accept-version:1.2|accept-version:2"
    b"|accept-version:1.0,1.1,1.2|heart-beat:0,0|heart-beat:10,10|heart-beat:1|login:l|passcode:p|host:h|durable:true"
    b"|a\\cb:\\n\\\\|a:\\r|a:\\t| pad : x |x:\xc3\xa9|x:\xff|:|a:b:c|a:|no-colon|x:\\"
).split(b"|")
COMMANDS = (
    b"CONNECT|STOMP|SEND|SUBSCRIBE|UNSUBSCRIBE|ACK|NACK|BEGIN|COMMIT|ABORT|DISCONNECT|CONNECTED|MESSAGE|RECEIPT|ERROR"
).split(b"|")
_PIECES = b"\n|\r\n|\r|\0|\n\n|\0\n|\n\n\0|:|\\|\\n|\\c|\\\\|\\r|\xff|\xc3|\xe2\x82\xac|abc|\0\0".split(b"|")
TOKENS = [*_HEADERS, *COMMANDS, *_PIECES, *(header + b"\n" for header in _HEADERS)]

SEEDS = [
    b"SEND\ndestination:/topic/a\n\nhello\0",
    b"SEND\r\ndestination:/topic/a\r\ncontent-length:3\r\n\r\na\0b\0\r\n",
    b"SUBSCRIBE\nid:a\ndestination:/topic/a\nack:client\nreceipt:r\n\n\0UNSUBSCRIBE\nid:a\n\n\0",
    b"BEGIN\ntransaction:t\n\n\0SEND\ntransaction:t\ndestination:/topic/a\n\nx\0COMMIT\ntransaction:t\n\n\0",
    b"BEGIN\ntransaction:t\n\n\0ACK\nid:a\nmessage-id:m\nsubscription:a\ntransaction:t\n\n\0ABORT\ntransaction:t\n\n\0",
    b"CONNECT\naccept-version:1.0,1.1,1.2\nheart-beat:10,10\n\n\0SUBSCRIBE\nid:a\ndestination:/topic/a\n\n\0",
    b"CONNECT\nlogin: a\npasscode: b\n\n\0SUBSCRIBE\ndestination: /topic/a\n\n\0",
    b"SUBSCRIBE\ndestination: /topic/a\n\n\0UNSUBSCRIBE\ndestination:/topic/a\n\n\0",
    b"SUBSCRIBE\nid:a\ndestination:/topic/a\n\n\0SUBSCRIBE\nid:b\ndestination:/topic/a\n\n\0",
    b"BEGIN\ntransaction:t\n\n\0BEGIN\ntransaction:u\n\n\0BEGIN\ntransaction:v\n\n\0",
    b"\n\r\n\0DISCONNECT\nreceipt:r\n\n\0SEND\n\n\0",
]


class Mutator:
    """Makes inputs from others. Everything it does follows from its random numbers."""

    def __init__(self, chance: random.Random) -> None:
        self._random = chance.random
        self._ways = (
            *(self._flip, self._set, self._cut, self._repeat, self._insert, self._overwrite),
            *(self._move_frame, self._move_line, self._insert_header, self._number),
        )

    def below(self, end: int) -> int:
        return int(self._random() * end)

    def make(self, corpus: Sequence[bytes]) -> bytes:
        chance = self._random()
        if chance < 0.1:
            return b"".join([self._frame() for _ in range(1 + self.below(3))])
        data = corpus[self.below(len(corpus))]
        if chance < 0.2:
            other = corpus[self.below(len(corpus))]
            data = data[: self.below(len(data) + 1)] + other[self.below(len(other) + 1) :]
        elif chance < 0.3:
            data += corpus[self.below(len(corpus))]
        for _ in range(1 + self.below(3)):
            data = self._ways[self.below(len(self._ways))](data)
        return data[:LONGEST]

    def pieces(self, data: bytes) -> list[bytes]:
        """The input in two to four pieces, or one by one."""
        size = len(data)
        if size < 80 and self._random() < 0.02:
            return [data[at : at + 1] for at in range(size)]
        cut = self.below(size + 1)
        if self._random() < 0.5:
            return [data[:cut], data[cut:]]
        first, last = sorted((cut, self.below(size + 1)))
        return [data[:first], data[first:last], data[last:]]

    def _token(self) -> bytes:
        return TOKENS[self.below(len(TOKENS))]

    def _frame(self) -> bytes:
        lines = [COMMANDS[self.below(len(COMMANDS))]]
        lines += [_HEADERS[self.below(len(_HEADERS))] for _ in range(self.below(5))]
        end = b"\r\n" if self._random() < 0.1 else b"\n"
        body = self._token() if self._random() < 0.3 else b""
        return end.join([*lines, b"", body]) + b"\0"

    def _flip(self, data: bytes) -> bytes:
        if not data:
            return b"\n"
        at = self.below(len(data))
        return data[:at] + bytes((data[at] ^ (1 << self.below(8)),)) + data[at + 1 :]

    def _set(self, data: bytes) -> bytes:
        at = self.below(len(data) + 1)
        return data[:at] + bytes((self.below(256),)) + data[at + 1 :]

    def _cut(self, data: bytes) -> bytes:
        at = self.below(len(data) + 1)
        return data[:at] + data[at + 1 + self.below(16) :]

    def _repeat(self, data: bytes) -> bytes:
        at = self.below(len(data) + 1)
        return data[:at] + data[at : at + 1 + self.below(32)] * (2 + self.below(6)) + data[at:]

    def _insert(self, data: bytes) -> bytes:
        at = self.below(len(data) + 1)
        return data[:at] + self._token() + data[at:]

    def _overwrite(self, data: bytes) -> bytes:
        at, token = self.below(len(data) + 1), self._token()
        return data[:at] + token + data[at + len(token) :]

    def _move_frame(self, data: bytes) -> bytes:
        return self._moved(data, b"\0")

    def _move_line(self, data: bytes) -> bytes:
        return self._moved(data, b"\n")

    def _moved(self, data: bytes, end: bytes) -> bytes:
        """Drop, repeat or exchange a part that ends with `end`."""
        parts = data.split(end)
        one, other = self.below(len(parts)), self.below(len(parts))
        way = self.below(3)
        if way == 0:
            del parts[one]
        elif way == 1:
            parts.insert(other, parts[one])
        else:
            parts[one], parts[other] = parts[other], parts[one]
        return end.join(parts)

    def _insert_header(self, data: bytes) -> bytes:
        at = data.find(b"\n", self.below(len(data) + 1))
        return data[: at + 1] + _HEADERS[self.below(len(_HEADERS))] + b"\n" + data[at + 1 :]

    def _number(self, data: bytes) -> bytes:
        at = data.find(b":", self.below(len(data) + 1))
        return data[: at + 1] + b"%d" % self.below(80) + data[at + 2 :]
