"""Imports go one way, and what is pure stays pure (docs/architecture.md §1)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("frieze", "ingest", "relay", "web", "wall")
MAY_IMPORT = {
    "frieze": {"frieze", "ingest", "relay", "web", "wall"},
    "ingest": {"ingest", "wall"},
    "relay": {"relay", "wall"},
    "web": {"web", "wall"},
    "wall": {"wall"},
}
IMPURE = {"asyncio", "socket", "ssl", "time", "random", "os", "secrets", "threading", "subprocess", "uuid"}
# what each room below wall/ may know of the others
WALL_ROOMS = {"stomp", "catalogue", "broker", "store", "pictures"}
MAY_IMPORT_IN_WALL = {"broker": {"catalogue"}}


def _modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _top(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    modules = _modules(room)
    assert modules, f"{room} is empty"
    for path in modules:
        sideways = (_top(_imports(path)) & set(ROOMS)) - MAY_IMPORT[room]
        assert not sideways, f"{path.relative_to(ROOT)} imports {sideways}"


def test_the_records_and_stomp_are_pure() -> None:
    pure = [*(ROOT / "wall").glob("*.py"), *(ROOT / "wall" / "stomp").rglob("*.py")]
    assert len(pure) > 10
    for path in pure:
        assert not _top(_imports(path)) & IMPURE, f"{path.relative_to(ROOT)} is not pure"


def test_only_the_wire_needs_more_than_the_standard_library() -> None:
    for path in (ROOT / "wall").glob("*.py"):
        foreign = _top(_imports(path)) & {"pydantic", "sqlalchemy", "aiohttp", "structlog", "stomp", "PIL"}
        assert foreign <= ({"pydantic"} if path.name == "wire.py" else set()), path


def test_rooms_of_wall_know_only_what_is_allowed() -> None:
    for room in WALL_ROOMS:
        for path in (ROOT / "wall" / room).rglob("*.py"):
            others = {n.split(".")[1] for n in _imports(path) if n.startswith("wall.")} & WALL_ROOMS
            assert others <= {room} | MAY_IMPORT_IN_WALL.get(room, set()), f"{path} imports {others}"


def test_only_the_composition_root_reads_settings() -> None:
    for room in ("ingest", "relay", "web", "wall"):
        for path in _modules(room):
            text = path.read_text()
            assert "os.environ" not in text, path
            assert "getenv" not in text, path
