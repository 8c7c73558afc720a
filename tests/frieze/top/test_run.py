"""`frieze top` as it is started, in a terminal and without one."""

import os
import pty
import select
import subprocess
import sys
import time

from tests.postgres import free_port
from tests.processes import ROOT, environment, run


def test_once_without_any_relay_is_one_sentence_that_says_how_to_get_one() -> None:
    settings = {"FRIEZE_METRICS": f"127.0.0.1:{free_port()}"}
    done = run("top", "--once", settings=settings, check=False)
    assert done.returncode == 1
    assert "connection refused" in done.stderr
    assert "FRIEZE_METRICS" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_wrong_url_is_one_sentence() -> None:
    done = run("top", "https://wall.example/", settings={}, check=False)
    assert done.returncode == 1
    assert "https://wall.example/" in done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_terminal_it_draws_until_q_and_leaves_the_screen_as_it_was() -> None:
    ours, theirs = pty.openpty()
    top = subprocess.Popen(
        [sys.executable, "-m", "frieze", "top", f"127.0.0.1:{free_port()}"],
        env={**environment({}), "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    try:
        asked, end = False, time.monotonic() + 60
        while top.poll() is None or select.select([ours], [], [], 0)[0]:
            assert time.monotonic() < end, shown
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                shown += os.read(ours, 65536)
            except OSError:  # its side is closed
                break
            # two frames, then the key
            if not asked and shown.count(b"q ends") >= 2:
                asked = True
                os.write(ours, b"xq")
        assert top.wait(20) == 0
    finally:
        top.kill()
        top.wait()
        os.close(ours)
    text = shown.decode(errors="replace")
    assert "can’t be reached: connection refused" in text
    assert text.index("\x1b[?1049h") < text.index("\x1b[?1049l"), "the screen that was there is given back"
    assert "Traceback" not in text
