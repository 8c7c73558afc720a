"""Which part of a representation a request gets: the conditions and the one range of RFC 9110 §13 and §14.

Pure: headers and validators in, one of five outcomes out. Several ranges, and headers that make no sense, are
answered with the whole, as §14.2 allows.
"""

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate

# Of a Range or If-Range that is looked at; `bytes=first-last` with two numbers of nineteen digits has 45.
HEADER_BYTES = 256

IF_MATCH = b"if-match"
IF_NONE_MATCH = b"if-none-match"
IF_MODIFIED_SINCE = b"if-modified-since"
IF_UNMODIFIED_SINCE = b"if-unmodified-since"
IF_RANGE = b"if-range"
RANGE = b"range"
# A request without any of these gets the whole.
CONDITIONS = frozenset((IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE))
_LISTS = frozenset((IF_MATCH, IF_NONE_MATCH))  # those that may stand on several lines

_ONE_RANGE = re.compile(rb"(?:(\d+)-(\d*)|-(\d+))")
_ETAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


@dataclass(frozen=True, slots=True)
class Whole:
    """All of it: 200."""


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes from `start` on: 206."""

    start: int
    length: int

    def content_range(self, total: int) -> bytes:
        return b"bytes %d-%d/%d" % (self.start, self.start + self.length - 1, total)


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """Nothing of it lies in the range: 416."""

    @staticmethod
    def content_range(total: int) -> bytes:
        return b"bytes */%d" % total


@dataclass(frozen=True, slots=True)
class NotModified:
    """The asker has it already: 304."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It is not the one that the asker means: 412."""


Outcome = Whole | Part | Unsatisfiable | NotModified | Failed

WHOLE, UNSATISFIABLE, NOT_MODIFIED, FAILED = Whole(), Unsatisfiable(), NotModified(), Failed()


def judge(
    method: str, headers: Iterable[tuple[bytes, bytes]], *, etag: bytes, modified: int | None, length: int
) -> Outcome:
    """What a GET or HEAD gets of `length` bytes, in the order of RFC 9110 §13.2.2.

    `headers` as ASGI gives them, names in lower case. `etag`: a strong one in quotes; `modified`: what Last-Modified
    says, in seconds since 1970, or None where it says nothing.
    """
    asked = _asked(headers)
    if not asked:
        return WHOLE
    if not _holds(asked, etag, modified):
        return FAILED
    if _is_known(asked, etag, modified):
        return NOT_MODIFIED
    wanted = asked.get(RANGE)
    if method != "GET" or wanted is None or not _same_still(asked.get(IF_RANGE), etag, modified):
        return WHOLE
    return _range(wanted, length)


def _asked(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The conditions by name. One that must stand once and stands twice makes no sense, and so says nothing."""
    asked: dict[bytes, bytes] = {}
    twice: set[bytes] = set()
    for name, value in headers:
        if name not in CONDITIONS:
            continue
        if name not in asked:
            asked[name] = value
        elif name in _LISTS:
            asked[name] += b", " + value
        else:
            twice.add(name)
    if IF_RANGE in twice:
        twice.add(RANGE)  # whether the range counts can't be known
    for name in twice:
        asked.pop(name, None)
    return asked


def _holds(asked: dict[bytes, bytes], etag: bytes, modified: int | None) -> bool:
    """If-Match, or where there is none, If-Unmodified-Since."""
    match = asked.get(IF_MATCH)
    if match is not None:
        return _names(match, etag, strong=True)
    since = _date(asked.get(IF_UNMODIFIED_SINCE))
    return since is None or modified is None or modified <= since


def _is_known(asked: dict[bytes, bytes], etag: bytes, modified: int | None) -> bool:
    """If-None-Match, or where there is none, If-Modified-Since."""
    match = asked.get(IF_NONE_MATCH)
    if match is not None:
        return _names(match, etag, strong=False)
    since = _date(asked.get(IF_MODIFIED_SINCE))
    return since is not None and modified is not None and modified <= since


def _names(listed: bytes, etag: bytes, *, strong: bool) -> bool:
    """Whether a list of entity tags has this one (§8.8.3.2), or is `*`."""
    if listed.strip() == b"*":
        return True
    return any(found[2] == etag and not (strong and found[1]) for found in _ETAG.finditer(listed))


def _same_still(condition: bytes | None, etag: bytes, modified: int | None) -> bool:
    """If-Range: what the asker has a part of is exactly what we have (§13.1.5). A date is a strong validator here,
    because what is under an address never changes."""
    if condition is None:
        return True
    if len(condition) > HEADER_BYTES:
        return False
    if condition.startswith((b'"', b"W/")):
        return condition.strip() == etag
    return modified is not None and _date(condition) == modified


def _range(wanted: bytes, length: int) -> Outcome:
    unit, equals, ranges = wanted.partition(b"=")
    if len(wanted) > HEADER_BYTES or not equals or unit.strip().lower() != b"bytes":
        return WHOLE
    given = [one.strip() for one in ranges.split(b",") if one.strip()]
    if len(given) != 1:
        return WHOLE
    found = _ONE_RANGE.fullmatch(given[0])
    if found is None:
        return WHOLE
    if found[3] is not None:
        last = min(int(found[3]), length)
        return Part(length - last, last) if last else UNSATISFIABLE
    start = int(found[1])
    end = min(int(found[2]), length - 1) if found[2] else length - 1
    if found[2] and int(found[2]) < start:
        return WHOLE
    return Part(start, end - start + 1) if start < length else UNSATISFIABLE


def _date(value: bytes | None) -> int | None:
    """Seconds since 1970 of an HTTP-date in any of its three forms (§5.6.7); None for anything else."""
    if value is None or len(value) > HEADER_BYTES:
        return None
    try:
        parsed = parsedate(value.decode("latin-1"))
        return calendar.timegm(parsed) if parsed is not None else None
    except (ValueError, OverflowError, IndexError, TypeError):
        return None  # it takes nearly everything for a date
