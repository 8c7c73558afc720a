"""Identities, made from the time and the randomness that the caller hands in."""

from datetime import UTC, datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def ulid(now: datetime, entropy: bytes) -> str:
    """A ULID: 48 bits of milliseconds and 80 bits of `entropy` (10 bytes); sorts by time. 26 characters."""
    number = (_milliseconds(now) << 80) | int.from_bytes(entropy[:10], "big")
    return _digits(number, _CROCKFORD, 26)


def random_id(entropy: bytes) -> str:
    """128 bits (16 bytes of `entropy`) as 26 characters of lower-case base32; says nothing about what it names."""
    return _digits(int.from_bytes(entropy[:16], "big"), _BASE32, 26)


def epoch(now: datetime, older: str | None = None) -> str:
    """The name of a new life of a wall's counter: 8 characters that sort by age, above `older` in any case."""
    name = _digits(_milliseconds(now), _BASE36, 8)
    if older is None or name > older:
        return name
    return _digits(int(older, 36) + 1, _BASE36, 8)


def _milliseconds(now: datetime) -> int:
    return int(now.astimezone(UTC).timestamp() * 1000)


def _digits(number: int, alphabet: str, length: int) -> str:
    base = len(alphabet)
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, base)
        digits.append(alphabet[digit])
    return "".join(reversed(digits))
