"""Every limit of the relay, with where its number comes from."""

from dataclasses import dataclass, field

from wall.stomp.codec import Limits
from wall.stomp.transactions import TransactionLimits

# 8 KiB before CONNECTED: issue 4 §3; a browser's CONNECT is 200 bytes.
GREETING = Limits(headers=32, line=1024, head=4 * 1024, body=0, frame=8 * 1024)
# Viewers send SUBSCRIBE and little else; as small as the `ws` connector's own limit (docs/architecture.md §10).
VIEWER = Limits(headers=32, line=1024, head=8 * 1024, body=8 * 1024, frame=16 * 1024)
SERVICE = Limits()
TRANSACTIONS = TransactionLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Seconds and bytes unless said otherwise.

    `login` and `passcode` are the service account's; without a passcode nobody can be a service. `origins` are
    allowed beside the relay's own host, written as a browser sends them (`https://wall.example.org`).
    `trusted_proxies` are networks whose `X-Forwarded-For` is believed. `paths` are where a WebSocket is opened: the
    one all relays share, and beside it the node's own.
    """

    login: str = "frieze"
    passcode: str | None = field(default=None, repr=False)
    paths: tuple[str, ...] = ("/stomp",)
    origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()

    greeting: Limits = GREETING
    viewer: Limits = VIEWER
    service: Limits = SERVICE
    connect_within: float = 10.0
    subscriptions: int = 32
    id_length: int = 128  # characters; stompjs writes sub-0, stomp.py's users a UUID
    # As ActiveMQ's durableTopicPrefetch; a subscription that acknowledges may ask for less (activemq.prefetchSize).
    unacknowledged: int = 100
    transactions: TransactionLimits = TRANSACTIONS
    # 16,000 viewers on one core is what a p99 of 50 ms allows (reference/fanout.md §5); descriptors end before memory.
    connections: int = 20_000
    # A conference hall behind one NAT.
    connections_per_address: int = 2_000

    # The page asks for 10 s both ways; faster beats of thousands of viewers would cost more than the messages.
    viewer_beat: float = 10.0
    service_beat: float = 1.0
    # Bytes a second, and at once, that a viewer may send; each message counts 64 more. Beats and a few subscriptions
    # need a hundredth of it.
    viewer_rate: float = 8 * 1024
    viewer_burst: float = 64 * 1024
    tick: float = 0.25
    # Costs a processor more than it saves a wall of short messages; where the lines are thin it is worth it.
    deflate: bool = False

    # A wall's busiest ten minutes, so that a phone coming out of a pocket resumes from memory.
    ring_age: float = 600.0
    ring_bytes: int = 8 * 1024 * 1024
    # Messages that wait behind a hole in seq: two seconds at 500 a second.
    held_messages: int = 1_000
    fill_within: float = 2.0  # ARCHITECTURE §6
    # As GET events?after= gives at most.
    replay_events: int = 500

    # One write after a pause: reference/fanout.md §9.3.
    batch_messages: int = 64
    batch_bytes: int = 256 * 1024
    # Slow readers (relay/pace.py): below five seconds everybody gets everything; a minute is what a wall can be late
    # before coming back with a snapshot is better for its viewer. `stuck_after` is ActiveMQ's abortSlowConsumer.
    newest_after: float = 5.0
    end_after: float = 60.0
    stuck_after: float = 30.0
    # What the kernel may hold of a viewer's messages: a few seconds of a busy wall. Linux doubles it for its own use.
    send_buffer: int = 64 * 1024
    # Whose kernel has answered nothing for so long is gone (relay/sockets.py); a little more than `stuck_after`.
    unconfirmed: float = 35.0
    close_within: float = 5.0  # for the other side to answer a close
    drain: float = 2.0  # over which a graceful stop spreads its closes, where `Relay.close` is not told otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """Limits of what goes out under `/media/`; seconds and bytes unless said otherwise."""

    trusted_proxies: tuple[str, ...] = ()
    # How long it is remembered what may be shown: with the time to ask and to answer, below the second of
    # ARCHITECTURE §7.
    standing: float = 0.75
    # Media of whose state is remembered; a kilobyte each.
    standings: int = 10_000
    # Requests that wait for the catalogue or for bytes of the memory cache: half a full relay's viewers, some 10 KB
    # each.
    waiting: int = 10_000

    # Up to here bytes come from memory. Thumbnails have 5 to 60 KB, the display sizes up to a megabyte; a slow reader
    # of these costs a reference, not a copy.
    small: int = 1024 * 1024
    herd_bytes: int = 64 * 1024 * 1024
    herd_idle: float = 30.0
    # Different objects read into memory at once.
    herd_reads: int = 32
    # What a viewer waits for bytes that come from memory; reference/media.md §5.2, "first byte".
    read_within: float = 10.0

    # reference/media.md §5.2. A paused player asks again by a range; a shorter stall would only make it reconnect.
    streams: int = 256
    streams_per_address: int = 16
    stalled_after: float = 120.0
    # How often running streams are looked at: whether their post still stands, and whether they move.
    look: float = 0.4
    # A stream of whose post nothing can be known for so long is ended; a catalogue that restarts is back by then.
    unknown: float = 10.0
    # Between a store's breaking off and the one attempt to go on where it stopped.
    resume_after: float = 0.5
    # What the kernel holds unsent of a stream: a piece of it (wall/store/base.py), so that a reader always finds more
    # and need not be woken for each write. With more, a reader that is gone is noticed later.
    unsent: int = 512 * 1024
