"""What `frieze store copy` and `frieze store reconcile` show."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from frieze.storage.copying import Copied, StoreCopy
from frieze.storage.reconciling import delete_unknown, reconcile
from wall.catalogue import Catalogue
from wall.store.base import Store


async def copy_with_progress(catalogue: Catalogue, source: Store, target: Store, *, verify: bool) -> Copied:
    """Copy with a bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        DownloadColumn(),
        TextColumn("{task.fields[objects]:,} of {task.fields[all]:,} objects"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=None, objects=0, all=0)
        done = 0

        def step(length: int) -> None:
            nonlocal done
            done += 1
            progress.update(bar, advance=length, objects=done)

        copy = StoreCopy(catalogue, source, target, verify=verify, step=step)
        count, length = await copy.size()
        progress.update(bar, total=length, all=count)
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
