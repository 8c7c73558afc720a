"""The catalogue's tables, one set for SQLite and PostgreSQL. The migrations build exactly these.

Times are UTC. A claim is three columns (`holder`, `token`, `claimed_until`) beside the thing it holds, or a row of
`claim` where there is no such thing; it expires by itself.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no zone, so it is taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


wall = Table(
    "wall",
    metadata,
    Column("slug", String(40), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("policy", String(8), nullable=False),
    Column("settings", JSON(none_as_null=True), nullable=False),
    Column("epoch", String(16), nullable=False),
    # the last seq given out, and the last one the broker has confirmed
    Column("seq", BigInteger, nullable=False),
    Column("confirmed", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    # the number of its secret link (wall/catalogue/links.py); null: the wall is public
    Column("link", BigInteger),
    # what guests may add (wall/uploads.py); null: nothing
    Column("uploads", JSON(none_as_null=True)),
    # hours for which the bytes of what was taken off it are kept; whether viewers may have originals
    Column("retention", Integer, nullable=False, server_default="24"),
    Column("downloads", Boolean, nullable=False, server_default=false()),
)

search = Table(
    "search",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("wall", ForeignKey("wall.slug", ondelete="CASCADE"), nullable=False),
    Column("network", String(40), nullable=False),
    Column("query", String(1024), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("checkpoint", JSON(none_as_null=True), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("swept_at", Moment),
    Column("note", Text, nullable=False),
    Column("error", Text),
    Column("error_at", Moment),
    Column("failures", Integer, nullable=False),
    Column("holder", String(80)),
    Column("token", String(26)),
    Column("claimed_until", Moment),
    UniqueConstraint("wall", "network", "query"),
    Index(None, "enabled", "next_at"),
)

post = Table(
    "post",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("wall", ForeignKey("wall.slug", ondelete="CASCADE"), nullable=False),
    Column("source", String(40), nullable=False),
    Column("key", String(400), nullable=False),
    # `version` is the source's own order of edits, `revision` counts ours
    Column("version", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", Text),
    # its own source says that it is gone: nobody can restore it, and its bytes go at once
    Column("withdrawn", Boolean, nullable=False, default=False),
    Column("author_name", Text, nullable=False),
    Column("author_handle", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("url", Text),
    Column("created_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("ready_at", Moment),
    Column("changed_at", Moment, nullable=False),
    # what stands on the wall now, as it was approved; null while nothing does
    Column("shown", JSON(none_as_null=True)),
    # the seq that put it on the wall (its place), and the seq of its newest event
    Column("placed", BigInteger),
    Column("seq", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("work_at", Moment),
    Column("holder", String(80)),
    Column("token", String(26)),
    Column("claimed_until", Moment),
    UniqueConstraint("wall", "key"),
    Index(None, "state", "work_at"),
    Index(None, "wall", "state", "id"),
    Index(None, "wall", "placed"),
)

# what stands on a wall, as lists of it are asked for (wall/catalogue/listing.py): a row for each post that is shown
listing = Table(
    "listing",
    metadata,
    Column("post_id", ForeignKey("post.id", ondelete="CASCADE"), primary_key=True),
    Column("wall", ForeignKey("wall.slug", ondelete="CASCADE"), nullable=False),
    # as in `post`
    Column("placed", BigInteger, nullable=False),
    Column("image", Boolean, nullable=False),
    Column("animation", Boolean, nullable=False),
    Column("video", Boolean, nullable=False),
    Column("author", String(200), nullable=False),
    Column("handle", String(200), nullable=False),
    Column("words", Text, nullable=False),
    Index(None, "wall", "placed"),
    Index("ix_listing_wall_image", "wall", "image", "placed"),
    Index("ix_listing_wall_animation", "wall", "animation", "placed"),
    Index("ix_listing_wall_video", "wall", "video", "placed"),
    Index("ix_listing_wall_author", "wall", "author", "placed"),
    Index("ix_listing_wall_handle", "wall", "handle", "placed"),
)

media = Table(
    "media",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("post_id", ForeignKey("post.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(400), nullable=False),
    Column("position", Integer, nullable=False),
    # image | animation | video, or avatar for the author's picture
    Column("kind", String(10), nullable=False),
    Column("alt", Text, nullable=False),
    # what its author called the file; empty where nobody says
    Column("name", Text, nullable=False, server_default=""),
    Column("origin", Text, nullable=False),
    Column("fallbacks", JSON(none_as_null=True), nullable=False),
    Column("focus", JSON(none_as_null=True)),
    # belongs to the newest revision; stands on the wall (an edit keeps both for a while)
    Column("current", Boolean, nullable=False),
    Column("shown", Boolean, nullable=False),
    # its bytes were deleted from the store, for good
    Column("purged", Boolean, nullable=False, default=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("thumbhash", String(64)),
    Column("sha256", String(64)),
    # seconds of a video
    Column("duration", Float),
    # wall/pictures/phash.py: 63 bits; null where there is nothing to compare
    Column("phash", BigInteger),
    Column("error", Text),
    # [{role, width, height, type, bytes, key}]; the original is among them
    Column("renditions", JSON(none_as_null=True)),
    # {role: [tries, why]} of renditions that could not be made on demand
    Column("failures", JSON(none_as_null=True)),
    Index(None, "post_id", "position"),
)

# each picture's perceptual hash in seven pieces: who is near has one of them in common (wall/catalogue/likeness.py)
phash_band = Table(
    "phash_band",
    metadata,
    Column("wall", ForeignKey("wall.slug", ondelete="CASCADE"), primary_key=True),
    Column("band", Integer, primary_key=True, autoincrement=False),
    Column("media_id", ForeignKey("media.id", ondelete="CASCADE"), primary_key=True),
    Column("phash", BigInteger, nullable=False),
    Index(None, "media_id"),
)

# pairs of pictures that look the same, both ways round
likeness = Table(
    "likeness",
    metadata,
    Column("media_id", ForeignKey("media.id", ondelete="CASCADE"), primary_key=True),
    Column("other_id", ForeignKey("media.id", ondelete="CASCADE"), primary_key=True),
    Column("distance", Integer, nullable=False),
    Index(None, "other_id"),
)

event = Table(
    "event",
    metadata,
    Column("wall", ForeignKey("wall.slug", ondelete="CASCADE"), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(10), nullable=False),
    Column("post_id", String(26)),
    Column("at", Moment, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "wall", "at"),
)

action = Table(
    "action",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("post_id", ForeignKey("post.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("operator", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Index(None, "post_id", "id"),
)

claim = Table(
    "claim",
    metadata,
    Column("item", String(120), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("token", String(26), nullable=False),
    Column("expires_at", Moment, nullable=False),
)

# how each running part fares, in words for operators: one row per part and process
health = Table(
    "health",
    metadata,
    Column("part", String(120), primary_key=True),
    Column("ok", Boolean, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("at", Moment, nullable=False),
)

# what a guest adds to a wall, from the address it may be sent to; the claim is that of the process that takes it in
upload = Table(
    "upload",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("wall", ForeignKey("wall.slug", ondelete="CASCADE"), nullable=False),
    # SHA-256 of the guest's token, and of the one-time address
    Column("guest", LargeBinary(32), nullable=False),
    Column("address", LargeBinary(32), nullable=False),
    Column("state", String(10), nullable=False),
    # relay: the bytes come through us; direct: the guest sends them to the store
    Column("mode", String(6), nullable=False),
    # where they are in the store in the end, and where a guest sends them directly
    Column("key", String(26), nullable=False),
    Column("quarantine", String(26)),
    # until when the guest can begin to write there
    Column("signed_until", Moment),
    # when that was over and it was seen empty
    Column("looked_at", Moment),
    Column("size", BigInteger, nullable=False),
    # as the guest's browser says; of what is stored, as the bytes say
    Column("type", String(80), nullable=False),
    Column("name", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("caption", Text, nullable=False),
    # what the guest agreed to
    Column("consent", Text, nullable=False),
    Column("sha256", String(64)),
    Column("error", Text),
    Column("post_id", String(26)),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    # nothing of an aborted or withdrawn one is in the store, also seen a while later
    Column("cleaned", Boolean, nullable=False),
    Column("holder", String(80)),
    Column("token", String(26)),
    Column("claimed_until", Moment),
    Index(None, "wall", "guest"),
    # what counts in a wall's quotas is summed up for each new one
    Index(None, "wall", "state"),
    Index(None, "wall", "signed_until"),
    Index(None, "state", "claimed_until"),
    Index(None, "post_id"),
)

# a running relay with all its workers; it renews its row, and one that has expired is not there
relay_node = Table(
    "relay_node",
    metadata,
    Column("id", String(80), primary_key=True),
    # where browsers reach it; empty: where the installation says that relays are
    Column("address", Text, nullable=False),
    # viewers it has, and how many it can take now
    Column("load", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("version", String(40), nullable=False),
    Column("draining", Boolean, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

# somebody's container, bucket or folder whose objects are shown without being copied (wall/store/collections/)
collection = Table(
    "collection",
    metadata,
    Column("id", String(26), primary_key=True),
    # without anything secret
    Column("url", String(1000), nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("url"),
)

# which walls show one; `id` is another one each time that a forgotten one is imported again
showing = Table(
    "showing",
    metadata,
    Column("id", String(26), nullable=False),
    Column("collection", ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("wall", ForeignKey("wall.slug", ondelete="CASCADE"), primary_key=True),
    Column("created_at", Moment, nullable=False),
)

operator = Table(
    "operator",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("created_at", Moment, nullable=False),
)

# one-time sign-in links and sessions; only SHA-256 digests of their tokens are kept
sign_in = Table(
    "sign_in",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("operator", ForeignKey("operator.name", ondelete="CASCADE"), nullable=False),
    Column("expires_at", Moment, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("operator", ForeignKey("operator.name", ondelete="CASCADE"), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

# keys that all processes of one installation share, such as the one that signs media addresses
secret = Table(
    "secret",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", LargeBinary(64), nullable=False),
)
