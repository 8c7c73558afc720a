"""The name under which a browser saves bytes, and whether it shows them at all (RFC 6266, RFC 8187).

The name is a stranger's: whatever could mislead a person or a file system is taken out of it, and it ends as the bytes
really are.
"""

import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote

# What we make or have decoded, and the endings people know it by; the first is given where a name has none of them.
ENDINGS = {
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png", ".apng"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "image/avif": (".avif",),
    "image/heic": (".heic", ".heif"),
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov", ".qt"),
    "video/webm": (".webm",),
}
UNKNOWN = "application/octet-stream"
NAME_CHARACTERS = 120  # four bytes each at most, and file systems take names of 255 bytes
# RFC 8187 §3.2.1: what stands for itself
_PLAIN = "!#$&+-.^_`|~"


def content_type(media_type: str) -> str:
    """The type to say: one of those we know, or one that no browser does anything with."""
    return media_type if media_type in ENDINGS else UNKNOWN


def disposition(name: str, media_type: str, *, attached: bool, otherwise: str) -> bytes:
    """A Content-Disposition for bytes of `media_type` that their author called `name`; `otherwise` names them where
    nothing of it is left. `attached`: to be saved, not shown."""
    called = _called(name, media_type, otherwise)
    # for what knows no RFC 8187: the same in ASCII, without what would need quoting
    ascii_name = "".join(c if " " <= c < "\x7f" and c not in '"\\%' else "_" for c in called)
    kind = "attachment" if attached or media_type not in ENDINGS else "inline"
    # ascii_name is a guess of what is meant; filename* is it
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(called, safe=_PLAIN)}".encode("ascii")


def _called(name: str, media_type: str, otherwise: str) -> str:
    known = ENDINGS.get(media_type, (".bin",))
    last = PurePosixPath(name.replace("\\", "/")).name
    clean = " ".join("".join(c for c in unicodedata.normalize("NFC", last) if _harmless(c)).split()).strip(". ")
    stem, ending = clean, ""
    if PurePosixPath(clean).suffix.lower() in known:
        stem, ending = clean[: -len(PurePosixPath(clean).suffix)], PurePosixPath(clean).suffix
    elif PurePosixPath(clean).suffix.lower() in _ALL:
        stem = clean[: -len(PurePosixPath(clean).suffix)]  # a picture that was made of one of another kind
    return (stem[:NAME_CHARACTERS].rstrip(". ") or otherwise) + (ending or known[0])


def _harmless(character: str) -> bool:
    """No control, no invisible mark that turns the direction of writing, nothing a file system gives a meaning."""
    return unicodedata.category(character)[0] != "C" and character not in '/\\:*?"<>|'


_ALL = frozenset(ending for endings in ENDINGS.values() for ending in endings)
