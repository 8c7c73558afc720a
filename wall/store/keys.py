"""Names of stored objects: ours alone, random, never made of anything a stranger wrote."""

import re
import secrets

from wall.errors import StoreError
from wall.ids import random_id

# an id (`wall/ids.py`), nothing else: 26 characters of lower-case base32, 128 bits
_KEY = re.compile(r"[a-z2-7]{26}")


def new_key() -> str:
    """A key nobody can guess and no other object has."""
    return random_id(secrets.token_bytes(16))


def is_key(name: str) -> bool:
    """Whether a name in a store's listing is one of ours."""
    return _KEY.fullmatch(name) is not None


def check_key(key: str) -> str:
    """The key itself. Raises StoreError for anything that is not a key of ours: `..` and `/` never get further."""
    if not is_key(key):
        raise StoreError(f"{key[:60]!r} is not a key of this store.")
    return key
