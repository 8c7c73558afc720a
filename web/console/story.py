"""What was done to a post, by whom and why."""

from sqlalchemy import select

from wall.catalogue import Catalogue
from wall.catalogue import tables as t
from wall.states import ActionKind
from web.console.answers import ActionAnswer

ACTIONS_SHOWN = 100  # the newest; a post that was moved more often than that is an argument, not a story


async def actions_of(catalogue: Catalogue, post_id: str) -> list[ActionAnswer]:
    """The newest `ACTIONS_SHOWN` actions on a post, oldest first."""
    query = select(t.action).where(t.action.c.post_id == post_id).order_by(t.action.c.id.desc()).limit(ACTIONS_SHOWN)
    async with catalogue.database.reading() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [
        ActionAnswer(
            kind=ActionKind(row["kind"]),
            operator=row["operator"],
            reason=row["reason"],
            revision=row["revision"],
            at=row["at"],
        )
        for row in reversed(rows)
    ]
