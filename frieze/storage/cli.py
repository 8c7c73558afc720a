"""`frieze store …`: the commands about bytes."""

from typing import Annotated

import typer

from frieze.command import Data, Host, Port, out, settings_of, show, with_catalogue
from wall.catalogue import Catalogue

stores = typer.Typer(help="Where the bytes of pictures and videos lie.", no_args_is_help=True)


@stores.command("serve")
def store_serve(data: Data = None, host: Host = None, port: Port = None) -> None:
    """Serve the configured store to other parts as http://HOST:PORT, so that only this process has its password."""
    from frieze.storage.serving import run_service

    run_service(settings_of(data=data, host=host, port=port))


@stores.command("copy")
def store_copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A store's URL, as in FRIEZE_STORE_URL.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Another store's URL.")],
    verify: Annotated[bool, typer.Option("--verify", help="Compare what is there already as well.")] = False,
    data: Data = None,
) -> None:
    """Copy all bytes that the catalogue knows; run again, it goes on where it stopped.

    One of the two is FRIEZE_STORE_URL, with its user and password; the other one has FRIEZE_STORE_OTHER_USER and
    FRIEZE_STORE_OTHER_PASSWORD, where it needs them.
    """
    from frieze.storage.commands import copy_with_progress
    from frieze.store import named_store

    settings = settings_of(data=data)

    async def run(catalogue: Catalogue) -> None:
        async with named_store(settings, source) as from_, named_store(settings, target) as to:
            copied = await copy_with_progress(catalogue, from_, to, verify=verify)
        for sentence in copied.sentences():
            out.print(sentence, markup=False)
        if not copied.complete:
            raise typer.Exit(1)

    with_catalogue(settings, run)


@stores.command("import")
def store_import(
    url: Annotated[str, typer.Argument(metavar="URL", help="disk:DIR, swift://…, s3://…, gs://… or az://….")],
    wall: Annotated[str, typer.Option(help="The wall to show them on.")],
    prefix: Annotated[str, typer.Option(help="Only objects whose names begin with this.")] = "",
    author: Annotated[
        str | None, typer.Option(help="Whose pictures they are.", show_default="the name of their folder")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and show what comes.")] = False,
    data: Data = None,
) -> None:
    """Put pictures and videos that lie in a container, bucket or folder on a wall, without copying them.

    They are read where they lie, by every part that serves or makes pictures, and never changed or deleted. The user is
    FRIEZE_STORE_OTHER_USER with FRIEZE_STORE_OTHER_PASSWORD, or without these the store's own where URL is on the same
    host. Where FRIEZE_STORE_URL is a store service, that one reads for all: there are the user and, naming URL,
    FRIEZE_STORE_COLLECTIONS. Run again, it takes what is new or was changed. An ingest part must be running. What was
    imported leaves the wall by `frieze store forget`.

    Example: frieze store import "swift://swift.example/photos?auth=v1" --wall party --prefix 2026/ --watch
    """
    from frieze.storage.commands import import_and_say
    from frieze.storage.importing import CollectionImport
    from frieze.store import collection_at
    from wall.store.collections import check_apart
    from wall.store.collections.base import look_at

    settings = settings_of(data=data)

    async def run(catalogue: Catalogue) -> None:
        await catalogue.walls.get(wall)
        address = check_apart(url, settings.store)
        collection = collection_at(settings, address)
        try:
            await look_at(collection, prefix)  # one that is not there is not remembered
            showing = await catalogue.collections.show(address, wall)
            importing = CollectionImport(catalogue, collection, showing, prefix=prefix, author=author)
            complete = await import_and_say(catalogue, importing, wall, watch=watch, say=print)
        finally:
            await collection.close()
        if not complete:
            raise typer.Exit(1)

    with_catalogue(settings, run)


@stores.command("collections")
def store_collections(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False, data: Data = None
) -> None:
    """List what `frieze store import` has put on walls, with how many posts of it stand there now."""

    async def run(catalogue: Catalogue) -> None:
        rows = [
            {
                "wall": showing.wall,
                "url": showing.collection.url,
                "since": showing.since.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "posts": await catalogue.collections.standing(showing),
            }
            for showing in await catalogue.collections.showings()
        ]
        show(rows, as_json)

    with_catalogue(settings_of(data=data), run)


@stores.command("forget")
def store_forget(
    url: Annotated[str, typer.Argument(metavar="URL", help="As `frieze store collections` lists it.")],
    wall: Annotated[str, typer.Option(help="The wall that shows it.")],
    data: Data = None,
) -> None:
    """Take what `frieze store import` put on a wall off it again, for good, and end watching.

    Whatever its names begin with. Nothing is deleted where the pictures lie; what Frieze has made of them is, within a
    minute. Other walls go on showing the collection. Imported again, it is put on the wall anew.

    Example: frieze store forget disk:/srv/photos --wall party
    """
    from frieze.storage.commands import forget_and_say
    from wall.store.collections import address_of

    async def run(catalogue: Catalogue) -> None:
        await catalogue.walls.get(wall)
        await forget_and_say(catalogue, address_of(url), wall, say=print)

    with_catalogue(settings_of(data=data), run)


@stores.command("reconcile")
def store_reconcile(
    delete: Annotated[bool, typer.Option("--delete", help="Delete what no row knows.")] = False,
    hours: Annotated[float, typer.Option("--older", help="Leave alone what is younger, in hours.", min=1.0)] = 24,
    data: Data = None,
) -> None:
    """List stored objects that no row knows, and rows whose object is missing; the latter end it with status 1."""
    from frieze.storage.commands import reconcile_and_say
    from frieze.store import configured_store

    settings = settings_of(data=data)

    async def run(catalogue: Catalogue) -> None:
        async with configured_store(settings) as store:
            missing = await reconcile_and_say(catalogue, store, hours=hours, delete=delete, say=print)
        if missing:
            raise typer.Exit(1)

    with_catalogue(settings, run)
