"""The conformance suite for stores that give each object a validator of its own (docs/limits.md)."""

import pytest

from tests.wall.store.conformance import StoreConformance, all_of, pieces
from wall.errors import ObjectMissing
from wall.store.base import Store
from wall.store.keys import new_key


class CopiesWithOtherValidators(StoreConformance):
    async def test_a_copy_has_the_same_bytes_and_outlives_its_source(self, store: Store) -> None:
        source, target = new_key(), new_key()
        info = await store.put(source, 300_000, "image/png", pieces(b"x" * 300_000))
        copied = await store.copy(source, target)
        assert (copied.length, copied.type) == (info.length, info.type)
        await store.delete(source)
        opened = await store.open(target)
        assert opened.info == copied
        assert await all_of(opened) == b"x" * 300_000
        with pytest.raises(ObjectMissing):
            await store.head(source)


class OpaqueValidators(CopiesWithOtherValidators):
    async def test_equal_bytes_have_equal_validators_and_others_do_not(self, store: Store) -> None:
        """Here only the second half holds: no two objects have one validator."""
        infos = [await store.put(new_key(), 3, "image/png", pieces(data)) for data in (b"one", b"one", b"two")]
        assert len({info.etag for info in infos}) == 3
