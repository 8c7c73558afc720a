"""Collections: other people's containers, buckets and folders whose objects are shown without being copied"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "collection",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection")),
        sa.UniqueConstraint("url", name=op.f("uq_collection_url")),
    )
    # uploads: what counts in a wall's quotas is summed up for each new one
    op.create_index(op.f("ix_upload_wall_state"), "upload", ["wall", "state"])
    op.create_index(op.f("ix_upload_wall_signed_until"), "upload", ["wall", "signed_until"])
