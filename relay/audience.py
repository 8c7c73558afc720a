"""Who reads a topic, and what goes out to them: each new message in one write per reader, the same bytes for all."""

from collections.abc import Sequence

from relay.credit import Credit
from relay.pace import Newest, Patience, Verdict
from relay.ring import SHARED_SHAPES, Message, Ring, Shape, ShapeKey, first
from relay.seats import Group, Reader, Seat, Seated, Shared, Stage
from relay.settings import RelaySettings
from wall.events import Cursor


class Audience:
    """The readers of one topic. `logged`: what the ring has let go of may still stand in the catalogue's log."""

    def __init__(self, destination: str, ring: Ring, shared: Shared, *, logged: bool) -> None:
        self.destination = destination
        self.logged = logged
        self.waiting: list[Seat] = []
        self._metered: dict[Seat, None] | None = None
        self.delivered = 0
        self.delivered_bytes = 0
        self._ring = ring
        self._groups: dict[ShapeKey, Group] = {}
        self._shared = shared
        self._settings = shared.settings
        self._counts = shared.counts
        self._patience = _patience(shared.settings, logged=logged)
        self._early: list[Seat] = []  # ahead of their group until the next flush
        self._newest: Newest | None = None  # for those who share a pace
        self._extras: list[Message] = []  # messages without a position, for live seats only

    def __bool__(self) -> bool:
        return bool(self._groups)

    @property
    def seated(self) -> Seated:
        live = sum(len(group.live) for group in self._groups.values())
        waiting = len(self.waiting)
        return Seated(live, sum(group.seats for group in self._groups.values()) - live - waiting, waiting)

    # ── coming and going ─────────────────────────────────────────────────────────────────────────────────────────

    def join(
        self,
        reader: Reader,
        key: ShapeKey,
        receipt: str | None,
        cursor: Cursor | None,
        now: float,
        credit: Credit | None = None,
    ) -> Seat:
        """Seat a reader. `Reader.joined` is called at once, or when the catalogue has answered."""
        group = self._groups.get(key)
        if group is None:
            shared = sum(other.shape.shared for other in self._groups.values()) < SHARED_SHAPES
            group = self._groups[key] = Group(Shape(key, shared), self._shared.batches)
        group.seats += 1
        seat = Seat(reader, self, group, receipt)
        seat.since = now
        reader.seats.append(seat)
        if credit is not None:
            seat.credit = credit
            self._metered = self._metered or {}
            self._metered[seat] = None
        end = self._ring.end
        if cursor is None:
            self._start(seat, None, now)
        elif self._ring.complete_after(cursor):
            seat.cursor = cursor
            self._start(seat, True, now)
        elif not self.logged or (end is not None and cursor.epoch < end.epoch):
            self._start(seat, False, now)
        else:
            self._wait(seat, cursor, now)
        return seat

    def leave(self, seat: Seat) -> None:
        """Take a seat away; its reader hears nothing more from it."""
        group = seat.group
        if seat.stage is Stage.LIVE:
            group.live.remove(seat)
        elif seat in self.waiting:
            self.waiting.remove(seat)
        if self._metered:
            self._metered.pop(seat, None)
        seat.stage = Stage.LEFT
        seat.reader.seats.remove(seat)
        group.seats -= 1
        if group.seats == 0:
            self._groups.pop(group.shape.key, None)

    def park(self, seat: Seat, now: float) -> None:
        """The reader's socket is full: stop writing to this seat."""
        if seat.stage is Stage.LIVE:
            seat.group.live.remove(seat)
            seat.cursor = seat.group.cursor
            seat.since = now
            seat.stage = Stage.BEHIND

    def _start(self, seat: Seat, recovered: bool | None, now: float) -> None:
        """Tell the reader where it stands; the missed messages follow, then live ones."""
        if not recovered:
            seat.cursor = self._ring.end
        if recovered is not None:
            self._counts.recovered += recovered
            self._counts.unrecovered += not recovered
        seat.fresh = False
        seat.stage = Stage.BEHIND
        self.catch_up(seat, now, seat.reader.joined(seat, recovered, self._ring.end))

    # ── catching up ──────────────────────────────────────────────────────────────────────────────────────────────

    def catch_up(self, seat: Seat, now: float, greeting: bytes = b"") -> None:
        """Write what the seat missed, several messages at a time, and make it live, or stop when it is full."""
        if seat.stage is not Stage.BEHIND:
            return
        reader = seat.reader
        write = reader.writer()
        if greeting and (reader.paused or seat.credit is not None):
            write(greeting)
            greeting = b""
        if seat.credit is not None:
            self._serve(seat, seat.credit, (), now)
            return
        while not reader.paused:
            verdict = self.verdict(seat, now, 0.0)
            if verdict is Verdict.END:
                reader.too_slow()
                return
            messages = self._missed(seat.cursor, verdict)
            if greeting and not messages:
                write(greeting)
                greeting = b""
            if messages is None:
                self._passed(seat, now)
                return
            if not messages:
                break
            seat.cursor = messages[-1].cursor
            data = b"".join([greeting, *[seat.group.shape.frame(message) for message in messages]])
            self._count(len(messages), len(data) - len(greeting))
            greeting = b""
            write(data)
        if reader.paused:
            return
        group = seat.group
        if group.live and group.cursor != self._ring.end:
            # the others have yet to be written what this one has just got
            self._early.append(seat)
            return
        group.cursor = self._ring.end
        group.live.add(seat)
        seat.stage = Stage.LIVE
        seat.cursor = None

    def verdict(self, seat: Seat, now: float, still: float) -> Verdict:
        """What a reader behind is given next, whose socket has taken nothing for `still` seconds."""
        if seat.stage is not Stage.BEHIND:
            return Verdict.ALL
        if seat.credit is not None:
            # what it lacks may wait for its acknowledgements, as long as the ring has it
            return self._patience.verdict(0.0, still)
        came = self._ring.came_after(seat.cursor)
        age = 0.0 if came is None else now - max(came, seat.since)
        return self._patience.verdict(age, still)

    def _missed(self, cursor: Cursor | None, verdict: Verdict) -> Sequence[Message] | None:
        """The next messages for a reader at `cursor`, as many as go in one write; None: the ring has let go of one."""
        count, size = self._settings.batch_messages, self._settings.batch_bytes
        end = self._ring.end
        if verdict is Verdict.ALL or cursor is None or end is None or cursor.epoch != end.epoch:
            return self._ring.after(cursor, count, size)
        newest = self._newest
        messages = None if newest is None else newest.after(cursor.seq, end.seq)
        if messages is None:
            line = self._ring.after(cursor, len(self._ring), self._ring.bytes)
            if not line:
                return line
            newest = self._newest = Newest(cursor.seq, line)
            self._counts.conflated += newest.left_out
            messages = newest.messages
        return first(messages, count, size)

    def _serve(self, seat: Seat, credit: Credit, extras: Sequence[Message], now: float) -> None:
        """Write a metered seat what it missed, as far as its window goes, then `extras`."""
        settings = self._settings
        if seat.cursor is None:
            seat.cursor = self._ring.floor  # the first message may wait long enough to be let go of
        while credit.left and not seat.reader.paused:
            messages = self._ring.after(seat.cursor, min(credit.left, settings.batch_messages), settings.batch_bytes)
            if messages is None:
                self._passed(seat, now)
                return
            if not messages:
                if extras:
                    self._write_metered(seat, credit, extras[: credit.left])
                return
            seat.cursor = messages[-1].cursor
            self._write_metered(seat, credit, messages)

    def _write_metered(self, seat: Seat, credit: Credit, messages: Sequence[Message]) -> None:
        shape, reader = seat.group.shape, seat.reader
        credit.spend(map(shape.ack, messages))
        data = b"".join([shape.frame(message) for message in messages])
        self._count(len(messages), len(data))
        # The seats of a wildcard share a window: who was served last is last in turn when it opens again.
        reader.seats.remove(seat)
        reader.seats.append(seat)
        reader.writer()(data)

    def _passed(self, seat: Seat, now: float) -> None:
        """The ring has let go of what this slow seat needs; perhaps the catalogue has it."""
        if not self.logged or seat.cursor is None:
            self._counts.left_behind += 1
            seat.reader.left_behind(seat)
            return
        self._wait(seat, seat.cursor, now)

    # ── waiting for the catalogue ────────────────────────────────────────────────────────────────────────────────

    def _wait(self, seat: Seat, cursor: Cursor, now: float) -> None:
        seat.stage = Stage.WAITING
        seat.cursor = cursor
        seat.asked = False
        seat.deadline = now + self._settings.fill_within
        self.waiting.append(seat)

    def oldest(self) -> Cursor | None:
        """The oldest cursor somebody waits to resume from."""
        return min((seat.cursor for seat in self.waiting if seat.cursor is not None), default=None)

    def asked(self, after: Cursor) -> None:
        """The catalogue is being asked for what comes after `after`: who is served by that waits for the answer."""
        for seat in self.waiting:
            seat.asked = seat.cursor is not None and seat.cursor.epoch == after.epoch and seat.cursor >= after

    def unanswered(self) -> None:
        for seat in self.waiting:
            seat.asked = False

    def refuse(self, after: Cursor, now: float) -> None:
        """The log does not reach back to `after`."""
        for seat in tuple(self.waiting):
            if seat.stage is not Stage.WAITING:
                continue  # its reader left because of another seat
            if seat.asked and after in (seat.cursor, self._ring.end):
                self._decide(seat, False, now)

    def settle(self, now: float, *, hole: bool) -> None:
        """Start those the ring can serve now; `hole`: what it lacks is still being looked for."""
        for seat in tuple(self.waiting):
            if seat.stage is not Stage.WAITING:
                continue  # its reader left because of another seat
            assert seat.cursor is not None
            if self._ring.complete_after(seat.cursor):
                self._decide(seat, True, now)
            elif (seat.asked and not hole) or now >= seat.deadline:
                self._decide(seat, False, now)

    def _decide(self, seat: Seat, recovered: bool, now: float) -> None:
        self.waiting.remove(seat)
        if seat.fresh:
            self._start(seat, recovered, now)
        elif recovered:
            seat.stage = Stage.BEHIND
            self.catch_up(seat, now)
        else:
            seat.stage = Stage.BEHIND
            self._counts.left_behind += 1
            seat.reader.left_behind(seat)

    # ── messages out ─────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, message: Message) -> None:
        """Pass on a message that has no position, to those who are live at the next flush."""
        self._extras.append(message)

    def flush(self, now: float) -> None:
        """Write what is new to every live seat: for each group the same bytes, once per seat."""
        end, extras = self._ring.end, self._extras
        if extras:
            self._extras = []
        for group in tuple(self._groups.values()):
            while group.live and group.cursor != end:
                self._write_next(group, end, now)
            if extras and group.live:
                self._write(group, extras, now)
                self._park_stalled(now)
        early, self._early = self._early, []
        for seat in early:
            if not seat.reader.paused:
                self.catch_up(seat, now)
        for seat in tuple(self._metered or ()):
            if seat.stage is Stage.BEHIND and seat.credit is not None:
                self._serve(seat, seat.credit, extras, now)

    def _write_next(self, group: Group, end: Cursor | None, now: float) -> None:
        messages = self._ring.after(group.cursor, self._settings.batch_messages, self._settings.batch_bytes)
        if messages is None:
            # More came at once than the ring holds; each seat goes its own way.
            for seat in tuple(group.live):
                self.park(seat, now)
                self.catch_up(seat, now)
            return
        if not messages:
            group.cursor = end
            return
        self._write(group, messages, now)
        group.cursor = messages[-1].cursor
        self._park_stalled(now)

    def _write(self, group: Group, messages: Sequence[Message], now: float) -> None:
        shape = group.shape
        data = shape.frame(messages[0]) if len(messages) == 1 else b"".join([shape.frame(m) for m in messages])
        self._shared.writing = True
        try:
            group.live.write(data)
        finally:
            self._shared.writing = False
        group.flushed = now
        live = len(group.live)
        self._count(live * len(messages), live * len(data))
        # The oldest message's age when the last seat has it stands for all: pessimistic, and one clock a write.
        self._shared.lag.observe(self._shared.clock() - messages[0].at, live * len(messages))

    def _count(self, deliveries: int, size: int) -> None:
        self.delivered += deliveries
        self.delivered_bytes += size
        self._counts.delivered += deliveries
        self._counts.delivered_bytes += size

    def _park_stalled(self, now: float) -> None:
        """Those whose sockets became full have this group's messages up to its cursor; write them nothing more."""
        stalled = self._shared.stalled
        while stalled:
            for seat in stalled.pop().seats:
                seat.audience.park(seat, now)


def _patience(settings: RelaySettings, *, logged: bool) -> Patience:
    """Only the events of walls supersede each other; elsewhere each message stands for itself."""
    return Patience(
        newest_after=settings.newest_after if logged else None,
        end_after=settings.end_after,
        stuck_after=settings.stuck_after,
    )
