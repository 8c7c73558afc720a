"""What the relay says of itself to Prometheus."""

import asyncio
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import InvalidStatus

from relay.connections import ENDINGS
from relay.metrics import COUNTS, NAMED_WALLS, PREFIX, RelayMetrics
from relay.seats import Counts
from relay.server import Relay
from relay.settings import RelaySettings
from tests.relay.readers import FakeReader, key
from tests.relay.running import FakeLog, running, until, viewer
from wall.events import Cursor
from wall.stomp.errors import Code

pytestmark = pytest.mark.anyio
Samples = dict[str, dict[tuple[str, ...], float]]


class Source:
    """An upstream that is heard, or not."""

    def __init__(self, connected: bool) -> None:
        self.connected = connected

    def ready(self) -> bool:
        return self.connected


@dataclass
class Watched:
    """A relay without sockets whose time the test sets, and its metrics."""

    now: float = 100.0
    source: Source | None = None

    def __post_init__(self) -> None:
        self.relay = Relay(log=FakeLog(), settings=RelaySettings(connections=3), clock=lambda: self.now)
        self.metrics = RelayMetrics(self.relay, self.source, version="1.2", worker=1, workers=4)

    def send(self, wall: str, *seqs: int, kind: str = "published", body: bytes = b"{}") -> None:
        for seq in seqs:
            headers = {"epoch": "aaaa", "seq": str(seq), "kind": kind}
            self.relay.hub.receive(f"/topic/wall.{wall}", headers, body, self.now)

    def reader(self, wall: str, takes: int | None = None, cursor: str | None = None) -> FakeReader:
        reader = FakeReader(self.relay.hub, takes)
        at = Cursor.parse(cursor) if cursor else None
        self.relay.hub.subscribe(f"/topic/wall.{wall}", reader, key(), "r", at, self.now)
        self.relay.hub.flush(self.now)
        return reader

    def flush(self) -> None:
        self.relay.hub.flush(self.now)

    @property
    def samples(self) -> Samples:
        return samples(self.metrics)


def text(metrics: RelayMetrics) -> str:
    registry = CollectorRegistry()
    registry.register(metrics)
    return generate_latest(registry).decode()


def samples(metrics: RelayMetrics) -> Samples:
    """Values by name without its prefix, then by label values in the order of their labels' names."""
    found: Samples = {}
    for family in text_string_to_metric_families(text(metrics)):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name.removeprefix(PREFIX), {})[labels] = sample.value
    return found


def test_every_count_has_a_help_text_and_no_other_has() -> None:
    assert {field.name for field in fields(Counts)} == set(COUNTS)


def test_every_metric_is_named_as_prometheus_wants_and_explained() -> None:
    families = list(text_string_to_metric_families(text(Watched(source=Source(True)).metrics)))
    assert len(families) > 20
    for family in families:
        assert family.name.startswith(PREFIX)
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            assert (family.type == "counter") == sample.name.endswith("_total"), sample.name


def test_every_count_is_a_counter_of_its_name_or_is_told_as_resumed() -> None:
    found = Watched().samples
    for field in fields(Counts):
        assert f"{field.name}_total" in found or field.name in ("recovered", "unrecovered")
    assert found["resumed_total"] == {("true",): 0, ("false",): 0}


def test_deliveries_and_bytes_are_counted_by_wall_as_they_were_written() -> None:
    ours = Watched()
    ours.send("main", 1)
    readers = [ours.reader("main"), ours.reader("main"), ours.reader("stage")]
    ours.send("main", 2, 3)
    ours.send("stage", 1)
    ours.flush()
    back = ours.reader("main", cursor="aaaa-1")
    found = ours.samples
    assert found["delivered_total"] == {("main",): 6, ("stage",): 1, ("other",): 0}
    written = sum(len(data) for reader in (*readers[:2], back) for data in reader.writes)
    assert found["delivered_bytes_total"][("main",)] == written
    assert found["delivered_bytes_total"][("stage",)] == sum(map(len, readers[2].writes))
    assert found["resumed_total"][("true",)] == 1


def test_lag_is_the_age_of_messages_when_the_last_viewer_has_them_weighted_by_deliveries() -> None:
    ours = Watched()
    ours.send("main", 1)
    for _ in range(3):
        ours.reader("main")
    ours.send("main", 2)
    ours.now += 0.04
    ours.flush()
    found = ours.samples
    assert found["lag_seconds_bucket"][("0.03",)] == 0
    assert found["lag_seconds_bucket"][("0.045",)] == 3
    assert found["lag_seconds_count"][()] == 3
    assert found["lag_seconds_sum"][()] == pytest.approx(0.12)


def test_what_a_viewer_missed_while_away_is_no_lag() -> None:
    ours = Watched()
    ours.send("main", 1, 2)
    ours.now += 300
    ours.reader("main", cursor="aaaa-1")
    assert ours.samples["lag_seconds_count"][()] == 0


def test_viewers_are_live_behind_or_waiting() -> None:
    ours = Watched()
    ours.send("main", 1)
    ours.reader("main")
    ours.reader("main", takes=1)
    ours.send("main", 2)
    ours.flush()
    ours.reader("main", cursor="aaaa-0")
    ours.reader("main", cursor="bbbb-7")
    found = ours.samples["viewers"]
    assert (found["live", "main"], found["behind", "main"], found["waiting", "main"]) == (2, 1, 1)


def test_walls_beyond_the_limit_are_summed_up_as_other_and_names_stay() -> None:
    ours = Watched()
    for number in range(NAMED_WALLS + 10):
        ours.send(f"w{number}", 1)
        ours.reader(f"w{number}")
        ours.send(f"w{number}", 2)
    ours.flush()
    first = ours.samples
    assert len(first["viewers"]) == 3 * (NAMED_WALLS + 1)
    assert first["viewers"]["live", "other"] == 10
    assert first["delivered_total"][("other",)] == 10
    ours.send("zz", 1)
    assert set(ours.samples["viewers"]) == set(first["viewers"])


def test_a_viewer_of_walls_that_are_none_makes_no_label() -> None:
    ours = Watched()
    ours.send("main", 1)
    for number in range(20):
        ours.reader(f"made-up-{number}")
    found = ours.samples["viewers"]
    assert {labels[1] for labels in found} == {"main", "other"}
    assert found["live", "other"] == 20


def test_a_wall_that_is_called_other_is_not_told_twice() -> None:
    ours = Watched()
    ours.send("other", 1)
    ours.reader("other")
    assert ours.samples["viewers"]["live", "other"] == 1


def test_deliveries_of_a_topic_that_was_forgotten_stay_counted() -> None:
    ours = Watched()
    reader = FakeReader(ours.relay.hub)
    ours.relay.hub.subscribe("/topic/screens.main", reader, key(), "r", None, ours.now)
    ours.relay.hub.receive("/topic/screens.main", {}, b"reload", ours.now)
    ours.flush()
    ours.relay.hub.leave(reader.seats[0])
    ours.now += 10_000
    ours.relay.hub.tick(ours.now)
    assert not ours.relay.hub.topics
    assert ours.samples["delivered_total"] == {("other",): 1}


def test_the_ring_of_a_wall_is_told_by_age_messages_and_bytes() -> None:
    ours = Watched()
    ours.send("main", 1)
    ours.now += 30
    ours.send("main", 2)
    ours.now += 3
    found = ours.samples
    assert (found["ring_age_seconds"][("main",)], found["ring_messages"][("main",)]) == (33, 2)
    assert found["ring_bytes"][("main",)] == ours.relay.hub.topics["/topic/wall.main"].ring.bytes > 0


def test_upstream_is_told_where_there_is_one() -> None:
    assert "upstream_connected" not in Watched().samples
    assert Watched(source=Source(True)).samples["upstream_connected"] == {(): 1}
    assert Watched(source=Source(False)).samples["upstream_connected"] == {(): 0}


def test_silence_counts_from_the_last_message_or_from_the_start() -> None:
    ours = Watched()
    ours.now += 40
    assert ours.samples["heard_age_seconds"] == {(): 40}
    ours.send("main", 1)
    ours.now += 2
    assert ours.samples["heard_age_seconds"] == {(): 2}


def test_upstream_lag_is_how_old_a_head_was_when_it_came() -> None:
    ours = Watched()
    assert "upstream_lag_seconds" not in ours.samples
    sent = (datetime.now(UTC) - timedelta(seconds=120)).isoformat()
    ours.send("main", 1, kind="head", body=f'{{"at":"{sent}"}}'.encode())
    assert ours.samples["upstream_lag_seconds"][()] == pytest.approx(120, abs=60)
    ours.send("main", 1, kind="head", body=b'{"at":"soon"}')
    assert "upstream_lag_seconds" not in ours.samples


def test_it_says_which_relay_it_is() -> None:
    assert Watched().samples["info"] == {("1.2", "1", "4"): 1}


async def test_how_connections_come_and_end_is_counted_by_reason_and_code() -> None:
    async with running() as server:
        metrics = RelayMetrics(server.relay)
        with pytest.raises(InvalidStatus):
            async with server.websocket(origin="https://elsewhere.example"):
                pass
        async with viewer(server):
            pass
        async with viewer(server) as made_up:
            await made_up.close(4999)
        async with viewer(server) as wrong:
            await wrong.send("NONSENSE\n\n\0")
            await wrong.wait_closed()
        async with viewer(server) as lost:
            found = samples(metrics)
            assert (found["connections"][()], found["connections_paused"][()]) == (1, 0)
            lost.transport.abort()
            await until(lambda: not server.relay.connections)
        found = samples(metrics)
        assert found["refused_total"] == {("connections",): 0, ("address",): 0, ("origin",): 1}
        assert found["admitted_total"][()] == 4
        unknown = Code.UNKNOWN_COMMAND
        assert found["ended_total"] == {
            ("1000", "goodbye"): 1,
            ("0", "another code of theirs"): 1,
            (str(int(unknown)), ENDINGS[unknown]): 1,
            ("1006", "connection lost"): 1,
        }


async def test_who_is_not_let_in_on_tcp_is_refused_and_has_not_ended() -> None:
    async with running(RelaySettings(tick=0.02, drain=0.2, connections=0)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.stomp_port)
        async with asyncio.timeout(10):
            assert b"ERROR" in await reader.read()
        writer.close()
        found = samples(RelayMetrics(server.relay))
        assert found["refused_total"][("connections",)] == 1
        assert "ended_total" not in found
