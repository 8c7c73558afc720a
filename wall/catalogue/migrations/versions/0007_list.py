"""What stands on each wall, as lists of it are asked for: by kind, author and words"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from wall.catalogue.listing import row_of

revision = "0007"
down_revision = "0006"
AT_ONCE = 500


def upgrade() -> None:
    op.create_table(
        "listing",
        sa.Column("post_id", sa.String(length=26), nullable=False),
        sa.Column("wall", sa.String(length=40), nullable=False),
        sa.Column("placed", sa.BigInteger(), nullable=False),
        sa.Column("image", sa.Boolean(), nullable=False),
        sa.Column("animation", sa.Boolean(), nullable=False),
        sa.Column("video", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("handle", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_listing_post_id_post"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["wall"], ["wall.slug"], name=op.f("fk_listing_wall_wall"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_listing")),
    )
    op.create_index(op.f("ix_listing_wall_placed"), "listing", ["wall", "placed"])
    op.create_index("ix_listing_wall_image", "listing", ["wall", "image", "placed"])
    op.create_index("ix_listing_wall_animation", "listing", ["wall", "animation", "placed"])
    op.create_index("ix_listing_wall_video", "listing", ["wall", "video", "placed"])
    op.create_index("ix_listing_wall_author", "listing", ["wall", "author", "placed"])
    op.create_index("ix_listing_wall_handle", "listing", ["wall", "handle", "placed"])
    _fill()


def _fill() -> None:
    """What stands on the walls already, page by page."""
    connection = op.get_bind()
    listing = sa.table("listing", *(sa.column(name) for name in _COLUMNS))
    post = sa.table("post", *(sa.column(name) for name in ("id", "wall", "placed")), sa.column("shown", sa.JSON()))
    last = ""
    while True:
        rows = connection.execute(
            sa.select(post.c.id, post.c.wall, post.c.placed, post.c.shown)
            .where(post.c.shown.is_not(None), post.c.placed.is_not(None), post.c.id > last)
            .order_by(post.c.id)
            .limit(AT_ONCE)
        ).all()
        if not rows:
            return
        found = [row_of(row.wall, row.placed, _fields(row.shown)) for row in rows]
        # those that this table has, whatever a later one holds
        connection.execute(sa.insert(listing), [{name: row[name] for name in _COLUMNS} for row in found])
        last = rows[-1].id


_COLUMNS = ("post_id", "wall", "placed", "image", "animation", "video", "author", "handle", "words")


def _fields(shown: Any) -> dict[str, Any]:
    return json.loads(shown) if isinstance(shown, str) else shown
