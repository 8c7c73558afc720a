"""A frame, drawn: calm, aligned, nothing said by colour alone, from 80×24 up."""

from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from frieze.top import figures
from frieze.top.watch import HISTORY, Frame, MediaLine, NodeLine, WallLine

WIDEST = 132  # longer lines are hard to follow
WIDE = 104  # from here on there is room for the whole minute and for `waiting`
_CHART_ROWS = 2
# Lines beside the walls' and the relays' own: title, figures, chart, two heads, four lines of counts, and the blank
# lines between; and two lines of media where there are any.
_FIXED = 16
_MEDIA = 2
# How the relays' counts are called here; others go by their own names.
_NAMES = {
    "filled": "filled",
    "gaps": "gap marks",
    "conflated": "conflated",
    "left_behind": "left behind",
    "repeated": "repeated",
    "stale": "stale",
}
_TROUBLE = "yellow"


def render(frame: Frame, *, width: int, height: int, moment: str, hint: str = "") -> RenderableType:
    """`moment` is the time to show; `hint` how to leave."""
    width = min(width, WIDEST)
    room = height - _FIXED - (0 if frame.media is None else _MEDIA)
    nodes = max(1, min(len(frame.nodes), max(room // 2, room - len(frame.walls))))
    walls = max(1, room - nodes)
    return Group(
        _title(frame, width, moment, hint),
        Text(),
        _figures(frame, width),
        Text(),
        *_chart(frame, width),
        Text(),
        _walls(frame.walls, width, walls),
        Text(),
        _nodes(frame.nodes, width, nodes),
        Text(),
        _counts(frame, width),
    )


def _title(frame: Frame, width: int, moment: str, hint: str) -> RenderableType:
    away = sum(node.trouble is not None for node in frame.nodes)
    known = len(frame.nodes) - away
    state = Text(f"{known} {'relay' if known == 1 else 'relays'}")
    if away:
        state.append(f", {away} can’t be read", style=_TROUBLE)
    line = Table.grid(expand=False, padding=0)
    line.width = width
    line.add_column(ratio=1)
    line.add_column(justify="right")
    left = Text("frieze top", style="bold").append("   ").append_text(state)
    left.stylize("not bold", len("frieze top"))
    line.add_row(left, Text(" · ".join(filter(None, (hint, moment))), style="dim"))
    return line


def _figures(frame: Frame, width: int) -> RenderableType:
    figures_row = (
        ("viewers", figures.count(frame.viewers), False),
        ("deliveries/s", figures.rate(frame.rate), False),
        ("bytes/s", figures.size(frame.bytes), False),
        ("lag p50", figures.short(frame.p50), False),
        ("lag p99", figures.short(frame.p99), frame.p99 is not None and frame.p99 > 2.0),
        ("slow", figures.count(frame.slow), False),
    )
    table = Table.grid(expand=False, padding=0)
    table.width = width
    for _ in figures_row:
        table.add_column(ratio=1, no_wrap=True)
    table.add_row(*(Text(label, style="dim") for label, _, _ in figures_row))
    table.add_row(*(Text(value, style=f"bold {_TROUBLE}" if high else "bold") for _, value, high in figures_row))
    return table


def _chart(frame: Frame, width: int) -> Iterable[RenderableType]:
    highest = figures.rate(max(frame.history, default=0.0))
    notes = (f"  {highest} at most", "  in the last minute")
    rows = figures.chart(frame.history, min(HISTORY, width - len(notes[1])), HISTORY, _CHART_ROWS)
    for row, note in zip(rows, notes, strict=True):
        yield Text(no_wrap=True).append(row, style="cyan").append(note, style="dim")


def _table(width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    table.width = width
    return table


def _walls(walls: tuple[WallLine, ...], width: int, lines: int) -> RenderableType:
    wide = width >= WIDE
    table = _table(width)
    table.add_column("wall", ratio=1, no_wrap=True, overflow="ellipsis", min_width=8)
    table.add_column("viewers", justify="right", no_wrap=True)
    table.add_column("slow", justify="right", no_wrap=True)
    if wide:
        table.add_column("waiting", justify="right", no_wrap=True)
    table.add_column("deliveries/s", justify="right", no_wrap=True)
    table.add_column("last minute", no_wrap=True)
    table.add_column("ring reaches", justify="right", no_wrap=True)
    shown = walls if len(walls) <= lines else walls[: lines - 1]
    for wall in shown:
        table.add_row(
            Text("all other topics" if wall.name == "other" else wall.name, style="bold"),
            figures.count(wall.viewers),
            Text(figures.count(wall.slow), style=_TROUBLE if wall.slow else ""),
            *([figures.count(wall.waiting)] if wide else []),
            figures.rate(wall.rate),
            Text(figures.sparkline(wall.history, 40 if wide else 20, HISTORY), style="cyan"),
            figures.age(wall.kept),
        )
    if not walls:
        table.add_row(Text("no wall yet", style="dim"))
    if len(shown) < len(walls):
        rest = walls[len(shown) :]
        more = [figures.count(sum(wall.viewers for wall in rest)), figures.count(sum(wall.slow for wall in rest))]
        if wide:
            more.append(figures.count(sum(wall.waiting for wall in rest)))
        table.add_row(f"and {len(rest)} more", *more, figures.rate(sum(wall.rate for wall in rest)), style="dim")
    return table


def _nodes(nodes: tuple[NodeLine, ...], width: int, lines: int) -> RenderableType:
    wide = width >= WIDE
    # who is in trouble is shown where there is no room for all
    ordered = nodes if len(nodes) <= lines else tuple(sorted(nodes, key=_fares_well))
    shown = ordered if len(nodes) <= lines else ordered[: lines - 1]
    rest = ordered[len(shown) :]
    names = min(max((len(node.name) for node in nodes), default=0), width // 3)
    table = _table(width)
    table.add_column("relay", no_wrap=True, overflow="ellipsis", width=max(names, 11))
    table.add_column("connections", justify="right", no_wrap=True)
    if wide:
        table.add_column("deliveries/s", justify="right", no_wrap=True)
    for name in ("cpu", "memory"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("upstream", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("heard", justify="right", no_wrap=True)
    table.add_column("behind", justify="right", no_wrap=True)
    for node in shown:
        if node.trouble is None:
            table.add_row(*_node(node, wide))
    away = Table.grid(padding=(0, 2, 0, 0))
    away.width = width
    away.add_column(no_wrap=True, overflow="ellipsis", width=max(names, 11))
    away.add_column(ratio=1, no_wrap=True, overflow="ellipsis", style=_TROUBLE)
    for node in shown:
        if node.trouble is not None:
            away.add_row(node.name, node.trouble)
    if rest:
        connections = figures.count(sum(node.connections for node in rest))
        away.add_row(f"and {len(rest)} more", Text(f"{connections} connections", style="default"), style="dim")
    return Group(table, away) if away.row_count else table


def _fares_well(node: NodeLine) -> bool:
    return node.trouble is None and node.connected is not False


def _node(node: NodeLine, wide: bool) -> Iterable[str | Text]:
    full = node.limit > 0 and node.connections >= 0.9 * node.limit
    yield node.name
    yield Text(figures.count(node.connections), style=_TROUBLE if full else "")
    if wide:
        yield figures.rate(node.rate)
    yield "–" if node.cpu is None else f"{node.cpu * 100:.0f} %"
    yield figures.size(node.memory)
    # the publisher's heads come every 5 s; a page says that it is not live after 15
    silent = node.heard is not None and node.heard > 15
    state = "the broker itself" if node.connected is None else "connected" if node.connected else "not connected"
    words = [
        "stopping" if node.stopping else "",
        f"nearly full ({figures.count(node.limit)})" if full else "",
        "silent" if silent and node.connected is not False else state,
    ]
    trouble = full or silent or node.stopping or node.connected is False
    yield Text(", ".join(filter(None, words)), style=_TROUBLE if trouble else "")
    yield f"{figures.age(node.heard)} ago" if node.heard is not None else "–"
    yield figures.short(node.lag)


def _counts(frame: Frame, width: int) -> RenderableType:
    table = Table.grid(expand=False, padding=(0, 2, 0, 0))
    table.width = width
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    known = {name: frame.counts[name] for name in _NAMES if name in frame.counts}
    others = {name: count for name, count in frame.counts.items() if name not in _NAMES and name != "admitted"}
    named = {_NAMES.get(name, name.replace("_", " ")): count for name, count in {**known, **others}.items()}
    complete, snapshot = frame.resumed.get("true", 0), frame.resumed.get("false", 0)
    if frame.media is not None:
        table.add_row("out", _out(frame.media))
        table.add_row("in", _in(frame.media))
    table.add_row("messages", _listed(named))
    table.add_row("resumed", _listed({"with all they missed": complete, "by a new snapshot": snapshot}))
    table.add_row("refused", _listed({_REASONS.get(key, key): count for key, count in frame.refused.items()}))
    table.add_row("ended", _listed(dict(sorted(frame.ended.items(), key=lambda pair: -pair[1]))))
    return table


def _out(media: MediaLine) -> Text:
    """Pictures and videos that go out, and what stood in their way since the start."""
    line = Text(f"{figures.size(media.sent)}/s", style="bold").append(" · ", style="dim")
    line.append_text(_listed({"streams": media.streams})).append(" · ", style="dim")
    line.append("cached ", style="dim").append("–" if media.hits is None else f"{media.hits * 100:.0f} %")
    trouble = {"store errors": media.store_errors, "refused": media.kept_out}
    return line.append(" · ", style="dim").append_text(_listed(trouble))


def _in(media: MediaLine) -> Text:
    """What guests send, and what of it did not arrive since the start."""
    line = Text(f"{figures.size(media.received)}/s", style="bold").append(" · uploads ", style="dim")
    full = media.slots > 0 and media.uploads >= 0.9 * media.slots
    line.append(f"{figures.count(media.uploads)} of {figures.count(media.slots)}", style=_TROUBLE if full else "")
    outcomes = {"stored": media.stored, "lost": media.lost, "refused": media.refused}
    return line.append(" · ", style="dim").append_text(_listed(outcomes))


_REASONS = {"connections": "relay full", "address": "too many of one address", "origin": "wrong origin"}


def _listed(counts: Mapping[str, int]) -> Text:
    """`filled 3 · gap marks 0`; what is not nothing stands out."""
    line = Text()
    for name, count in counts.items():
        if line:
            line.append(" · ", style="dim")
        line.append(f"{name} ", style="dim").append(figures.count(count), style="bold" if count else "dim")
    return line or Text("none", style="dim")
