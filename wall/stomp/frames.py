"""One STOMP frame, and how each version escapes its headers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wall.stomp.errors import Code, StompError


class Version(StrEnum):
    V1_0 = "1.0"
    V1_1 = "1.1"
    V1_2 = "1.2"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, its headers unescaped.

    Where a header is repeated only the first counts (STOMP 1.2, "Repeated Header Entries"), so `headers` holds that.
    """

    command: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


# STOMP 1.2 "Value Encoding"; 1.1 knows no \r; 1.0 escapes nothing. CONNECT and CONNECTED are never escaped, in any
# version, "to remain backward compatible with STOMP 1.0".
_UNESCAPED = frozenset({"CONNECT", "CONNECTED"})
_ESCAPES: dict[Version, dict[str, str]] = {
    Version.V1_0: {},
    Version.V1_1: {"\\": "\\\\", "\n": "\\n", ":": "\\c"},
    Version.V1_2: {"\\": "\\\\", "\n": "\\n", ":": "\\c", "\r": "\\r"},
}
_TABLES = {version: str.maketrans(escapes) for version, escapes in _ESCAPES.items()}
_UNESCAPES = {version: {escaped: plain for plain, escaped in escapes.items()} for version, escapes in _ESCAPES.items()}
# What would break a header line that can't be escaped.
_IN_NAMES = str.maketrans("\n:", "  ")
_IN_VALUES = str.maketrans("\n", " ")
_SEQUENCE = re.compile(r"\\.?", re.DOTALL)


def escapes(command: str, version: Version) -> bool:
    """Whether the headers of such a frame are escaped."""
    return command not in _UNESCAPED and version is not Version.V1_0


def escape(text: str, version: Version) -> str:
    return text.translate(_TABLES[version])


def header_line(name: str, value: str, version: Version, *, escaped: bool) -> str:
    """One header with its LF.

    Where nothing is escaped, what would end the name or the line becomes a space: a message from a 1.2 publisher
    reaches a 1.0 subscriber as one frame, whatever its headers hold.
    """
    if escaped:
        return f"{escape(name, version)}:{escape(value, version)}\n"
    return f"{name.translate(_IN_NAMES)}:{value.translate(_IN_VALUES)}\n"


def unescape(text: str, version: Version) -> str:
    """Undo `escape`. Raises StompError for an escape the version does not define, which the clause calls fatal."""
    if "\\" not in text:
        return text
    known = _UNESCAPES[version]

    def plain(match: re.Match[str]) -> str:
        character = known.get(match[0])
        if character is None:
            raise StompError(
                Code.BAD_ESCAPE,
                f"STOMP {version} headers have no escape {match[0]!r}; write \\\\ for a backslash",
            )
        return character

    return _SEQUENCE.sub(plain, text)
