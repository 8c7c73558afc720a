"""The documents say what the code does."""

import re
from pathlib import Path

from frieze.settings import Settings
from relay.settings import RelaySettings
from wall import destinations, states
from wall.stomp.errors import Code

ROOT = Path(__file__).parent.parent


def _read(name: str) -> str:
    return (ROOT / name).read_text()


def _default(name: str) -> str:
    default = Settings.model_fields[name].default
    if hasattr(default, "get_secret_value"):
        default = default.get_secret_value()
    if default is None or default == ():
        return ""
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_every_setting_is_documented_with_its_default_and_no_other_is() -> None:
    rows = re.findall(r"^\| `FRIEZE_([A-Z_]+)` \| `?([^`|]*?)`? \| (.+) \|$", _read("docs/settings.md"), re.MULTILINE)
    documented = {name.lower(): (default, text) for name, default, text in rows}
    expected = {name: (_default(name), field.description) for name, field in Settings.model_fields.items()}
    assert documented == expected


def test_the_example_environment_has_every_setting_with_its_default() -> None:
    found = dict(re.findall(r"^#FRIEZE_([A-Z_]+)=(.*)$", _read(".env.example"), re.MULTILINE))
    assert found == {name.upper(): _default(name) for name in Settings.model_fields}


def test_every_state_and_destination_is_in_the_documents() -> None:
    architecture, wire = _read("docs/architecture.md"), _read("docs/wire.md")
    for state in states.State:
        assert state.value in architecture
    for topic in (destinations.WALL, destinations.PRIVATE, destinations.CONSOLE, destinations.SCREENS):
        assert f"`{topic}<slug>`" in wire


def test_the_numbers_in_the_wire_contract_are_the_codes() -> None:
    from wall.broker.publisher import HEAD_SECONDS, WINDOW
    from wall.catalogue.log import KEEP_EVENTS, KEEP_FOR
    from wall.catalogue.posts import SNAPSHOT_POSTS
    from wall.wire import MAX_EVENT_BYTES

    wire = _read("docs/wire.md")
    assert f"{MAX_EVENT_BYTES // 1024} KiB" in wire
    assert f"Every {HEAD_SECONDS:g} s" in wire
    assert f"newest {SNAPSHOT_POSTS} " in wire
    assert f"{KEEP_EVENTS:,} events" in wire
    assert f"{KEEP_FOR.total_seconds() / 3600:g} hours" in wire
    assert f"at most {WINDOW} " in wire


def test_links_between_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "broker" / "README.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_test_that_an_invariant_names_is_there() -> None:
    named = re.findall(r"`((?:tests|web/ui/tests)/[^`]*)`", _read("docs/invariants.md"))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_test_that_the_stomp_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", _read("docs/stomp.md"))
    assert len(named) > 60
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).exists() or not re.search(rf"def {name}\(" if name else "", _read(path))
    ]
    assert missing == []


def test_the_numbers_on_the_stomp_page_are_the_codes() -> None:
    page, settings = _read("docs/stomp.md"), RelaySettings()
    assert f"at most {settings.unacknowledged} messages are unacknowledged" in page
    limits = settings.transactions
    assert f"{limits.open} open, {limits.frames:,} frames and {limits.size // 2**20} MiB" in page
    assert f"at most {settings.subscriptions}: {int(Code.TOO_MANY_SUBSCRIPTIONS)}" in page
    assert {int(number) for number in re.findall(r"\b4[05]\d\d\b", page)} <= {4000, 4499, 4500, 4999, *map(int, Code)}
