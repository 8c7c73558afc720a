"""What broker/activemq.xml promises, asked of a real ActiveMQ over STOMP and over STOMP on a WebSocket."""

import base64
import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stomp
from websockets.protocol import State

from tests.integration.activemq import ROOT, ActiveMQ, answers_connect
from tests.integration.wire import LIMIT, TcpClient, WsClient

# maxSlowDuration 15 s, looked at every 5 s, and a busy machine
ABORT_LIMIT = 40.0
# 10 MB, more than loopback buffers on the way to a reader that takes nothing
STUCK_MESSAGES = 600


@pytest.fixture(params=["5", "6"])
def broker(request: pytest.FixtureRequest) -> ActiveMQ:
    """Each series in turn: the same file has to mean the same in both."""
    return request.getfixturevalue("activemq" if request.param == "5" else "activemq_6")


def service(broker: ActiveMQ) -> TcpClient:
    client = TcpClient.open(broker.stomp)
    assert client.login(broker.user, broker.password).startswith("CONNECTED\n")
    return client


def send(client: TcpClient, destination: str, body: str, headers: str = "") -> None:
    answer = client.ask(f"SEND\ndestination:{destination}\nreceipt:sent\n{headers}\n{body}")
    assert answer.startswith("RECEIPT\n"), answer


def viewer(broker: ActiveMQ) -> WsClient:
    return WsClient.open(broker.ws_url).login()


def eventually(condition: Callable[[], Any], limit: float = LIMIT) -> Any:
    deadline = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{condition} did not come true within {limit:.0f} s"
        time.sleep(0.05)
    return value


def jolokia(broker: ActiveMQ, request: dict[str, str]) -> dict[str, Any]:
    """Asks the console's Jolokia as its pages do: POST, with an Origin and the administrator's password."""
    credentials = base64.b64encode(f"{broker.admin_user}:{broker.admin_password}".encode()).decode()
    headers = {
        "Authorization": f"Basic {credentials}",
        "Origin": broker.console_url,
        "Content-Type": "application/json",
    }
    question = urllib.request.Request(f"{broker.console_url}/api/jolokia", json.dumps(request).encode(), headers)
    with urllib.request.urlopen(question, timeout=LIMIT) as answer:
        return json.load(answer)


def topics(broker: ActiveMQ) -> set[str]:
    answer = jolokia(
        broker,
        {
            "type": "read",
            "mbean": "org.apache.activemq:type=Broker,brokerName=localhost",
            "attribute": "Topics",
        },
    )
    return {re.findall(r"destinationName=([^,]+)", name["objectName"])[0] for name in answer["value"]}


def broker_holds(connection: socket.socket) -> bool:
    """Whether the broker's end of this loopback connection is still established, as the kernel tells it."""
    ends = [f"{end[1]:04X}" for end in (connection.getpeername(), connection.getsockname())]
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, here, there, state, *_ = line.split()
            if [here.rpartition(":")[2], there.rpartition(":")[2]] == ends:
                return state == "01"
    return False


def test_viewer_connects_over_a_websocket_with_stomp_1_2(broker: ActiveMQ) -> None:
    with WsClient.open(broker.ws_url) as client:
        assert client.protocol.subprotocol == "v12.stomp"
        answer = client.ask("CONNECT\naccept-version:1.2\nhost:localhost\nheart-beat:10000,10000\n\n")
        assert answer.startswith("CONNECTED\n")
        assert "\nversion:1.2\n" in answer
        assert "\nheart-beat:10000,10000\n" in answer


def test_what_a_service_sends_reaches_viewers_and_services_as_text(broker: ActiveMQ) -> None:
    listener = service(broker)
    with viewer(broker) as watcher:
        assert watcher.subscribe("/topic/wall.main").startswith("RECEIPT\n")
        assert listener.ask("SUBSCRIBE\nid:0\ndestination:/topic/wall.main\nreceipt:r\n\n").startswith("RECEIPT\n")
        connection = stomp.Connection12([broker.stomp], auto_content_length=False)
        connection.connect(broker.user, broker.password, wait=True)
        connection.send(
            "/topic/wall.main",
            '{"text":"grüß Gott \N{PARTY POPPER}"}',
            headers={"persistent": "true", "seq": "7"},
        )
        for message in (watcher.receive(), listener.receive()):
            assert message is not None
            assert message.startswith("MESSAGE\n")
            assert "\nseq:7\n" in message
            # ActiveMQ writes content-length on bytes only: without it, this is a TextMessage
            assert "content-length" not in message
            assert message.endswith('\n\n{"text":"grüß Gott \N{PARTY POPPER}"}')
        connection.disconnect()
    listener.close()


def test_message_with_content_length_would_be_bytes(broker: ActiveMQ) -> None:
    """The reason why our publisher leaves it out; if this changes, so may the publisher."""
    publisher = service(broker)
    with viewer(broker) as watcher:
        watcher.subscribe("/topic/wall.main")
        send(publisher, "/topic/wall.main", "abc", "content-length:3\n")
        message = watcher.receive()
        assert message is not None
        assert "\ncontent-length:3\n" in message
    publisher.close()


@pytest.mark.parametrize(
    "destination",
    [
        "/topic/wall.main",
        "/topic/screens.main",
        "/topic/console.main",
        "/topic/wall.made-by-a-viewer",
        "/queue/any",
    ],
)
def test_viewer_cannot_send(broker: ActiveMQ, destination: str) -> None:
    listener = service(broker)
    listener.ask("SUBSCRIBE\nid:0\ndestination:/topic/wall.main\nreceipt:r\n\n")
    with viewer(broker) as client:
        answer = client.ask(f"SEND\ndestination:{destination}\n\nhello")
        assert answer.startswith("ERROR\n")
        assert "not authorized to write" in answer
        # not by a transaction either
        client.send("BEGIN\ntransaction:t\n\n")
        client.send(f"SEND\ndestination:{destination}\ntransaction:t\n\nhello")
        assert "not authorized to write" in (client.receive() or "")
        client.send("COMMIT\ntransaction:t\nreceipt:c\n\n")
        client.receive()
    publisher = service(broker)
    send(publisher, "/topic/wall.main", "the next")
    assert (listener.receive() or "").endswith("the next")
    for each in (listener, publisher):
        each.close()


@pytest.mark.parametrize(
    "destination",
    [
        "/topic/console.main",
        "/topic/console.>",
        "/topic/private.main",
        "/topic/private.>",
        "/topic/>",
        "/topic/wall.main,topic://console.main",
        "/topic/ActiveMQ.Advisory.Connection",
        "/topic/ActiveMQ.Advisory.>",
        "/topic/ActiveMQ.Advisory.Consumer.Topic.wall.main",
        "/queue/any",
        "/queue/>",
        "/queue/ActiveMQ.DLQ",
        "/queue/ActiveMQ.Statistics.Broker",
        "/temp-topic/mine",
        "/temp-queue/mine",
    ],
)
def test_viewer_cannot_read_anything_but_walls_and_screens(broker: ActiveMQ, destination: str) -> None:
    with viewer(broker) as client:
        answer = client.subscribe(destination)
        assert answer.startswith("ERROR\n"), answer
        assert "not authorized" in answer


def test_viewer_reads_walls_and_screens_by_name_and_by_wildcard(broker: ActiveMQ) -> None:
    publisher = service(broker)
    send(publisher, "/topic/wall.second", "makes the topic")
    with viewer(broker) as client:
        for number, destination in enumerate(("wall.main", "screens.main", "wall.second", "wall.>")):
            assert client.subscribe(f"/topic/{destination}", str(number)).startswith("RECEIPT\n")
    publisher.close()


def test_wildcard_shows_a_viewer_only_what_it_may_read_and_hinders_nobody(broker: ActiveMQ) -> None:
    """ActiveMQ accepts `*.late`, since it could match a wall; every topic behind it is checked by itself."""
    publisher = service(broker)
    with viewer(broker) as client:
        assert client.subscribe("/topic/*.late").startswith("RECEIPT\n")
        for destination in ("console.late", "private.late", "console.late", "wall.late"):
            send(publisher, f"/topic/{destination}", f"for {destination}")
        assert (client.receive() or "").endswith("for wall.late")
    publisher.close()


def test_viewer_asking_for_an_unknown_wall_is_refused_and_makes_none(broker: ActiveMQ) -> None:
    with viewer(broker) as client:
        answer = client.subscribe("/topic/wall.nobody-made-this")
        assert answer.startswith("ERROR\n")
        assert "not authorized to create" in answer
        # the connection is still good for the wall that is there
        assert client.subscribe("/topic/wall.main", "1").startswith("RECEIPT\n")


def test_viewers_leave_no_topic_behind(activemq: ActiveMQ) -> None:
    """Not even advisories: they are switched off, and only services make topics."""
    with viewer(activemq) as client:
        for destination in ("wall.left-behind", "screens.left-behind", "*.left-behind"):
            client.subscribe(f"/topic/{destination}")
        found = topics(activemq)
    assert {"wall.main", "screens.main"} <= found
    assert not {name for name in found if "left-behind" in name or "Advisory" in name}


def test_nobody_can_subscribe_durably(broker: ActiveMQ) -> None:
    for login in ("", f"login:{broker.user}\npasscode:{broker.password}\n"):
        with WsClient.open(broker.ws_url).login(f"client-id:durable-{len(login)}\n{login}") as client:
            answer = client.ask(
                "SUBSCRIBE\nid:0\ndestination:/topic/wall.main\nactivemq.subscriptionName:mine\nreceipt:r\n\n"
            )
            assert answer.startswith("ERROR\n"), answer


@pytest.mark.parametrize(
    "credentials", ["login:frieze\npasscode:wrong\n", "login:viewer\npasscode:x\n", "login:\npasscode:x\n"]
)
def test_wrong_password_is_refused_and_not_taken_for_a_viewer(broker: ActiveMQ, credentials: str) -> None:
    with WsClient.open(broker.ws_url) as client:
        client.send(f"CONNECT\naccept-version:1.2\nhost:localhost\n{credentials}\n")
        # 6.1 now and then closes before its ERROR is out
        answer = client.receive()
        assert answer is None or answer.startswith("ERROR\n"), answer


@pytest.mark.parametrize("user", ["frieze", "viewer", "admin"])
def test_a_name_without_a_password_is_a_viewer_at_most(broker: ActiveMQ, user: str) -> None:
    with WsClient.open(broker.ws_url) as client:
        client.ask(f"CONNECT\naccept-version:1.2\nhost:localhost\nlogin:{user}\n\n")
        assert "not authorized to write" in (client.ask("SEND\ndestination:/topic/wall.main\n\nx"))


def test_console_password_opens_no_stomp_session(activemq: ActiveMQ) -> None:
    client = TcpClient.open(activemq.stomp)
    assert client.login(activemq.admin_user, activemq.admin_password).startswith("ERROR\n")
    client.close()


def test_viewer_cannot_take_more_than_four_subscriptions(broker: ActiveMQ) -> None:
    with viewer(broker) as client:
        answers = [client.subscribe("/topic/wall.main", str(number)) for number in range(5)]
        assert [answer.split("\n")[0] for answer in answers] == ["RECEIPT"] * 4 + ["ERROR"]


def test_frame_beyond_16_kib_ends_a_viewers_connection(broker: ActiveMQ) -> None:
    with viewer(broker) as client:
        client.send("SUBSCRIBE\nid:0\ndestination:/topic/wall.main\nreceipt:r\nx:" + "y" * 17000 + "\n\n")
        # a reset can overtake the close frame with its 1009, so either is right
        assert client.receive() is None
        assert client.protocol.state is not State.OPEN


def test_topic_keeps_nothing_for_those_who_come_later(broker: ActiveMQ) -> None:
    """No recovery policy: a replay would bring back what moderation took away."""
    publisher = service(broker)
    send(publisher, "/topic/wall.main", "taken away", "persistent:true\n")
    with viewer(broker) as client:
        client.ask("SUBSCRIBE\nid:0\ndestination:/topic/wall.main\nactivemq.retroactive:true\nreceipt:r\n\n")
        send(publisher, "/topic/wall.main", "the next", "persistent:true\n")
        assert (client.receive() or "").endswith("the next")
    publisher.close()


def test_stuck_browser_delays_neither_a_healthy_one_nor_the_publisher(broker: ActiveMQ) -> None:
    publisher = service(broker)
    stuck = WsClient.open(broker.ws_url, small=True).login()
    healthy = viewer(broker)
    for client in (stuck, healthy):
        assert client.subscribe("/topic/wall.main").startswith("RECEIPT\n")
    # 600 messages of 16 KiB: far more than every buffer on the way to the stuck one holds
    for number in range(600):
        send(publisher, "/topic/wall.main", "x" * 16384, f"seq:{number}\n")
        message = healthy.receive()
        assert message is not None, f"nothing came after {number}"
        assert f"\nseq:{number}\n" in message
    for client in (stuck, healthy, publisher):
        client.close()


def test_stuck_reader_on_tcp_is_disconnected_by_the_slow_consumer_policy(
    activemq: ActiveMQ, activemq_6: ActiveMQ
) -> None:
    """Both at once, since each takes its 15 s."""
    brokers = (activemq, activemq_6)
    publishers = [service(broker) for broker in brokers]
    stuck = [TcpClient.open(broker.stomp, small=True) for broker in brokers]
    try:
        for client, broker in zip(stuck, brokers, strict=True):
            client.login(broker.user, broker.password)
            client.ask("SUBSCRIBE\nid:0\ndestination:/topic/wall.main\nreceipt:r\n\n")
        for _ in range(STUCK_MESSAGES):
            for publisher in publishers:
                send(publisher, "/topic/wall.main", "x" * 16384)
        for client in stuck:
            # the end of the stream waits behind what the full socket still holds: ask the kernel first
            eventually(lambda client=client: not broker_holds(client.connection), ABORT_LIMIT)
            received = 0
            while client.receive() is not None:
                received += 1
            assert received < STUCK_MESSAGES
    finally:
        for client in (*publishers, *stuck):
            client.close()


def test_console_is_open_to_the_administrator_alone(activemq: ActiveMQ) -> None:
    for path in (
        "/admin/",
        "/admin/topics.jsp",
        "/api/jolokia",
        "/api/message/TEST?type=queue",
        "/index.html",
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(activemq.console_url + path, timeout=LIMIT)
        assert refused.value.code == 401, path
        refused.value.close()
    with urllib.request.urlopen(activemq.console("/admin/topics.jsp"), timeout=LIMIT) as answer:
        assert "wall.main" in answer.read().decode()


def test_jolokia_reads_the_broker_and_runs_nothing(activemq: ActiveMQ) -> None:
    bean = "org.apache.activemq:type=Broker,brokerName=localhost"
    assert jolokia(activemq, {"type": "read", "mbean": bean, "attribute": "BrokerVersion"})["status"] == 200
    assert jolokia(activemq, {"type": "exec", "mbean": bean, "operation": "gc"})["status"] == 403
    assert jolokia(activemq, {"type": "read", "mbean": "java.lang:type=Runtime"})["status"] == 403


def test_healthcheck_follows_the_broker(own_activemq: ActiveMQ) -> None:
    def healthy() -> bool:
        environment = {"FRIEZE_BROKER_STOMP_PORT": str(own_activemq.stomp_port)}
        return (
            subprocess.run(
                ["bash", ROOT / "broker/healthcheck"],
                env=environment,
                timeout=LIMIT,
                check=False,
                capture_output=True,
            ).returncode
            == 0
        )

    assert healthy()
    own_activemq.stop()
    assert not healthy()
    assert not answers_connect(own_activemq.stomp)
    own_activemq.start()
    assert healthy()
    own_activemq.kill()
    assert not healthy()
    own_activemq.start()
    publisher = service(own_activemq)
    send(publisher, "/topic/wall.main", "alive")
    publisher.close()


def test_broker_writes_no_password_into_its_log_or_process_list(own_activemq: ActiveMQ) -> None:
    service(own_activemq).close()
    log = own_activemq.log.read_text(errors="replace")
    commands = "".join(
        path.read_bytes().decode(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()
    )
    for secret in (own_activemq.password, own_activemq.admin_password):
        assert secret not in log
        assert secret not in commands
