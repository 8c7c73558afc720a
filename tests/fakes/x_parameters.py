"""The parameters of X's search and look-up: which there are, what they may say, and the refusal of all else."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Literal

from multidict import MultiMapping

from tests.fakes.x_answers import PROBLEMS
from tests.fakes.x_posts import Family

SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
WEEK_SECONDS = 7 * 24 * 3600

_POST_FIELDS = {
    "attachments", "author_id", "created_at", "edit_controls", "entities", "id", "lang", "possibly_sensitive",
    "public_metrics", "text", "withheld", "conversation_id", "in_reply_to_user_id", "source", "geo",
}  # fmt: skip
_FAMILY_FIELDS = {
    "tweet": _POST_FIELDS | {"referenced_tweets", "edit_history_tweet_ids", "note_tweet"},
    # OpenAPI 2.167: author_id left the enumeration of post.fields; the expansion still brings it.
    "post": (_POST_FIELDS - {"author_id"}) | {"referenced_posts", "edit_history_post_ids", "note_post"},
}
_MEDIA_FIELDS = {
    "alt_text", "duration_ms", "height", "media_key", "preview_image_url", "public_metrics", "type", "url",
    "variants", "width",
}  # fmt: skip
_USER_FIELDS = {
    "created_at", "description", "id", "name", "profile_image_url", "protected", "url", "username", "verified",
    "verified_type", "withheld", "location", "public_metrics", "entities",
}  # fmt: skip
_EXPANSIONS = {
    "attachments.media_keys",
    "author_id",
    "attachments.poll_ids",
    "geo.place_id",
    "in_reply_to_user_id",
}
SEARCH_PARAMETERS = {
    "query", "max_results", "since_id", "until_id", "start_time", "end_time", "next_token", "pagination_token",
    "sort_order", "expansions", "media.fields", "user.fields", "tweet.fields", "post.fields", "place.fields",
    "poll.fields",
}  # fmt: skip
LOOKUP_PARAMETERS = {
    "ids", "expansions", "media.fields", "user.fields", "tweet.fields", "post.fields", "place.fields", "poll.fields",
}  # fmt: skip


class Refused(Exception):
    """The request is not one that X would take; `body` is what X would answer."""

    def __init__(self, parameter: str, value: str, message: str) -> None:
        super().__init__(message)
        self.body = {
            "errors": [{"parameters": {parameter: [value]}, "message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": PROBLEMS + "invalid-request",
        }


def check_names(query: MultiMapping[str], known: set[str]) -> None:
    """Raises Refused where a parameter is unknown or given twice."""
    for name in query:
        if name not in known:
            raise Refused(name, query[name], f"The query parameter [{name}] is not one of {sorted(known)}")
        if len(query.getall(name)) > 1:
            raise Refused(name, query[name], f"The query parameter [{name}] is given more than once")


def read_fields(query: MultiMapping[str], allowed: Family | Literal["both"]) -> tuple[Family, dict[str, set[str]]]:
    """The family of names the request speaks, one of those allowed, and the fields and expansions it wants."""
    for name in ("tweet", "post"):
        if f"{name}.fields" in query and allowed not in ("both", name):
            message = f"The query parameter [{name}.fields] is not one of the parameters of this endpoint"
            raise Refused(f"{name}.fields", query[f"{name}.fields"], message)
    family: Family = "post" if "post.fields" in query or allowed == "post" else "tweet"
    return family, {
        "post": _listed(query, f"{family}.fields", _FAMILY_FIELDS[family]),
        "media": _listed(query, "media.fields", _MEDIA_FIELDS),
        "user": _listed(query, "user.fields", _USER_FIELDS),
        "expansions": _listed(query, "expansions", _EXPANSIONS),
    }


def read_since(query: MultiMapping[str], now: float) -> int | None:
    """`since_id`, refused where it is older than the week that a search reaches back."""
    if "since_id" not in query:
        return None
    since = read_id(query, "since_id")
    oldest = (int((now - WEEK_SECONDS) * 1000) - SNOWFLAKE_EPOCH_MS) << 22
    if since < oldest:
        limit = datetime.fromtimestamp(now - WEEK_SECONDS, UTC)
        message = f"'since_id' must be a tweet id created after {limit}"
        raise Refused("since_id", str(since), message)
    return since


def read_token(query: MultiMapping[str], text: str, since: int | None) -> int | None:
    """The id below which the page asked for begins, None for the first; refused where another search gave it."""
    token = query.get("next_token", query.get("pagination_token"))
    if token is None:
        return None
    before = _token_position(token)
    if before is None or page_token(text, since, before) != token:
        raise Refused("next_token", token, f"The `next_token` query parameter value [{token}] is not valid")
    return before


def read_max_results(value: str) -> int:
    """How many posts a page has: 10 to 100."""
    if not value.isdecimal() or not 10 <= int(value) <= 100:
        message = f"The `max_results` query parameter value [{value}] is not between 10 and 100"
        raise Refused("max_results", value, message)
    return int(value)


def read_id(query: MultiMapping[str], name: str) -> int:
    """An id of at most 19 digits."""
    value = query[name]
    if not (value.isascii() and value.isdecimal() and len(value) <= 19):
        raise Refused(name, value, f"The `{name}` query parameter value [{value}] does not match ^[0-9]{{1,19}}$")
    return int(value)


def _listed(query: MultiMapping[str], name: str, known: set[str]) -> set[str]:
    values = {value for value in query.get(name, "").split(",") if value}
    for value in sorted(values - known):
        raise Refused(name, value, f"The `{name}` query parameter value [{value}] is not one of {sorted(known)}")
    return values


def page_token(text: str, since: int | None, before: int) -> str:
    """The name of this search's page of posts with lower ids than `before`."""
    seal = hashlib.sha256(f"{text}|{since}|{before}".encode()).hexdigest()[:16]
    return base64.b32encode(f"{before}.{seal}".encode()).decode().lower().rstrip("=")


def _token_position(token: str) -> int | None:
    try:
        plain = base64.b32decode(token.upper() + "=" * (-len(token) % 8)).decode()
        return int(plain.split(".")[0])
    except ValueError:
        return None
