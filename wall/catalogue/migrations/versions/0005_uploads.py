"""What guests add"""

import sqlalchemy as sa
from alembic import op

from wall.catalogue.tables import Moment

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    # nobody's wall opens by itself
    op.add_column("wall", sa.Column("uploads", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "upload",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("wall", sa.String(length=40), nullable=False),
        sa.Column("guest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("address", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("mode", sa.String(length=6), nullable=False),
        sa.Column("key", sa.String(length=26), nullable=False),
        sa.Column("quarantine", sa.String(length=26), nullable=True),
        sa.Column("signed_until", Moment(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("post_id", sa.String(length=26), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("cleaned", sa.Boolean(), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=True),
        sa.Column("token", sa.String(length=26), nullable=True),
        sa.Column("claimed_until", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["wall"], ["wall.slug"], name=op.f("fk_upload_wall_wall"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_upload_wall_guest"), ["wall", "guest"], unique=False)
        batch_op.create_index(batch_op.f("ix_upload_state_claimed_until"), ["state", "claimed_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_upload_post_id"), ["post_id"], unique=False)
