"""One connection: a STOMP session on a transport, and its seats at topics. No task, no queue.

A connection whose socket is full is `paused`: nothing is written to it and nothing more is read from it until the
socket has drained; then it gets what it missed. `visit` is called by the relay's wheel and does all that has to do
with time.
"""

import asyncio
from collections.abc import Callable

from relay.connections import GONE
from relay.credit import AckName, Credit
from relay.hub import Wildcard, is_topic, is_wildcard
from relay.pace import Progress, Verdict
from relay.rights import SHUT_OUT, check_write
from relay.ring import ShapeKey, Wrap
from relay.seats import Seat, Stage
from relay.server import Relay
from relay.sockets import descriptor_of, tune, unanswered
from wall.events import Cursor
from wall.stomp.errors import Code, StompError
from wall.stomp.events import (
    Abort,
    Ack,
    AckMode,
    Begin,
    Broken,
    Commit,
    Connect,
    Disconnect,
    Event,
    Held,
    Send,
    Subscribe,
    Unsubscribe,
)
from wall.stomp.frames import Version
from wall.stomp.session import VERSIONS, Session, State

# A message costs its bytes and this many more: it is the number of messages that keeps a processor busy.
_MESSAGE_COST = 64


class Viewer(asyncio.Protocol):
    """What the two transports share. `service` is set by the login; others only read what `relay.rights` allows."""

    __slots__ = (
        "_beaten",
        "_close_by",
        "_credits",
        "_leave_at",
        "_level",
        "_progress",
        "_wildcards",
        "address",
        "page",
        "paused",
        "relay",
        "seats",
        "service",
        "session",
        "transport",
        "wrap",
    )

    wrap: Wrap
    transport: asyncio.Transport
    session: Session

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.address = ""
        self.service = False
        self.page = False  # it said its Origin; who says none reads public walls only
        self.paused = False
        self.seats: list[Seat] = []
        self._wildcards: list[Wildcard] | None = None
        self._credits: dict[str, Credit] | None = None  # by subscription, of those that acknowledge
        self._beaten = 0.0  # when a heart-beat was last written
        self._progress: Progress | None = None  # while its socket is full
        self._level = 0.0  # what it has sent lately, as `spend` counts
        self._close_by: float | None = None  # closing: cut off then
        self._leave_at: float | None = None  # a graceful stop asks to close then

    @property
    def closing(self) -> bool:
        return self._close_by is not None

    def begin(self, transport: asyncio.Transport, versions: tuple[Version, ...] = VERSIONS) -> None:
        """The bytes from here on are STOMP."""
        now = self.relay.now()
        settings = self.relay.settings
        self.transport = transport
        # 0: pause_writing comes exactly when the socket is full, resume_writing when it has drained.
        transport.set_write_buffer_limits(high=0)
        tune(transport, settings)
        self.session = Session(self.relay.session_limits, now, versions)
        self._beaten = now
        self.relay.due(self, now + settings.connect_within)

    # ── STOMP in ─────────────────────────────────────────────────────────────────────────────────────────────────

    def spend(self, size: int) -> bool:
        """Count a message of `size` bytes from the other side. False: it sends too much, and is ended."""
        now = self.relay.now()
        since, self.session.heard = now - self.session.heard, now
        if self.service:
            return True
        settings = self.relay.settings
        self._level = max(0.0, self._level - since * settings.viewer_rate) + size + _MESSAGE_COST
        if self._level <= settings.viewer_burst:
            return True
        self._fail(Code.TOO_MUCH, "You send too much; viewers subscribe, and little more")
        return False

    def take(self, data: bytes) -> None:
        """Act on STOMP bytes."""
        for event in self.session.receive(data, self.relay.now()):
            self._act(event)
            if self.closing:
                return

    def _act(self, event: Event) -> None:
        receipt: str | None = None if isinstance(event, (Connect, Broken)) else event.receipt
        try:
            match event:
                case Connect():
                    self._connect(event)
                case Subscribe():
                    self._subscribe(event)
                case Unsubscribe():
                    self._unsubscribe(event.id)
                    self._confirm(receipt)
                case Send() | Ack():
                    self._check(event)
                    self._do(event)
                    self._confirm(receipt)
                case Held():
                    self._check(event.effect)
                    self._confirm(receipt)
                case Commit():
                    for effect in event.effects:
                        self._do(effect)
                    self._confirm(receipt)
                case Begin() | Abort():
                    self._confirm(receipt)
                case Disconnect():
                    self._confirm(receipt)
                    self.close(1000, "goodbye")
                case Broken():
                    self.end(event.error, event.answer)
        except StompError as error:
            self.end(error, self.session.error(error, receipt))

    def _connect(self, event: Connect) -> None:
        settings = self.relay.settings
        self.service = self.relay.authenticate(event.login, event.passcode)
        limits = settings.service if self.service else settings.viewer
        beat = settings.service_beat if self.service else settings.viewer_beat
        self.put(self.session.accept(limits, beat, beat, self.relay.session_name()))
        self.greeted(limits.frame)
        self.relay.due(self, self._due(self.relay.now()))

    def greeted(self, limit: int) -> None:
        """Frames of up to `limit` bytes are welcome now."""

    def _subscribe(self, event: Subscribe) -> None:
        destination = event.destination
        credit = self._credit(event)
        key = ShapeKey(event.id, self.session.version, self.wrap, event.named, credit is not None)
        relay = self.relay
        if not (is_topic(destination) or is_wildcard(destination)):
            raise StompError(Code.NOT_SUPPORTED, "There are no queues here; subscribe to /topic/<name>")
        if not self.service:
            relay.visibility.check_read(destination, event.headers.get("token") if self.page else None)
        cursor = _cursor(event)
        if is_wildcard(destination):
            if cursor is not None:
                raise StompError(Code.BAD_HEADER, "A cursor goes with one exact topic, not with a wildcard")
            if self._wildcards is None:
                self._wildcards = []
            self._wildcards.append(relay.hub.subscribe_many(destination, self, key, relay.now(), credit))
            self._confirm(event.receipt)
        else:
            relay.hub.subscribe(destination, self, key, event.receipt, cursor, relay.now(), credit)
        relay.flush_soon()

    def _credit(self, event: Subscribe) -> Credit | None:
        """The window of a subscription that acknowledges."""
        if event.mode is AckMode.AUTO:
            return None
        if self._credits is None:
            self._credits = {}
        limit = _prefetch(event, self.relay.settings.unacknowledged)
        credit = self._credits[event.id] = Credit(limit, cumulative=event.mode is AckMode.CLIENT)
        return credit

    def _unsubscribe(self, subscription: str) -> None:
        hub = self.relay.hub
        if self._credits:
            self._credits.pop(subscription, None)
        for wildcard in tuple(self._wildcards or ()):
            if wildcard.key[0] == subscription:
                hub.leave_many(wildcard)
                assert self._wildcards is not None
                self._wildcards.remove(wildcard)
        for seat in tuple(self.seats):
            if seat.id == subscription:
                hub.leave(seat)

    def _check(self, effect: Send | Ack) -> None:
        """Refuse what may not be done; what passes can be done at any later time."""
        if isinstance(effect, Ack):
            self._find(effect)
            return
        check_write(service=self.service)
        if not is_topic(effect.destination):
            raise StompError(Code.NOT_SUPPORTED, "There are no queues here; send to /topic/<name>")

    def _do(self, effect: Send | Ack) -> None:
        if isinstance(effect, Send):
            self.relay.receive(effect.destination, effect.headers, effect.body)
            return
        try:
            credit, name = self._find(effect)
        except StompError:
            return  # acknowledged since it was checked, or its subscription has ended: nothing is left to do
        credit.settle(name)
        self.relay.hub.opened(self, credit)
        self.relay.flush_soon()

    def _find(self, ack: Ack) -> tuple[Credit, AckName]:
        """What is to be acknowledged. NACK does the same: there is nobody else to give a topic's message to."""
        for subscription, credit in (self._credits or {}).items():
            if ack.subscription in (None, subscription):
                name = credit.find(ack.id, exact=self.session.version is Version.V1_2)
                if name is not None:
                    return credit, name
        raise StompError(
            Code.ACK_UNKNOWN,
            "No message waits for this acknowledgement; each is acknowledged once, and only with ack:client or "
            "ack:client-individual",
        )

    # ── STOMP out ────────────────────────────────────────────────────────────────────────────────────────────────

    def put(self, stomp: bytes) -> None:
        """Write a frame that is for this connection only."""
        self.transport.write(self.wrap(stomp, True))

    @property
    def descriptor(self) -> int | None:
        return descriptor_of(self.transport)

    def writer(self) -> Callable[[bytes], object]:
        return self.transport.write

    def _confirm(self, receipt: str | None) -> None:
        if receipt is not None:
            self.put(self.session.receipt(receipt))

    def joined(self, seat: Seat, recovered: bool | None, head: Cursor | None) -> bytes:
        if seat.receipt is None:
            return b""
        headers: dict[str, str] = {}
        if recovered is not None:
            headers["recovered"] = "true" if recovered else "false"
        if head is not None and seat.audience.logged:
            headers["cursor"] = str(head)
        return self.wrap(self.session.receipt(seat.receipt, headers), True)

    def left_behind(self, seat: Seat) -> None:
        error = StompError(
            Code.LEFT_BEHIND,
            "You read too slowly and messages you have not got are gone; reconnect with your cursor",
        )
        self.end(error, self.session.error(error))

    # ── the transport ────────────────────────────────────────────────────────────────────────────────────────────

    def pause_writing(self) -> None:
        self.paused = True
        now = self.relay.now()
        self._progress = Progress(now, self.transport.get_write_buffer_size())
        if not self.closing:
            self.transport.pause_reading()
            self.relay.hub.park(self, now)
            self.relay.due(self, now + 1.0)

    def resume_writing(self) -> None:
        self.paused = False
        self._progress = None
        if self.closing:
            return
        self.transport.resume_reading()
        now = self.relay.now()
        self.session.heard = max(self.session.heard, now - self.session.expect_every)
        self.relay.hub.resume(self, now)
        self.relay.flush_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closing:
            self.relay.connections.ending(self, GONE)
        self._close_by = 0.0
        self._leave()
        self.relay.gone(self)

    def _leave(self) -> None:
        hub = self.relay.hub
        for wildcard in self._wildcards or ():
            hub.leave_many(wildcard)
        self._wildcards = None
        for seat in tuple(self.seats):
            hub.leave(seat)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def end(self, error: StompError, answer: bytes) -> None:
        """Say why in an ERROR frame, then close with its number."""
        if self.closing:
            return
        if not self.paused:
            self.put(answer)
        self.close(error.code, error.public)

    def close(self, code: int, reason: str) -> None:
        """Begin to close: nothing more from topics; the other side has `close_within` seconds to agree."""
        if self.closing:
            return
        self.relay.connections.ending(self, code)
        self._leave()
        now = self.relay.now()
        self._close_by = now + self.relay.settings.close_within
        self.relay.due(self, self._close_by)
        if self.paused:
            # It does not read; a close frame would wait behind all that it has not read.
            self.transport.abort()
            return
        self.say_goodbye(code, reason)

    def say_goodbye(self, code: int, reason: str) -> None:
        """Write what ends the connection on this transport."""
        raise NotImplementedError

    def half_close(self) -> None:
        """Nothing more from us; what still comes is dropped. A plain close could be overtaken by a reset, which takes
        away what was written last."""
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def abort(self) -> None:
        """Be gone now."""
        self._leave()
        self.transport.abort()

    def shut_out(self, destination: str) -> None:
        """Those who read `destination` must show a new token."""
        if not self.service and any(seat.audience.destination == destination for seat in self.seats):
            self._fail(Code.TOKEN_OVER, SHUT_OUT)

    def leave_at(self, moment: float) -> None:
        """Close at `moment`, because the relay stops."""
        self._leave_at = moment
        self.relay.due(self, moment)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def visit(self, now: float) -> float | None:
        """Do what is due; gives when to come again, None: not any more."""
        if self._close_by is not None:
            if now < self._close_by:
                return self._close_by
            self.transport.abort()
            return None
        settings = self.relay.settings
        if self._leave_at is not None and now >= self._leave_at:
            self.close(1012, "the relay restarts; reconnect")
        elif self.session.late(now, settings.connect_within):
            self._fail(
                Code.CONNECT_TOO_LATE,
                f"No CONNECT within {settings.connect_within:g} s; reconnect and send it",
            )
        elif self.paused:
            self._judge(now)
        elif self.session.silent(now):
            self._fail(
                Code.HEART_BEAT_MISSED,
                f"No heart-beat for {2 * self.session.expect_every:g} s; reconnect, and send them as agreed",
            )
        elif not self.session.expect_every and unanswered(self.transport) >= settings.unconfirmed:
            self.transport.abort()  # nobody is there to be told why
        elif self.session.beat_every and now >= self._beat_due():
            self._beaten = now
            self.put(b"\n")
        return self._due(now)

    def _judge(self, now: float) -> None:
        """A full socket is waited for as long as each of its topics allows."""
        assert self._progress is not None
        still = self._progress.still(now, self.transport.get_write_buffer_size())
        stuck = still >= self.relay.settings.stuck_after
        if stuck or any(seat.audience.verdict(seat, now, still) is Verdict.END for seat in self.seats):
            self.too_slow()

    def too_slow(self) -> None:
        self._fail(Code.TOO_SLOW, "You have read too slowly for too long; reconnect, and take a new snapshot")

    def _fail(self, code: Code, sentence: str) -> None:
        error = StompError(code, sentence)
        self.end(error, self.session.error(error))

    def _beat_due(self) -> float:
        """A message counts as a beat, so a lively wall needs none. Early by two ticks, never late."""
        written = max((seat.group.flushed for seat in self.seats if seat.stage is Stage.LIVE), default=0.0)
        every = self.session.beat_every
        return max(written, self._beaten) + every - min(2 * self.relay.settings.tick, every / 2)

    def _due(self, now: float) -> float:
        if self._close_by is not None:
            return self._close_by
        session, settings = self.session, self.relay.settings
        times = [now + settings.unconfirmed]
        if session.state is State.WAITING:
            times.append(session.opened + settings.connect_within)
        if self._leave_at is not None:
            times.append(self._leave_at)
        if self.paused:
            times.append(now + 1.0)
        else:
            if session.beat_every:
                times.append(self._beat_due())
            if session.expect_every:
                times.append(session.heard + session.expect_every * 2)
        return min(times)


def _prefetch(event: Subscribe, limit: int) -> int:
    """How many messages may be unacknowledged: ours, or less where the subscription asks for it as ActiveMQ's do."""
    text = event.headers.get("activemq.prefetchSize")
    if text is None:
        return limit
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text)):
        raise StompError(Code.BAD_HEADER, "activemq.prefetchSize is a number of messages from 1, for example 10")
    return min(int(text), limit)


def _cursor(event: Subscribe) -> Cursor | None:
    text = event.headers.get("cursor")
    if text is None:
        return None
    try:
        return Cursor.parse(text)
    except ValueError as error:
        raise StompError(Code.BAD_HEADER, f"cursor: {error}") from None
