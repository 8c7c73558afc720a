"""broker/activemq.xml as text: names, rights, and a reason for each line."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from wall.destinations import CONSOLE, PRIVATE, SCREENS, VIEWER_READS, WALL, screens_topic, wall_topic

BROKER = Path(__file__).resolve().parents[2] / "broker"
README = (BROKER / "README.md").read_text()
NS = "{http://activemq.apache.org/schema/core}"
TREE = ET.parse(BROKER / "activemq.xml").getroot()


def entries() -> dict[str, ET.Element]:
    return {entry.attrib["topic"]: entry for entry in TREE.iter(f"{NS}authorizationEntry")}


def test_rights_name_the_kinds_of_topic_that_the_code_knows() -> None:
    kinds = {prefix.removeprefix("/topic/") + ">" for prefix in (WALL, PRIVATE, CONSOLE, SCREENS)}
    assert set(entries()) == kinds
    assert not list(TREE.iter(f"{NS}queue"))


def test_viewers_read_what_the_code_says_and_write_nothing() -> None:
    readable = {topic for topic, entry in entries().items() if "viewers" in entry.attrib["read"].split(",")}
    assert readable == set(VIEWER_READS)
    for entry in entries().values():
        assert entry.attrib["write"] == entry.attrib["admin"] == "services"


def test_topics_of_the_first_wall_are_there_from_the_start() -> None:
    declared = {"/topic/" + topic.attrib["physicalName"] for topic in TREE.iter(f"{NS}topic")}
    assert declared == {wall_topic("main"), screens_topic("main")}


def test_only_stomp_and_websockets_are_open() -> None:
    schemes = {connector.attrib["uri"].split(":")[0] for connector in TREE.iter(f"{NS}transportConnector")}
    assert schemes == {"stomp", "ws"}


def test_slow_readers_are_noticed_and_really_disconnected() -> None:
    for policy in TREE.iter(f"{NS}policyEntry"):
        limits = [int(each.attrib["limit"]) for each in policy.iter(f"{NS}constantPendingMessageLimitStrategy")]
        aborts = [each.attrib["abortConnection"] for each in policy.iter(f"{NS}abortSlowConsumerStrategy")]
        # a consumer counts as slow when twice its prefetch is pending
        assert limits[0] > 2 * int(policy.attrib["topicPrefetch"])
        assert aborts == ["true"]
        assert len(list(policy.iter(f"{NS}noSubscriptionRecoveryPolicy"))) == 1


@pytest.mark.parametrize("path", sorted(BROKER.iterdir()), ids=lambda path: path.name)
def test_no_password_is_kept_in_the_repository(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"(?im)^\s*\S*(password|passcode)\s*[=:]\s*[^\s$]", text) or path.name == "render"
    if path.suffix == ".xml":
        for value in re.findall(r'(?i)password"\s+value="([^"]*)"', text):
            assert value.startswith("#{")


def test_each_line_of_the_broker_has_its_reason_in_the_readme() -> None:
    said = README.replace("`", " ")
    for element in TREE.iter():
        if not element.tag.startswith(NS):
            continue
        for name, value in element.attrib.items():
            if name in (
                "name",
                "topic",
                "physicalName",
                "read",
                "write",
                "admin",
                "uri",
                "class",
                "configuration",
            ):
                continue
            tag = element.tag.removeprefix(NS)
            if name == "dataDirectory" or tag == "authorizationEntry":
                continue
            assert name in said or tag in said, f"{tag} {name}={value} has no reason in broker/README.md"
    for connector in TREE.iter(f"{NS}transportConnector"):
        for option in connector.attrib["uri"].partition("?")[2].split("&"):
            assert option in said, f"{option} has no reason in broker/README.md"
