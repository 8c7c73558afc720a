"""What a login gives, and when it is asked for again."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

# of what a token had left when we got it; renewing then, and not at its end, keeps uploads from meeting the end
_RENEW_AT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Access:
    """A token and the URL of the account it opens; `public` is that URL for browsers. `lifetime` in seconds."""

    token: str
    storage: str
    public: str
    lifetime: float | None


class Login:
    """The access of now, shared by all requests: however many need a new one at once, one login gets it."""

    def __init__(
        self, sign_in: Callable[[], Coroutine[Any, Any, Access]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sign_in = sign_in
        self._clock = clock
        self._access: Access | None = None
        self._renew_at: float | None = None
        self._signing_in: asyncio.Task[Access] | None = None

    async def access(self, refused: Access | None = None) -> Access:
        """One that is not `refused`. Raises StoreRefused or StoreUnavailable."""
        known = self._access
        if known is not None and known is not refused and (self._renew_at is None or self._clock() < self._renew_at):
            return known
        if self._signing_in is None:
            self._signing_in = asyncio.create_task(self._renew())
            # all who wait may have been cancelled; then nobody else looks at how it ended
            self._signing_in.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._signing_in)

    async def close(self) -> None:
        if self._signing_in is not None:
            self._signing_in.cancel()
            await asyncio.wait([self._signing_in])

    async def _renew(self) -> Access:
        try:
            access = await self._sign_in()
        finally:
            self._signing_in = None
        self._access = access
        self._renew_at = None if access.lifetime is None else self._clock() + access.lifetime * (1 - _RENEW_AT)
        return access
