"""Walls that need a secret link"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # every wall there is was public, and stays so
    op.add_column("wall", sa.Column("link", sa.BigInteger(), nullable=True))
