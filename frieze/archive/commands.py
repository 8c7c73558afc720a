"""What `frieze export` and `frieze import` show."""

from collections.abc import Callable
from pathlib import Path

from frieze.archive.exporting import Export
from frieze.archive.importing import Import
from frieze.made import sentences, until_made
from frieze.progress import progress_bar
from wall.catalogue import Catalogue
from wall.states import State
from wall.store.base import Store


async def export_and_say(
    catalogue: Catalogue, store: Store, slug: str, folder: Path, say: Callable[[str], None]
) -> bool:
    """Export with a bar; whether everything is in it."""
    with progress_bar("posts", sized=False) as bar:
        export = Export(catalogue, store, slug, folder, step=bar.step)
        bar.expect(await catalogue.archive.count(slug))
        result = await export.run()
    for sentence in result.sentences():
        say(sentence)
    return not result.failed


async def import_and_say(
    catalogue: Catalogue, store: Store, folder: Path, slug: str, say: Callable[[str], None]
) -> bool:
    """Import with a bar, and another while thumbnails are made; whether everything came through."""
    with progress_bar("posts") as bar:
        reading = Import(catalogue, store, folder, slug, step=bar.step)
        bar.expect(*await reading.read())
        result = await reading.run()
    for sentence in result.sentences():
        say(sentence)
    return await made_and_say(catalogue, slug, result.keys, say) and not result.failed


async def made_and_say(catalogue: Catalogue, slug: str, keys: list[str], say: Callable[[str], None]) -> bool:
    """Wait for the ingest parts with a bar; whether they have done everything."""
    with progress_bar("posts made", sized=False) as bar:
        bar.expect(len(keys))
        states = await until_made(catalogue, slug, keys, bar.step)
    for sentence in sentences(states):
        say(sentence)
    return not states[State.RECEIVED]
