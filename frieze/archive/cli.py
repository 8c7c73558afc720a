"""`frieze export` and `frieze import`."""

from pathlib import Path
from typing import Annotated

import typer

from frieze.command import Data, WallSlug, settings_of, with_catalogue
from wall.catalogue import Catalogue


def export_wall(
    wall: WallSlug,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An empty folder, or an earlier export of this wall.")],
    data: Data = None,
) -> None:
    """Write what stands on a wall into a folder: the originals, and an index.json (docs/export.md).

    Run again, it goes on where it stopped, writes what is new and drops what was taken off the wall.

    Example: frieze export party /backup/party
    """
    settings = settings_of(data=data)

    from frieze.archive.commands import export_and_say
    from frieze.store import wide_store

    async def run(catalogue: Catalogue) -> None:
        async with wide_store(settings, catalogue) as store:
            complete = await export_and_say(catalogue, store, wall, folder, print)
        if not complete:
            raise typer.Exit(1)

    with_catalogue(settings, run)


def import_wall(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `frieze export` has written.")],
    wall: Annotated[str, typer.Option(help="The wall to put it on.")],
    data: Data = None,
) -> None:
    """Put an exported wall on a wall: the same posts, authors, texts and times. An ingest part must be running.

    The wall's policy decides, as for new posts. What the wall knows already stays as it is, so it may be run again.

    Example: frieze import /backup/party --wall party-2027
    """
    settings = settings_of(data=data)

    from frieze.archive.commands import import_and_say
    from frieze.store import configured_store

    async def run(catalogue: Catalogue) -> None:
        async with configured_store(settings) as store:
            complete = await import_and_say(catalogue, store, folder, wall, print)
        if not complete:
            raise typer.Exit(1)

    with_catalogue(settings, run)
