"""Videos' durations, perceptual hashes, renditions that could not be made"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # pictures from before have no hash and are found by nobody as the same; their renditions stay
    op.add_column("media", sa.Column("duration", sa.Float(), nullable=True))
    op.add_column("media", sa.Column("phash", sa.BigInteger(), nullable=True))
    op.add_column("media", sa.Column("failures", sa.JSON(), nullable=True))
    op.create_table(
        "phash_band",
        sa.Column("wall", sa.String(length=40), nullable=False),
        sa.Column("band", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("media_id", sa.String(length=26), nullable=False),
        sa.Column("phash", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["media_id"], ["media.id"], name=op.f("fk_phash_band_media_id_media"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["wall"], ["wall.slug"], name=op.f("fk_phash_band_wall_wall"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("wall", "band", "media_id", name=op.f("pk_phash_band")),
    )
    op.create_index(op.f("ix_phash_band_media_id"), "phash_band", ["media_id"])
    op.create_table(
        "likeness",
        sa.Column("media_id", sa.String(length=26), nullable=False),
        sa.Column("other_id", sa.String(length=26), nullable=False),
        sa.Column("distance", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["media_id"], ["media.id"], name=op.f("fk_likeness_media_id_media"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["media.id"], name=op.f("fk_likeness_other_id_media"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("media_id", "other_id", name=op.f("pk_likeness")),
    )
    op.create_index(op.f("ix_likeness_other_id"), "likeness", ["other_id"])
