"""The command line. Each command says in one sentence what went wrong, and then ends with status 1."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.table import Table

from frieze.archive.cli import export_wall, import_wall
from frieze.command import (
    Data,
    Host,
    Network,
    Port,
    Query,
    StompPort,
    WallSlug,
)
from frieze.command import out as _out
from frieze.command import settings_of as _settings
from frieze.command import show as _show
from frieze.command import with_catalogue as _with_catalogue
from frieze.hello import base_url
from frieze.parts import Part
from frieze.settings import Settings
from frieze.storage.cli import stores
from wall.catalogue import Catalogue
from wall.catalogue.walls import Wall
from wall.errors import FriezeError
from wall.states import Policy

app = typer.Typer(
    name="frieze",
    help="A self-hosted live image wall. Start with `frieze up`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
walls = typer.Typer(help="The walls there are.", no_args_is_help=True)
searches = typer.Typer(help="What each wall looks for.", no_args_is_help=True)
operators = typer.Typer(help="The people who sign in to the console.", no_args_is_help=True)
catalogues = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(walls, name="wall")
app.add_typer(searches, name="search")
app.add_typer(operators, name="operator")
app.add_typer(catalogues, name="catalogue")
app.add_typer(stores, name="store")


def main() -> None:
    """Run the command line; what went wrong is one sentence on standard error."""
    try:
        app(standalone_mode=True)
    except FriezeError as error:
        print(f"frieze: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def up(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    stomp_port: StompPort = None,
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo", help="Draw pictures to start with.")] = None,
    folder: Annotated[list[str] | None, typer.Option(help="A folder of photographs; may be repeated.")] = None,
) -> None:
    """Start everything in one process, with nothing to install beside it."""
    settings = _settings(
        data=data,
        host=host,
        port=port,
        stomp_port=stomp_port,
        demo=demo,
        folders=tuple(str(Path(name).resolve()) for name in folder) if folder else None,
    )
    _run(settings, {Part.INGEST, Part.RELAY, Part.WEB}, up=True)


@app.command()
def ingest(data: Data = None) -> None:
    """Run the ingest part alone: sweep searches, fetch pictures, make thumbnails, publish."""
    _run(_settings(data=data), {Part.INGEST})


@app.command()
def relay(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    workers: Annotated[
        str | None, typer.Option(help="Processes on the one port; auto: as many as cores.", show_default="1")
    ] = None,
) -> None:
    """Run the relay part alone: carry the broker's topics and the pictures to browsers."""
    settings = _settings(data=data, host=host, port=port, relay_workers=workers)
    if settings.relay_workers == 1:
        _run(settings, {Part.RELAY})
        return
    from frieze.workers import run_workers

    run_workers(settings)


@app.command()
def web(data: Data = None, host: Host = None, port: Port = None) -> None:
    """Run the web part alone: the wall page, the console, their API."""
    _run(_settings(data=data, host=host, port=port), {Part.WEB})


@app.command()
def check(data: Data = None) -> None:
    """Say what is configured and what can be reached; ends with status 1 when something can't."""
    from frieze.check import check_all

    results = asyncio.run(check_all(_settings(data=data)))
    table = Table(box=None, pad_edge=False, show_header=False)
    for result in results:
        mark = "[green]ok[/]" if result.ok else ("[yellow]off[/]" if result.ok is None else "[red]no[/]")
        table.add_row(mark, result.part, result.sentence)
    _out.print(table)
    if any(result.ok is False for result in results):
        raise typer.Exit(1)


@app.command()
def post(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Pictures, shown as one post.")],
    wall: Annotated[str, typer.Option(help="The wall to show them on.")] = "main",
    text: Annotated[str, typer.Option(help="What to say beside them.")] = "",
    author: Annotated[str, typer.Option(help="Whose pictures they are.")] = "Frieze",
    data: Data = None,
) -> None:
    """Put pictures on a wall from the command line. An ingest part must be running to show them."""
    settings = _settings(data=data)

    from frieze.posting import post_files
    from frieze.store import configured_store

    async def run(catalogue: Catalogue) -> None:
        store = configured_store(settings)
        await post_files(catalogue, store, files, wall=wall, text=text, author=author, say=_out.print)

    _with_catalogue(settings, run)


app.command("export")(export_wall)
app.command("import")(import_wall)


@app.command()
def listen(wall: WallSlug, data: Data = None, stomp_port: StompPort = None) -> None:
    """Print each event of a wall as a line of JSON, as it comes over STOMP."""
    settings = _settings(data=data, stomp_port=stomp_port)
    from frieze.listen import listen_to

    asyncio.run(listen_to(settings, wall, lambda line: print(line, flush=True)))


@app.command()
def alive(
    part: Annotated[str, typer.Argument(metavar="PART", help="ingest, relay, web or store.")], data: Data = None
) -> None:
    """Say whether the part on this host does its work; ends with status 1 when it does not."""
    from frieze.alive import alive as look

    life = look(_settings(data=data), part)
    _out.print(life.sentence, markup=False)
    if not life.ok:
        raise typer.Exit(1)


@app.command()
def top(
    urls: Annotated[
        list[str] | None,
        typer.Argument(metavar="[URL]…", help="The relays' metrics, as http://10.0.0.5:9464.", show_default=False),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one frame and end.")] = False,
) -> None:
    """Watch the relays in the terminal: walls, viewers, rates, slow ones, upstream. q or Ctrl-C ends it.

    Without a URL it is FRIEZE_METRICS of this machine, with all workers.
    """
    from frieze.top.run import run_top

    run_top(_settings(), urls or (), once=once)


@app.command()
def migrate(data: Data = None) -> None:
    """Bring the database to the shape this version needs; the parts of a grown installation wait for it."""
    settings = _settings(data=data)

    async def run(catalogue: Catalogue) -> None:
        await catalogue.migrate()
        _out.print("The catalogue is up to date.")

    _with_catalogue(settings, run, migrate=False)


@walls.command("add")
def wall_add(
    slug: WallSlug,
    title: Annotated[str | None, typer.Option(help="What it is called on the page.")] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Wait for an operator before anything is shown.")] = False,
    secret: Annotated[bool, typer.Option("--secret", help="Only who has its link may see it.")] = False,
    data: Data = None,
) -> None:
    """Add a wall: a public one, or with --secret one that needs its link (`frieze wall link`). That never changes."""
    settings = _settings(data=data)

    async def run(catalogue: Catalogue) -> None:
        policy = Policy.HOLD if hold else Policy.OPEN
        wall = await catalogue.walls.add(slug, title or slug, policy, secret=secret)
        if wall.secret:
            await _print_link(settings, catalogue, wall)
        else:
            _out.print(f"The wall {wall.slug} is at /w/{wall.slug}.")

    _with_catalogue(settings, run)


@walls.command("set")
def wall_set(
    slug: WallSlug,
    title: Annotated[str | None, typer.Option(help="What it is called on the page.")] = None,
    hold: Annotated[
        bool | None, typer.Option("--hold/--open", help="Wait for an operator, or show new posts at once.")
    ] = None,
    retention: Annotated[
        int | None, typer.Option(metavar="HOURS", help="How long the bytes of what was taken off it are kept.")
    ] = None,
    downloads: Annotated[
        bool | None, typer.Option("--downloads/--no-downloads", help="Let viewers have the originals, or not.")
    ] = None,
    data: Data = None,
) -> None:
    """Change a wall; what is not given stays. An original may say where and when its picture was taken."""

    async def run(catalogue: Catalogue) -> None:
        policy = None if hold is None else Policy.HOLD if hold else Policy.OPEN
        wall = await catalogue.walls.change(slug, title=title, policy=policy, retention=retention, downloads=downloads)
        originals = "viewers may have originals" if wall.downloads else "originals stay private"
        _out.print(
            f"The wall {wall.slug}, {wall.title!r}: {wall.policy.value}, keeps what was taken off it for "
            f"{wall.retention} hours, {originals}.",
            markup=False,
        )

    _with_catalogue(_settings(data=data), run)


@walls.command("link")
def wall_link(
    slug: WallSlug,
    renew: Annotated[bool, typer.Option("--renew", help="Make a new one; the old one opens nothing more.")] = False,
    data: Data = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Print the link of a secret wall: whoever has it sees the wall."""
    settings = _settings(data=data, host=host, port=port)

    async def run(catalogue: Catalogue) -> None:
        wall = await (catalogue.links.renew(slug) if renew else catalogue.walls.get(slug))
        await _print_link(settings, catalogue, wall)

    _with_catalogue(settings, run)


async def _print_link(settings: Settings, catalogue: Catalogue, wall: Wall) -> None:
    # behind the #, a browser keeps it to itself: no server, proxy or log along the way ever sees the key
    print(f"{base_url(settings)}/w/{wall.slug}#key={await catalogue.links.key(wall)}")
    if urlsplit(settings.viewer_url).path != "/stomp":
        print("frieze: FRIEZE_VIEWER_URL leads to the broker; a secret wall needs a relay, /stomp.", file=sys.stderr)


@walls.command("guests")
def wall_guests(
    slug: WallSlug,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Whether guests may add pictures.")] = None,
    data: Data = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Let guests add pictures to a wall, and print where they do it. What they may add is set in the console."""
    settings = _settings(data=data, host=host, port=port)

    async def run(catalogue: Catalogue) -> None:
        changes = {} if on is None else {"enabled": on}
        wall = await catalogue.walls.change(slug, uploads=changes) if changes else await catalogue.walls.get(slug)
        if not wall.uploads.enabled:
            print(f"frieze: guests can't add anything to the wall {slug}; --on lets them.", file=sys.stderr)
            return
        key = f"#key={await catalogue.links.adding_key(wall)}" if wall.secret else ""
        print(f"{base_url(settings)}/w/{wall.slug}/add{key}")

    _with_catalogue(settings, run)


@walls.command("list")
def wall_list(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False, data: Data = None
) -> None:
    """List the walls."""

    async def run(catalogue: Catalogue) -> None:
        rows = [
            {
                "slug": wall.slug,
                "title": wall.title,
                "policy": wall.policy.value,
                "visibility": "secret" if wall.secret else "public",
                "retention": wall.retention,
                "downloads": wall.downloads,
                "cursor": str(wall.cursor),
                "confirmed": wall.confirmed,
            }
            for wall in await catalogue.walls.all()
        ]
        _show(rows, as_json)

    _with_catalogue(_settings(data=data), run)


@searches.command("add")
def search_add(wall: WallSlug, network: Network, query: Query, data: Data = None) -> None:
    """Look for QUERY on NETWORK from now on."""

    async def run(catalogue: Catalogue) -> None:
        from frieze.sources import query_check

        query_check(network)(query)
        search = await catalogue.searches.add(wall, network, query)
        _out.print(f"The wall {search.wall} now looks for {search.query!r} on {search.network}.", markup=False)

    _with_catalogue(_settings(data=data), run)


@searches.command("list")
def search_list(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False, data: Data = None
) -> None:
    """List what the walls look for, with each search's last result and last error."""

    async def run(catalogue: Catalogue) -> None:
        rows = [
            {
                "wall": search.wall,
                "network": search.network,
                "query": search.query,
                "state": "on" if search.enabled else "paused",
                "result": search.note,
                "error": search.error or "",
            }
            for search in await catalogue.searches.all()
        ]
        _show(rows, as_json)

    _with_catalogue(_settings(data=data), run)


@searches.command("pause")
def search_pause(wall: WallSlug, network: Network, query: Query, data: Data = None) -> None:
    """Stop looking for a while; `search add` goes on where it stopped."""

    async def run(catalogue: Catalogue) -> None:
        search = await catalogue.searches.find(wall, network, query)
        await catalogue.searches.enable(search.id, enabled=False)
        _out.print("Paused.")

    _with_catalogue(_settings(data=data), run)


@searches.command("remove")
def search_remove(wall: WallSlug, network: Network, query: Query, data: Data = None) -> None:
    """Stop looking and forget where it stopped; the posts it found stay."""

    async def run(catalogue: Catalogue) -> None:
        search = await catalogue.searches.find(wall, network, query)
        await catalogue.searches.remove(search.id)
        _out.print("Removed.")

    _with_catalogue(_settings(data=data), run)


@operators.command("link")
def operator_link(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who signs in with it.")],
    data: Data = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Print a link that signs NAME in to the console, once, within 24 hours."""
    settings = _settings(data=data, host=host, port=port)

    async def run(catalogue: Catalogue) -> None:
        token = await catalogue.operators.link(name)
        print(f"{base_url(settings)}/console/sign-in?token={token}")

    _with_catalogue(settings, run)


@catalogues.command("new-epoch")
def catalogue_new_epoch(data: Data = None) -> None:
    """Begin a new life of every wall's counter: a mandatory step after a restore from a backup."""

    async def run(catalogue: Catalogue) -> None:
        for wall in await catalogue.walls.new_epoch():
            _out.print(f"The wall {wall.slug} counts from {wall.cursor} now.")

    _with_catalogue(_settings(data=data), run)


def _run(settings: Settings, parts: set[Part], *, up: bool = False) -> None:
    # each command loads what it needs, so that `--help` and the small ones answer at once
    from frieze.run import run_parts

    run_parts(settings, parts, up=up)
