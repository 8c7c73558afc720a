"""What the commands of the command line share: their usual options, their settings, an open catalogue."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from frieze import logs
from frieze.folder import data_folder
from frieze.networks import NETWORKS
from frieze.settings import Settings, load, unknown_keys
from wall.catalogue import Catalogue

out = Console(highlight=False, soft_wrap=True)

Data = Annotated[Path | None, typer.Option("--data", help="The data folder.", show_default="data")]
Host = Annotated[str | None, typer.Option("--host", help="Listen on this address.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option("--port", help="Listen on this port.", show_default="8080")]
StompPort = Annotated[
    int | None, typer.Option("--stomp-port", help="The embedded broker's STOMP port.", show_default="61613")
]
WallSlug = Annotated[str, typer.Argument(metavar="WALL", help="The wall's short name, such as main.")]
Network = Annotated[str, typer.Argument(metavar="NETWORK", help=f"One of {', '.join(NETWORKS)}.")]
Query = Annotated[str, typer.Argument(metavar="QUERY", help="What to look for, in the network's own words.")]


def settings_of(**overrides: Any) -> Settings:
    """The settings with these options; tells of variables that are none. Raises SettingsError."""
    settings = load(**overrides)
    logs.configure(settings.log_format, settings.log_level)
    for name in unknown_keys(os.environ):
        print(f"frieze: {name} is no setting of Frieze and was ignored; see docs/settings.md.", file=sys.stderr)
    return settings


def with_catalogue(settings: Settings, run: Callable[[Catalogue], Awaitable[None]], *, migrate: bool = True) -> None:
    """Run with an open catalogue, which on SQLite is brought to the shape that this version needs."""

    async def session() -> None:
        async with _opened(settings, migrate=migrate) as catalogue:
            await run(catalogue)

    asyncio.run(session())


@asynccontextmanager
async def _opened(settings: Settings, *, migrate: bool) -> AsyncGenerator[Catalogue]:
    if settings.database.startswith("sqlite"):
        data_folder(settings.data)
    catalogue = Catalogue(settings.database)
    try:
        if migrate and settings.database.startswith("sqlite"):
            await catalogue.migrate()
        yield catalogue
    finally:
        await catalogue.close()


def show(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print rows, which all have the same columns: a table, or one JSON object a line."""
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    if not rows:
        out.print("None yet.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    out.print(table)
