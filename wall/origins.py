"""Where a media's bytes are, where they lie in our own store or in a collection already (docs/glossary.md, "origin").

A key of the store is random (wall/store/keys.py). A *reference* stands where a key does and names an object of a
collection: somebody's container, bucket or folder, whose objects Frieze reads in place and never writes or deletes.
"""

_SCHEME = "store:"
_COLLECTION = "collection:"


def stored_origin(key: str) -> str:
    """The origin of a media whose bytes the store holds under `key`."""
    return _SCHEME + key


def stored_key(origin: str) -> str | None:
    """The store's key behind such an origin, or None for any other."""
    return origin.removeprefix(_SCHEME) if origin.startswith(_SCHEME) else None


def is_reference(key: str) -> bool:
    """Whether this names an object of a collection, which is not ours (wall/store/collections/reference.py)."""
    return key.startswith(_COLLECTION)


def origin_within(collection_id: str) -> str:
    """What the origins of all media begin with whose bytes lie in this collection."""
    return f"{_SCHEME}{_COLLECTION}{collection_id}:"
