"""An answer of X's search, made into our posts: pure, and never surprised.

X changed its field names in August 2026 (`tweet` → `post` in places), and its guides and its OpenAPI file disagree;
so both families are read, nothing is indexed without a default, and what can't be read is dropped and counted.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from wall.posts import MEDIA_PER_POST, SourceMedia, SourcePost

# A snowflake id holds milliseconds since this moment in its bits from 22 up.
SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
# Ids are "up to 19 digits" and fit a signed 64-bit number.
LARGEST_ID = 2**63 - 1
# The longest post X sells, and its limit for alt texts.
LONGEST_TEXT = 25_000
LONGEST_ALT = 1_000
LONGEST_NAME = 200
LONGEST_URL = 2_000

_USERNAME = re.compile(r"[A-Za-z0-9_]{1,20}")
_OWN_MEDIA_LINK = re.compile(r"/(?:photo|video)/\d+/?$")
_FORMATS = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "webp": "webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class XPage:
    """One page of search in our words.

    `ids` are all post ids of the page as numbers, usable or not. `newest_id`, `next_token` are X's `meta`.
    `dropped` counts posts that can't be shown, by reason. `problems` counts X's partial errors.
    """

    posts: tuple[SourcePost, ...]
    ids: tuple[int, ...]
    newest_id: int | None
    next_token: str | None
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])
    problems: int = 0


class _Drop(Exception):
    """Not an error: a post that we do not show, and why."""


def read_page(document: Mapping[str, Any], *, sensitive: bool) -> XPage:
    """The posts of one answer, newest first as X gave them; `sensitive` keeps those that X marks as such."""
    includes = _mapping(document.get("includes"))
    media = _by_key(includes.get("media"), "media_key")
    users = _by_key(includes.get("users"), "id")
    posts: dict[str, SourcePost] = {}
    dropped: dict[str, int] = {}
    ids: list[int] = []
    for item in _list(document.get("data")):
        raw = _mapping(item)
        number = read_id(raw.get("id"))
        if number is not None:
            ids.append(number)
        try:
            post = _read_post(raw, media, users, sensitive=sensitive)
        except _Drop as reason:
            dropped[str(reason)] = dropped.get(str(reason), 0) + 1
            continue
        if post.key not in posts or posts[post.key].version < post.version:
            posts[post.key] = post
    meta = _mapping(document.get("meta"))
    token = meta.get("next_token")
    return XPage(
        posts=tuple(posts.values()),
        ids=tuple(ids),
        newest_id=max([*ids, read_id(meta.get("newest_id")) or 0]) or None,
        next_token=token if isinstance(token, str) and 0 < len(token) <= LONGEST_URL else None,
        dropped=dropped,
        problems=len(_list(document.get("errors"))),
    )


def read_id(value: object) -> int | None:
    """A post's id as a number, or None when it is none."""
    if not isinstance(value, str) or not 0 < len(value) <= 19 or not (value.isascii() and value.isdecimal()):
        return None
    number = int(value)
    return number if 0 < number <= LARGEST_ID else None


def moment_of(number: int) -> datetime:
    """When the post with this id was made (UTC)."""
    return datetime.fromtimestamp(((number >> 22) + SNOWFLAKE_EPOCH_MS) / 1000, UTC)


def earlier(number: int, seconds: float) -> int:
    """The lowest id of the moment `seconds` before this one, at least 1."""
    return max(1, ((number >> 22) - int(seconds * 1000)) << 22)


def _read_post(
    raw: Mapping[str, Any],
    media: Mapping[str, Mapping[str, Any]],
    users: Mapping[str, Mapping[str, Any]],
    *,
    sensitive: bool,
) -> SourcePost:
    number = read_id(raw.get("id"))
    author = users.get(_string(raw.get("author_id"), 40))
    if number is None or author is None or not isinstance(raw.get("text"), str):
        raise _Drop("unreadable")
    if raw.get("withheld") or author.get("withheld"):
        raise _Drop("withheld")
    if author.get("protected") is True:
        raise _Drop("withheld")
    # Anything but a plain "no" counts as sensitive: a wall stands in public.
    if not sensitive and raw.get("possibly_sensitive", False) not in (False, None):
        raise _Drop("sensitive")
    pictures = _read_pictures(raw, media)
    if not pictures:
        raise _Drop("without a picture")
    username = _string(author.get("username"), 40)
    if not _USERNAME.fullmatch(username):
        raise _Drop("unreadable")
    return SourcePost(
        key=f"x:{_first_edit(raw, number)}",
        # The id of the version whose text this is. With search that is the newest one; a version that X indexed
        # late and that names a newer one in its history stays older than it.
        version=number,
        author_name=_string(author.get("name"), LONGEST_NAME) or username,
        author_handle=f"@{username}",
        avatar=_avatar(author.get("profile_image_url")),
        text=_read_text(raw),
        url=f"https://x.com/{username}/status/{number}",
        created=_moment(raw.get("created_at"), number),
        media=pictures,
    )


def _first_edit(raw: Mapping[str, Any], number: int) -> int:
    """The id that stays the same for all edits of a post: the lowest of its history."""
    history = _list(raw.get("edit_history_tweet_ids")) or _list(raw.get("edit_history_post_ids"))
    versions = [version for version in map(read_id, history) if version is not None]
    return min([number, *versions])


def _read_pictures(raw: Mapping[str, Any], media: Mapping[str, Mapping[str, Any]]) -> tuple[SourceMedia, ...]:
    keys = _list(_mapping(raw.get("attachments")).get("media_keys"))
    pictures: dict[str, SourceMedia] = {}
    for key in keys:
        found = media.get(key) if isinstance(key, str) else None
        if found is None or found.get("type") != "photo" or key in pictures:
            continue
        origins = _origins(found.get("url"))
        if origins:
            alt = _string(found.get("alt_text"), LONGEST_ALT)
            pictures[key] = SourceMedia(key=key, kind="image", origin=origins[0], fallbacks=origins[1:], alt=alt)
    return tuple(pictures.values())[:MEDIA_PER_POST]


def _origins(value: object) -> tuple[str, ...]:
    """Where a photo's bytes are: up to 2048 pixels a side, else up to 1200, else as X named it.

    Only the query changes. `large` may be missing (404) where `medium` is there.
    """
    url = _address(value)
    if url is None:
        return ()
    scheme, host, path, _, _ = urlsplit(url)
    form = _FORMATS.get(path.rpartition(".")[2].lower(), "jpg")
    sized = [urlunsplit((scheme, host, path, f"format={form}&name={size}", "")) for size in ("large", "medium")]
    return (*sized, url)


def _avatar(value: object) -> str | None:
    url = _address(value)
    if url is None:
        return None
    return re.sub(r"_normal(?=\.[A-Za-z]+$)", "_bigger", url)


def _address(value: object) -> str | None:
    url = _string(value, LONGEST_URL + 1)
    if len(url) > LONGEST_URL or not url.isascii() or any(c.isspace() for c in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it is what checks it
    except ValueError:
        return None
    return url if parts.scheme in ("https", "http") and parts.hostname else None


def _read_text(raw: Mapping[str, Any]) -> str:
    """The full text as people read it: entities decoded, short links replaced, links to its own pictures left out."""
    note = _mapping(raw.get("note_tweet")) or _mapping(raw.get("note_post"))
    whole = note if isinstance(note.get("text"), str) else raw
    text = html.unescape(_string(whole.get("text"), LONGEST_TEXT * 2))
    links = [*_links(whole), *(_links(raw) if whole is note else [])]
    # Longest first: one short link may be the beginning of another.
    for link in sorted(links, key=lambda one: len(_string(one.get("url"), 200)), reverse=True):
        short = _string(link.get("url"), 200)
        shown = _string(link.get("display_url"), LONGEST_URL) or _string(link.get("expanded_url"), LONGEST_URL)
        if not short or not shown:
            continue
        own = "media_key" in link or _OWN_MEDIA_LINK.search(_string(link.get("expanded_url"), LONGEST_URL))
        text = text.replace(short, "" if own else shown)
    return text.strip()[:LONGEST_TEXT]


def _links(holder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [_mapping(link) for link in _list(_mapping(holder.get("entities")).get("urls"))]


def _moment(value: object, number: int) -> datetime:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            pass
    return moment_of(number)


def _by_key(items: object, name: str) -> dict[str, Mapping[str, Any]]:
    found = [_mapping(item) for item in _list(items)]
    return {item[name]: item for item in found if isinstance(item.get(name), str)}


def _mapping(value: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else []


def _string(value: object, longest: int) -> str:
    """A string that a database and UTF-8 can hold: no NUL, no half of a surrogate pair. Not a string: empty."""
    if not isinstance(value, str):
        return ""
    return value[:longest].replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def sum_up(page: XPage, fresh: int) -> str:
    """One sentence for operators about a page."""
    parts = [f"{len(page.ids)} posts read, {fresh} of them new"]
    parts += [f"{count} {reason}" for reason, count in sorted(page.dropped.items())]
    if page.problems:
        parts.append(f"{page.problems} that X could not give in full")
    return ", ".join(parts) + "."
