"""What a frame looks like: it fits, and says everything in words."""

import io

import pytest
from rich.console import Console

from frieze.top.view import render
from frieze.top.watch import Frame, MediaLine, NodeLine, WallLine


def frame(walls: int = 3, nodes: int = 2) -> Frame:
    """A frame with trouble in it: the last relay is away, the first wall has slow viewers."""
    history = tuple(float(second % 9) for second in range(60))
    lines = [WallLine(f"wall-{n}", 3902 - n, 10 if n == 0 else 0, 0, 78_014.0, history, 598.0) for n in range(walls)]
    relays = [
        NodeLine(f"10.0.0.{n}:9464", None, 2006, 20_000, 7, 40_000.0, 0.34, 88.1e6, True, 2.1, 0.012)
        for n in range(nodes - 1)
    ]
    return Frame(
        walls=tuple(lines),
        nodes=(*relays, NodeLine("10.0.0.99:9464", trouble="can’t be reached: connection refused")),
        viewers=4057,
        slow=12,
        rate=80_258.0,
        bytes=92.1e6,
        p50=0.0012,
        p99=0.038,
        history=history,
        counts={"gaps": 2, "filled": 3, "conflated": 88, "something_new": 1},
        resumed={"true": 1020, "false": 22},
        refused={"origin": 3, "tokens": 1},
        ended={"goodbye": 930, "too slow": 940},
        media=MediaLine(81.3e6, 240, 0.987, 4, 12, 9.4e6, 61, 64, 1_204, 3, 17),
    )


def drawn(shown: Frame, width: int = 80, height: int = 24) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, record=True)
    console.print(render(shown, width=width, height=height, moment="12:03:41", hint="q ends"))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [80, 100, 132, 250])
@pytest.mark.parametrize(("walls", "nodes"), [(0, 1), (1, 1), (3, 2), (1, 30), (70, 1), (70, 30)])
def test_a_frame_fits_the_terminal(width: int, walls: int, nodes: int) -> None:
    lines = drawn(frame(walls, nodes), width=width)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= width


def test_the_figures_are_there() -> None:
    text = "\n".join(drawn(frame()))
    for figure in ("4,057", "80,258", "92.1 MB", "1.2 ms", "38 ms", "9 m 58 s", "2 s ago", "34 %", "88.1 MB"):
        assert figure in text


def test_trouble_is_said_in_words() -> None:
    text = "\n".join(drawn(frame()))
    assert "1 relay, 1 can’t be read" in text
    assert "can’t be reached: connection refused" in text
    assert "gap marks 2" in text
    assert "conflated 88" in text
    assert "something new 1" in text


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (NodeLine("a", connected=False, heard=31.0), "not connected"),
        (NodeLine("a", connected=True, heard=31.0), "silent"),
        (NodeLine("a", connected=None, heard=1.0), "the broker itself"),
        (NodeLine("a", connected=True, stopping=True), "stopping, connected"),
        (NodeLine("a", connected=True, connections=19_000, limit=20_000), "nearly full (20,000), connected"),
    ],
)
def test_a_relay_in_trouble_is_described(node: NodeLine, said: str) -> None:
    assert said in "\n".join(drawn(Frame(nodes=(node,)), width=120))


def test_walls_without_room_are_summed_up() -> None:
    text = "\n".join(drawn(frame(walls=20, nodes=1)))
    assert "wall-0 " in text
    assert "and 16 more" in text


def test_relays_in_trouble_are_shown_before_the_others_where_there_is_no_room() -> None:
    text = "\n".join(drawn(frame(walls=8, nodes=30)))
    assert "10.0.0.99:9464" in text
    assert "more" in text


def test_the_most_frequent_end_is_named_first_and_an_unknown_reason_by_its_name() -> None:
    lines = drawn(frame())
    [ended] = [line for line in lines if line.startswith("ended")]
    [refused] = [line for line in lines if line.startswith("refused")]
    assert ended.index("too slow") < ended.index("goodbye")
    assert "wrong origin 3" in refused
    assert "tokens 1" in refused


def test_pictures_and_videos_have_a_line_out_and_a_line_in() -> None:
    lines = drawn(frame())
    [out] = [line for line in lines if line.startswith("out")]
    [into] = [line for line in lines if line.startswith("in ")]
    assert "81.3 MB/s · streams 240 · cached 99 % · store errors 4 · refused 12" in out
    assert "9.4 MB/s · uploads 61 of 64 · stored 1,204 · lost 3 · refused 17" in into


def test_where_no_relay_has_pictures_there_is_no_line_for_them() -> None:
    assert not [line for line in drawn(Frame()) if line.startswith(("out", "in "))]


def test_nothing_yet_is_a_frame_too() -> None:
    text = "\n".join(drawn(Frame()))
    assert "no wall yet" in text
    assert "0 relays" in text
