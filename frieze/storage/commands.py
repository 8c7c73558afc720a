"""What `frieze store copy`, `reconcile`, `import` and `forget` show."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from frieze.archive.commands import made_and_say
from frieze.progress import progress_bar
from frieze.storage.copying import Copied, StoreCopy
from frieze.storage.importing import CollectionImport
from frieze.storage.reconciling import delete_unknown, reconcile
from wall.catalogue import Catalogue
from wall.catalogue.posts import POSTS_PER_TRANSACTION
from wall.errors import CatalogueError, NotFound, StoreError
from wall.store.base import Store
from wall.trouble import Trouble

WATCH_SECONDS = 5.0  # between two looks at a collection


async def copy_with_progress(catalogue: Catalogue, source: Store, target: Store, *, verify: bool) -> Copied:
    """Copy with a bar on standard error, where that is a terminal."""
    with progress_bar("objects") as bar:
        copy = StoreCopy(catalogue, source, target, verify=verify, step=bar.step)
        bar.expect(*await copy.size())
        return await copy.run()


async def reconcile_and_say(
    catalogue: Catalogue, store: Store, *, hours: float, delete: bool, say: Callable[[str], None]
) -> int:
    """Reconcile, say what was found a line each, delete when told; how many objects are missing."""
    older = timedelta(hours=hours)
    found = await reconcile(catalogue, store, datetime.now(UTC), older)
    for one in found.unknown:
        say(f"unknown {one.key} {one.length} bytes, written {one.written:%Y-%m-%d %H:%M} UTC")
    for row in found.missing:
        say(f"missing {row.key} of the media {row.media_id}, post {row.post_id}")
    size = sum(one.length for one in found.unknown)
    say(
        f"{found.objects} objects in the store; {len(found.unknown)} that no row knows ({size:,} bytes), "
        f"{len(found.missing)} that a row needs are missing."
    )
    if delete:
        tidied = await delete_unknown(store, found, older)
        say(f"Deleted {len(found.unknown)}; rolled back {tidied} writes that nobody went on with.")
    elif found.unknown:
        say("Nothing was deleted; --delete does it.")
    return len(found.missing)


async def import_and_say(
    catalogue: Catalogue,
    importing: CollectionImport,
    wall: str,
    *,
    watch: bool,
    say: Callable[[str], None],
) -> bool:
    """Import with a bar, and another while thumbnails are made; with `watch` go on until the collection is forgotten.
    Whether all are made."""
    with progress_bar("objects", sized=False) as bar:
        fresh, taken = await importing.look()
        bar.expect(len(fresh))
        await importing.take(fresh, taken, bar.step)
    say(taken.sentence)
    if not watch:
        return await made_and_say(catalogue, wall, taken.keys, say)
    say("Watching for what comes; Ctrl-C ends it.")
    await _watch(importing, say)
    return True


async def forget_and_say(catalogue: Catalogue, url: str, wall: str, *, say: Callable[[str], None]) -> None:
    """Take what a wall shows of a collection off it, and forget the collection with the last wall that shows it. Begun
    again, it goes on where it stopped. Raises NotFound."""
    known, post_ids = await catalogue.collections.end(url, wall)
    with progress_bar("posts", sized=False) as bar:
        bar.expect(len(post_ids))
        for start in range(0, len(post_ids), POSTS_PER_TRANSACTION):
            page = post_ids[start : start + POSTS_PER_TRANSACTION]
            await catalogue.collections.take_down(wall, page)
            for _ in page:
                bar.step()
    dropped = await catalogue.collections.drop(known)
    rest = "no wall shows it any more" if dropped else "other walls show it still"
    say(f"The wall {wall} has forgotten {url}: {len(post_ids)} posts taken off it; {rest}. Nothing was deleted there.")


async def _watch(importing: CollectionImport, say: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    spent, trouble = 0.0, Trouble()
    while True:
        # a large or slow collection is looked at less often: at most a twentieth of the time
        await asyncio.sleep(max(WATCH_SECONDS, 20 * spent))
        began = loop.time()
        try:
            fresh, taken = await importing.look()
            await importing.take(fresh, taken, lambda _: None)
        except NotFound as error:
            say(f"{error} Watching ends.")
            return
        except (StoreError, CatalogueError) as error:
            if not error.temporary:
                raise
            if trouble.worth_saying(str(error), loop.time()) is not None:
                say(f"Waiting: {error}")
        else:
            trouble.over()
            if fresh:
                say(f"{taken.new} new, {taken.edited} changed.")
        spent = loop.time() - began
