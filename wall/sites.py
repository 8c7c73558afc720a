"""Which page may connect, or read an answer: one on the same host, or one on the list.

Programs send no Origin and come as nobody: they read public walls and nothing else.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit


def origin_allowed(origin: str | None, host: str | None, listed: Sequence[str]) -> bool:
    """Whether the page that opens a connection may; both arguments as the request's headers say."""
    if origin is None or origin in listed:
        return True
    parts = urlsplit(origin)
    if host is None or parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    default = ":443" if parts.scheme == "https" else ":80"
    return parts.netloc.lower().removesuffix(default) == host.lower().removesuffix(default)
