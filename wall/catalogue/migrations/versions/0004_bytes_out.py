"""What a wall keeps and gives away, and the names of files"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # hours; until now it was a day everywhere
    op.add_column("wall", sa.Column("retention", sa.Integer(), nullable=False, server_default="24"))
    # nobody has allowed anything yet
    op.add_column("wall", sa.Column("downloads", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("media", sa.Column("name", sa.Text(), nullable=False, server_default=""))
