"""Showings: which wall shows a collection, so that one can be forgotten"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "showing",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("collection", sa.String(length=26), nullable=False),
        sa.Column("wall", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection"], ["collection.id"], name=op.f("fk_showing_collection_collection"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["wall"], ["wall.slug"], name=op.f("fk_showing_wall_wall"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("collection", "wall", name=op.f("pk_showing")),
    )
    # the keys of posts there were made of the collection's id until now, and are made of the showing's from here on
    op.execute(
        "INSERT INTO showing (id, collection, wall, created_at) "
        "SELECT DISTINCT collection.id, collection.id, post.wall, collection.created_at FROM collection "
        "JOIN media ON media.origin LIKE 'store:collection:' || collection.id || ':%' "
        "JOIN post ON post.id = media.post_id"
    )
