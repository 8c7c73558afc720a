"""Every limit of uploads, with where its number comes from: reference/media.md §5.3 where nothing else is said."""

from dataclasses import dataclass
from datetime import timedelta

from wall.store.base import CHUNK

MIB = 1024 * 1024
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSettings:
    """Seconds and bytes unless said otherwise.

    `origins` are pages that may upload beside those of the relay's own host. Files larger than `direct`, and all
    that find no slot free, go straight to the store, where it can sign addresses.
    """

    origins: tuple[str, ...] = ()
    direct: int = 100 * MIB

    slots: int = 64
    slots_per_address: int = 4
    slots_per_guest: int = 2
    # a quarter of the slots is kept for bodies below 20 MB, so that videos can't starve photographs
    kept_for_small: int = 16
    small: int = 20_000_000
    # addresses of the store's own that are good at once: each can be written to until it is over, whoever asked for it
    # and whatever became of its upload, so they are counted apart from what comes through us
    direct_slots: int = 64
    direct_per_address: int = 4
    # one network address may ask for so many at once, and so many a second: a hall behind one, whose guests all choose
    # some files in the same minute and ask again every few seconds, but nobody who fills the catalogue with rows
    asks: int = 200
    asks_rate: float = 5.0

    lease: float = 30.0  # to begin with the bytes
    claim: float = 30.0  # of a process on what it takes in; renewed at a third of it
    idle: float = 30.0  # without a byte
    rate: int = 16 * 1024  # bytes a second at least, averaged over `window`, not in the first `grace`
    window: float = 30.0
    grace: float = 30.0
    # the whole takes at most `longest`, or as long as its size takes at `longest_rate`
    longest: float = 600.0
    longest_rate: int = 64 * 1024
    head: int = 64 * 1024  # bytes looked at before the store sees one
    buffer: int = 8 * CHUNK  # between reader and store
    store_stall: float = 60.0  # the store takes nothing
    store_answer: float = 120.0  # after its last byte
    # of what went straight to the store: read back and hashed up to so many bytes, within so long, so many at once;
    # a page waits 150 s for the answer, and a store in the same house gives 2 GiB in some 10 s
    hash_most: int = 2 * GIB
    hash_within: float = 90.0
    hashing: int = 4
    roll_back: float = 30.0
    # uvicorn resets a connection that it closes while bytes come in, and a browser then never reads the answer: so
    # a refused body is read a little further
    linger: float = 5.0

    request: int = 16 * 1024  # of JSON
    request_within: float = 10.0
    # so that all who were sent away do not come back at once
    retry: tuple[float, float] = (2.0, 10.0)

    recover_every: float = 60.0
    reveal_every: float = 5.0
    stop: float = 30.0  # for what is under way, when the relay stops

    @property
    def claim_lease(self) -> timedelta:
        return timedelta(seconds=self.claim)

    def whole(self, size: int) -> float:
        """How long an upload of `size` bytes may take."""
        return max(self.longest, size / self.longest_rate)
