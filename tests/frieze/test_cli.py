"""The command line as people use it: subprocesses, their output, their status."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.fakes.waiting import until_blocking
from tests.photographs import photograph
from tests.postgres import free_port
from tests.processes import ROOT, Frieze, frieze, run


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {
        "FRIEZE_DATA": str(tmp_path / "data"),
        "FRIEZE_PORT": str(free_port()),
        "FRIEZE_STOMP_PORT": str(free_port()),
    }


@pytest.fixture
def up(settings: dict[str, str], tmp_path: Path) -> Generator[Frieze]:
    with frieze("up", "--no-demo", settings=settings, folder=tmp_path) as process:
        process.until_ready(f"http://127.0.0.1:{settings['FRIEZE_PORT']}")
        process.until_log(r"Ctrl-C stops it")
        yield process


def test_every_command_explains_itself(settings: dict[str, str]) -> None:
    shown = run("--help", settings=settings).stdout
    for command in ("up", "ingest", "relay", "web", "check", "post", "listen", "top", "wall", "search", "operator"):
        assert command in shown
    assert "QUERY" in run("search", "add", "--help", settings=settings).stdout


def test_walls_and_searches_are_added_listed_paused_and_removed(settings: dict[str, str]) -> None:
    run("wall", "add", "stage", "--title", "The stage", "--hold", settings=settings)
    walls = [json.loads(line) for line in run("wall", "list", "--json", settings=settings).stdout.splitlines()]
    assert [(wall["slug"], wall["policy"]) for wall in walls] == [("main", "open"), ("stage", "hold")]
    run("search", "add", "stage", "x", "#frieze", settings=settings)
    run("search", "pause", "stage", "x", "#frieze", settings=settings)
    [search] = [json.loads(line) for line in run("search", "list", "--json", settings=settings).stdout.splitlines()]
    assert (search["wall"], search["query"], search["state"]) == ("stage", "#frieze", "paused")
    run("search", "remove", "stage", "x", "#frieze", settings=settings)
    assert run("search", "list", settings=settings).stdout.strip() == "None yet."


def test_a_stop_ends_event_streams_with_a_word(up: Frieze, settings: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{settings['FRIEZE_PORT']}/api/walls/main/stream"
    with urllib.request.urlopen(url, timeout=30) as stream:
        while not (line := stream.readline()).startswith(b"event: hello"):
            assert line
        up.process.send_signal(signal.SIGINT)
        rest = stream.read()
    assert b"event: ended" in rest
    assert b"retry: " in rest
    assert up.process.wait(5) == 0, up.log
    assert "Traceback" not in up.log


def test_a_wall_is_changed_in_what_is_given(settings: dict[str, str]) -> None:
    said = run("wall", "set", "main", "--retention", "48", "--downloads", settings=settings).stdout
    assert "keeps what was taken off it for 48 hours, viewers may have originals" in said
    run("wall", "set", "main", "--title", "The hall", "--hold", "--no-downloads", settings=settings)
    wall = json.loads(run("wall", "list", "--json", settings=settings).stdout)
    assert (wall["title"], wall["policy"], wall["retention"], wall["downloads"]) == ("The hall", "hold", 48, False)


def test_the_link_of_a_secret_wall_is_printed_alone_and_renewed(settings: dict[str, str]) -> None:
    added = run("wall", "add", "party", "--secret", settings=settings).stdout
    link = run("wall", "link", "party", settings=settings).stdout
    assert link == added
    assert re.fullmatch(rf"http://127\.0\.0\.1:{settings['FRIEZE_PORT']}/w/party#key=[a-z2-7]{{26}}\n", link)
    renewed = run("wall", "link", "party", "--renew", settings=settings).stdout
    assert renewed != link
    assert run("wall", "link", "party", settings=settings).stdout == renewed
    refused = run("wall", "guests", "main", settings=settings)
    assert (refused.stdout, "--on lets them" in refused.stderr) == ("", True)
    assert run("wall", "guests", "main", "--on", settings=settings).stdout.endswith("/w/main/add\n")
    adding = run("wall", "guests", "party", "--on", settings=settings).stdout
    assert re.search(r"/w/party/add#key=[a-z2-7]{26}\n$", adding)
    assert adding.partition("#")[2] != renewed.partition("#")[2]
    walls = [json.loads(line) for line in run("wall", "list", "--json", settings=settings).stdout.splitlines()]
    assert [wall["visibility"] for wall in walls] == ["public", "secret"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("wall", "add", "Not A Slug"), "can't name a wall"),
        (("wall", "add", "main"), "There is a wall named main already."),
        (("wall", "link", "main"), "The wall main is public"),
        (("wall", "link", "nobody"), "There is no wall named nobody."),
        (("wall", "set", "nobody", "--hold"), "There is no wall named nobody."),
        (("wall", "set", "main", "--retention", "-1"), "Bytes are kept for 0 to"),
        (("search", "add", "main", "myspace", "x"), "no network Frieze can search"),
        (("search", "add", "nowhere", "x", "#a"), "There is no wall named nowhere."),
        (("search", "pause", "main", "x", "#never"), "does not look for"),
        (("post", "no-such-file.jpg"), "can't be read"),
        (("ingest",), "FRIEZE_BROKER_URL"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_a_status(
    settings: dict[str, str], command: tuple[str, ...], said: str
) -> None:
    done = run(*command, settings=settings, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_taken_port_is_named_with_the_option_that_changes_it(settings: dict[str, str]) -> None:
    for variable, option in (("FRIEZE_PORT", "--port"), ("FRIEZE_STOMP_PORT", "--stomp-port")):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = str(other.getsockname()[1])
            done = run("up", settings={**settings, variable: taken}, check=False)
        assert done.returncode == 1
        assert f"The port {taken}" in done.stderr
        assert option in done.stderr
        assert "Traceback" not in done.stderr


def test_a_folder_that_cant_be_written_is_named(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    done = run("up", "--data", str(tmp_path / "a-file" / "data"), settings=settings, check=False)
    assert done.returncode == 1
    assert "can't be written" in done.stderr
    assert "--data" in done.stderr


def test_a_misspelt_setting_is_reported_by_name(settings: dict[str, str]) -> None:
    done = run("wall", "list", settings={**settings, "FRIEZE_BROKER_PASWORD": "x"})
    assert "FRIEZE_BROKER_PASWORD is no setting" in done.stderr


def test_a_posted_picture_is_heard_by_a_listener(up: Frieze, settings: dict[str, str], tmp_path: Path) -> None:
    with frieze("listen", "main", settings=settings, folder=tmp_path) as listener:
        listener.until_log(r'"kind":"head"')
        shown = run("post", str(photograph("china.jpg")), "--text", "A temple", settings=settings)
        assert "On the wall" in shown.stdout
        line = listener.until_log(r'\{.*"kind":"published".*\}')
        assert json.loads(line[0])["post"]["text"] == "A temple"


def test_a_file_that_is_no_picture_is_refused_in_words(up: Frieze, settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a picture")
    done = run("post", str(tmp_path / "text.jpg"), settings=settings, check=False)
    assert done.returncode == 1
    assert "picture" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sign_in_link_leads_to_this_installation(settings: dict[str, str]) -> None:
    link = run("operator", "link", "Ada", settings=settings).stdout.strip()
    assert link.startswith(f"http://127.0.0.1:{settings['FRIEZE_PORT']}/console/sign-in?token=")


def test_check_says_what_is_reachable(up: Frieze, settings: dict[str, str]) -> None:
    done = run("check", settings=settings)
    for part in ("settings", "page", "database", "store", "broker", "x"):
        assert part in done.stdout
    assert "Signed in as frieze" in done.stdout


def test_check_names_what_is_not(settings: dict[str, str], tmp_path: Path) -> None:
    wrong = {
        **settings,
        "FRIEZE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "FRIEZE_STORE_URL": f"disk:{tmp_path / 'file' / 'store'}",
        "FRIEZE_BROKER_URL": "stomp://frieze:x@127.0.0.1:1",
        "FRIEZE_X_BEARER_TOKEN": "wrong",
        "FRIEZE_X_API_URL": "http://127.0.0.1:1",
    }
    (tmp_path / "file").write_text("")
    done = run("check", settings=wrong, check=False)
    assert done.returncode == 1
    broken = re.findall(r"^no +(\w+)", done.stdout, re.MULTILINE)
    assert broken == ["database", "store", "broker", "x"]
    assert "Traceback" not in done.stderr


def test_a_new_epoch_is_newer_than_the_old_one(settings: dict[str, str]) -> None:
    def cursor() -> str:
        return str(json.loads(run("wall", "list", "--json", settings=settings).stdout)["cursor"])

    before = cursor()
    run("catalogue", "new-epoch", settings=settings)
    assert cursor() > before


def test_the_documents_ten_line_subscriber_hears_a_post(up: Frieze, settings: dict[str, str], tmp_path: Path) -> None:
    [script] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "wire.md").read_text(), re.DOTALL)
    output = tmp_path / "subscriber.log"
    with output.open("wb") as file:
        subscriber = subprocess.Popen(
            [sys.executable, "-u", "-c", script.replace("61613", settings["FRIEZE_STOMP_PORT"])],
            stdout=file,
            stderr=file,
        )
    try:
        until_blocking(lambda: "head" in output.read_text(), "a head")
        run("post", str(photograph("flower.jpg")), "--text", "A flower", settings=settings)
        until_blocking(lambda: "1 published A flower" in output.read_text(), "the post")
    finally:
        subscriber.kill()
        subscriber.wait()


def test_a_secret_wall_is_heard_by_a_listener_too(up: Frieze, settings: dict[str, str], tmp_path: Path) -> None:
    run("wall", "add", "party", "--secret", settings=settings)
    with frieze("listen", "party", settings=settings, folder=tmp_path) as listener:
        assert '"wall":"party"' in listener.until_log(r'\{.*"kind":"head".*\}')[0]
