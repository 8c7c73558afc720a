"""Uploads: when a quarantine was looked at, for what a guest began to send in time ends later"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("upload", sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True))
