"""stomp.py behind a strict wrapper: one object per attempt, every wait with an end, receipts as futures.

stomp.py calls its listeners on its own threads; the listener here only passes on to the event loop. What made
each line necessary, seen at stomp.py 9.0.0: connecting can hang for ever (so: `connect(wait=False)` and our
own timeout), a missing RECEIPT is never reported (so: a future with a timeout each), without heart-beats a lost TLS
broker is not noticed (so: always on), a library reconnect loses its heart-beats (so: never reconnect, make a new
object), and `content-length` turns text into bytes at ActiveMQ (so: `auto_content_length=False`).
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Self, cast

import stomp
from stomp.exception import StompException

from wall.broker.address import BrokerAddress
from wall.broker.one_thread import OneThread
from wall.errors import BrokerError, BrokerRefused, BrokerUnavailable

CONNECT_SECONDS = 3.0  # TCP, and then again until CONNECTED
RECEIPT_SECONDS = 10.0
_LAST_WORDS_SECONDS = 0.5
HEART_BEAT_MS = 5000  # both ways; a silent broker is noticed after 1.5 times that

# headers, body
OnMessage = Callable[[Mapping[str, str], str], None]


class BrokerConnection:
    """One connection to one broker. Made by `open`; once `lost` is done it is of no use any more."""

    def __init__(self, host: tuple[str, int], address: BrokerAddress) -> None:
        self.host = host
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[BrokerError] = self._loop.create_future()
        self._receipts: dict[str, asyncio.Future[None]] = {}
        self._numbers = itertools.count(1)
        self._handlers: dict[str, OnMessage] = {}
        # stomp.py writes from the caller's thread and may block there: one thread keeps the order and spares the loop
        self._thread = OneThread("stomp-send")
        self._stomp = cast(Any, stomp).Connection12(
            [host],
            heartbeats=(HEART_BEAT_MS, HEART_BEAT_MS),
            reconnect_attempts_max=1,
            timeout=CONNECT_SECONDS,
            prefer_localhost=False,
            try_loopback_connect=False,
            auto_content_length=False,
        )
        # the name sorts after stomp.py's own heart-beat listener, which must hear of everything first
        self._stomp.set_listener("zz-frieze", _Listener(self, self._loop))

    @classmethod
    async def open(cls, host: tuple[str, int], address: BrokerAddress) -> Self:
        """Connect to one host. Raises BrokerUnavailable or BrokerRefused."""
        connection = cls(host, address)
        try:
            await connection._connect()
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _connect(self) -> None:
        login = {"username": self._address.user, "passcode": self._address.password}
        place = f"{self.host[0]}:{self.host[1]}"
        try:
            async with asyncio.timeout(CONNECT_SECONDS * 2):
                await self._call(self._stomp.connect, wait=False, with_connect_command=True, **login)
                await asyncio.wait({self._connected, self.lost}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise BrokerUnavailable(f"The broker at {place} took the connection but never answered.") from error
        except (StompException, OSError) as error:
            raise BrokerUnavailable(f"The broker at {place} can't be reached.") from error
        if not self._connected.done():
            raise self.lost.result()

    async def send(self, destination: str, body: str, headers: Mapping[str, str]) -> asyncio.Future[None]:
        """Hand one text message over; the future is done when the broker confirms it, or fails with BrokerError.

        The caller bounds how many futures it keeps open and waits for each, at most `RECEIPT_SECONDS`.
        """
        number = f"s{next(self._numbers)}"
        receipt = self._expect(number)
        await self._write(self._stomp.send, destination=destination, body=body, headers={**headers, "receipt": number})
        return receipt

    async def subscribe(self, destination: str, on_message: OnMessage) -> None:
        """Hear every message of `destination` from now on. Raises BrokerError when the broker does not confirm it."""
        number = f"r{next(self._numbers)}"
        self._handlers[number] = on_message
        receipt = self._expect(number)
        await self._write(
            self._stomp.subscribe, destination=destination, id=number, ack="auto", headers={"receipt": number}
        )
        await self.confirmed(receipt)

    async def confirmed(self, receipt: asyncio.Future[None]) -> None:
        """Wait for a receipt. Raises BrokerError; after a timeout the connection is not to be trusted any more."""
        try:
            async with asyncio.timeout(RECEIPT_SECONDS):
                await asyncio.shield(receipt)
        except TimeoutError as error:
            problem = BrokerUnavailable("The broker did not confirm a message in time.")
            self.lose(problem)
            raise problem from error

    async def close(self) -> None:
        """Hang up; never waits for the broker longer than a moment."""
        self.lose(BrokerUnavailable("The connection was closed."))
        with suppress(TimeoutError, StompException, OSError):
            async with asyncio.timeout(1):
                await self._call(self._stomp.disconnect)
        with suppress(StompException, OSError):
            # a thread that still writes to a broker that does not read wakes up when its socket is gone
            self._stomp.transport.disconnect_socket()
        self._thread.close()

    def _expect(self, number: str) -> asyncio.Future[None]:
        if self.lost.done():
            raise self.lost.result()
        receipt: asyncio.Future[None] = self._loop.create_future()
        self._receipts[number] = receipt
        return receipt

    async def _write(self, call: Callable[..., None], **arguments: Any) -> None:
        try:
            async with asyncio.timeout(RECEIPT_SECONDS):
                await self._call(call, **arguments)
        except (TimeoutError, StompException, OSError, AttributeError) as error:
            # AttributeError: stomp.py forgets its socket while another thread writes to it
            problem = BrokerUnavailable(f"The broker at {self.host[0]}:{self.host[1]} hung up.")
            # receipts that came before the end may still be on their way from the reading thread
            await asyncio.wait({self.lost}, timeout=_LAST_WORDS_SECONDS)
            self.lose(problem)
            raise problem from error

    async def _call(self, call: Callable[..., None], **arguments: Any) -> None:
        await self._thread.run(lambda: call(**arguments))

    # What follows is for the listener, in the loop's thread.

    def answered(self) -> None:
        if not self._connected.done():
            self._connected.set_result(None)

    def confirm(self, number: str) -> None:
        receipt = self._receipts.pop(number, None)
        if receipt is not None and not receipt.done():
            receipt.set_result(None)

    def deliver(self, headers: Mapping[str, str], body: str) -> None:
        handler = self._handlers.get(headers.get("subscription", ""))
        if handler is not None:
            handler(headers, body)

    def lose(self, error: BrokerError) -> None:
        if self.lost.done():
            return
        self.lost.set_result(error)
        for receipt in self._receipts.values():
            if not receipt.done():
                receipt.set_exception(error)
                receipt.exception()  # whoever waits still gets it; one nobody waits for is no warning
        self._receipts.clear()


class _Listener(stomp.ConnectionListener):
    """Runs on stomp.py's threads; does nothing but pass on."""

    def __init__(self, connection: BrokerConnection, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._loop = loop

    def on_connected(self, frame: Any) -> None:
        self._pass(self._connection.answered)

    def on_receipt(self, frame: Any) -> None:
        self._pass(self._connection.confirm, frame.headers.get("receipt-id", ""))

    def on_message(self, frame: Any) -> None:
        self._pass(self._connection.deliver, dict(frame.headers), frame.body)

    def on_error(self, frame: Any) -> None:
        sentence = frame.headers.get("message") or "no reason given"
        self._pass(self._connection.lose, BrokerRefused(f"The broker refused us: {sentence}."))

    def on_heartbeat_timeout(self) -> None:
        self._pass(self._connection.lose, BrokerUnavailable("The broker fell silent."))

    def on_disconnected(self) -> None:
        self._pass(self._connection.lose, BrokerUnavailable("The broker hung up."))

    def _pass(self, call: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            self._loop.call_soon_threadsafe(call, *arguments)
