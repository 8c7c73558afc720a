"""The page's build hook: what it skips, and what it says when it can't."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_page", ROOT / "script" / "build_page.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build_page = load()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    ui = tmp_path / "web" / "ui"
    ignore = shutil.ignore_patterns("node_modules")
    shutil.copytree(ROOT / "web" / "ui", ui, ignore=ignore)
    return tmp_path


def test_every_source_file_counts_for_the_digest(checkout: Path) -> None:
    ui = checkout / "web" / "ui"
    seen = {build_page.digest_of(ui)}
    for name in ("package-lock.json", "wall.html", "vite.config.ts", "src/tokens.css", "src/wall/feed.ts"):
        path = ui / name
        path.write_text(path.read_text() + "\n")
        seen.add(build_page.digest_of(ui))
    assert len(seen) == 6


def test_what_npm_installs_does_not_count_for_the_digest(checkout: Path) -> None:
    ui = checkout / "web" / "ui"
    before = build_page.digest_of(ui)
    (ui / "node_modules" / "lit").mkdir(parents=True)
    (ui / "node_modules" / "lit" / "index.ts").write_text("")
    assert build_page.digest_of(ui) == before


def test_a_page_built_from_the_same_sources_is_left_alone(checkout: Path) -> None:
    static = checkout / "web" / "static"
    static.mkdir()
    (static / "wall.html").write_text("built before")
    (static / ".built").write_text(build_page.digest_of(checkout / "web" / "ui"))
    assert build_page.build(checkout) is False
    assert (static / "wall.html").read_text() == "built before"


def test_an_unreachable_registry_is_said_in_a_sentence_that_helps(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Port 9 of this machine: nobody listens there, and the refusal is immediate.
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    with pytest.raises(build_page.PageError, match="registry can't be reached") as caught:
        build_page.build(checkout)
    assert "\n" not in str(caught.value)
    assert not (checkout / "web" / "static" / ".built").exists()
