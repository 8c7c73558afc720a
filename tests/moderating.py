"""An operator's hand, from a process that publishes nothing itself."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from wall.catalogue import Catalogue
from wall.states import ActionKind


def act(database_url: str, post_id: str, kind: ActionKind) -> None:
    """Do `kind` to a post as it stands now."""

    async def run() -> None:
        catalogue = Catalogue(database_url)
        post = await catalogue.posts.get(post_id)
        await catalogue.moderation.act(post_id, kind, operator="eve", state=post.state, revision=post.post.revision)
        await catalogue.close()

    # Playwright's loop may run in this thread, so the catalogue gets a thread of its own
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(run())).result(30)
