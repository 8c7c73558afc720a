"""What X has of a post, and how it says it: the documents of API v2, with the fields that were asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Family = Literal["tweet", "post"]


@dataclass(frozen=True)
class FakeMedia:
    """One attachment: a photo when `type` is so, else a video or an animated GIF without `url`."""

    key: str
    type: str
    url: str | None
    preview: str | None
    alt: str
    width: int = 1600
    height: int = 1200


@dataclass(frozen=True)
class FakeAuthor:
    """One account."""

    id: str
    username: str
    name: str
    avatar: str | None


@dataclass(frozen=True)
class FakePost:
    """One version of a post. `history` are the ids of all its versions, oldest first."""

    id: str
    text: str
    author: FakeAuthor
    media: tuple[FakeMedia, ...]
    created: datetime
    history: tuple[str, ...]
    lang: str = "en"
    sensitive: bool = False
    withheld: bool = False
    retweet: bool = False
    reply: bool = False
    urls: tuple[Mapping[str, Any], ...] = ()
    hide_media: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def key(self) -> str:
        """The key the product gives it."""
        return f"x:{self.history[0]}"


def document(page: list[FakePost], family: Family, fields: dict[str, set[str]]) -> dict[str, Any]:
    """The body that shows the page's posts, each field that is in `fields`, and what they refer to beside them."""
    if not page:
        return {}
    wanted = fields["expansions"]
    includes: dict[str, Any] = {}
    if "attachments.media_keys" in wanted:
        media = [m for post in page if not post.hide_media for m in post.media]
        # Sorted by key: neither the order of the posts nor that of the pictures in them.
        includes["media"] = [_media(m, fields["media"]) for m in sorted(media, key=lambda m: m.key)]
    if "author_id" in wanted:
        authors = {post.author.username: post.author for post in page}
        includes["users"] = [_user(authors[name], fields["user"]) for name in sorted(authors)]
    body: dict[str, Any] = {"data": [_post(post, family, fields["post"], wanted) for post in page]}
    if any(includes.values()):
        body["includes"] = {name: value for name, value in includes.items() if value}
    return body


def _post(post: FakePost, family: Family, fields: set[str], expansions: set[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": post.id,
        "text": post.text,
        f"edit_history_{family}_ids": list(post.history),
    }
    optional: dict[str, Any] = {
        "created_at": post.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "lang": post.lang,
        "possibly_sensitive": post.sensitive,
        "edit_controls": {"edits_remaining": 6 - len(post.history), "is_edit_eligible": True},
    }
    if post.withheld:
        optional["withheld"] = {"copyright": False, "country_codes": ["XX"]}
    if post.urls:
        optional["entities"] = {"urls": list(post.urls)}
    body |= {name: value for name, value in optional.items() if name in fields}
    if "author_id" in fields | expansions:
        body["author_id"] = post.author.id
    if post.media and ("attachments" in fields or "attachments.media_keys" in expansions):
        body["attachments"] = {"media_keys": [media.key for media in post.media]}
    return body | dict(post.overrides)


def _media(media: FakeMedia, fields: set[str]) -> dict[str, Any]:
    optional: dict[str, Any] = {"width": media.width, "height": media.height}
    if media.alt:
        optional["alt_text"] = media.alt
    if media.url is not None:
        optional["url"] = media.url
    if media.preview is not None:
        optional |= {"preview_image_url": media.preview, "duration_ms": 12_000, "variants": [
            {"bit_rate": 832_000, "content_type": "video/mp4", "url": media.preview + ".mp4"}]}  # fmt: skip
    chosen = {name: value for name, value in optional.items() if name in fields}
    return {"media_key": media.key, "type": media.type} | chosen


def _user(author: FakeAuthor, fields: set[str]) -> dict[str, Any]:
    optional = {"profile_image_url": author.avatar, "verified": False, "protected": False}
    chosen = {name: value for name, value in optional.items() if name in fields}
    return {"id": author.id, "name": author.name, "username": author.username} | chosen
