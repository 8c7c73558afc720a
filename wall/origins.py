"""Where a media's bytes are, where they lie in our own store already (docs/glossary.md, "origin")."""

_SCHEME = "store:"


def stored_origin(key: str) -> str:
    """The origin of a media whose bytes the store holds under `key`."""
    return _SCHEME + key


def stored_key(origin: str) -> str | None:
    """The store's key behind such an origin, or None for any other."""
    return origin.removeprefix(_SCHEME) if origin.startswith(_SCHEME) else None
