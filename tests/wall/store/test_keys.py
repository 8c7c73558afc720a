import pytest

from wall.errors import StoreError
from wall.store.keys import check_key, new_key


def test_keys_are_26_characters_of_base32_and_never_the_same() -> None:
    keys = {new_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert all(check_key(key) == key and len(key) == 26 for key in keys)


@pytest.mark.parametrize(
    "key",
    ["", "..", "../../etc/passwd", "a" * 25, "a" * 27, "A" * 26, "a" * 25 + "/", "a" * 25 + "\n", "a" * 25 + "\0"],
)
def test_anything_else_is_no_key(key: str) -> None:
    with pytest.raises(StoreError):
        check_key(key)
