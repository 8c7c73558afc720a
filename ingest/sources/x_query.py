"""What X's recent search takes as a query, and what we add so that it returns posts with pictures.

X's rules: 1 to 512 characters for self-serve accounts; at least one standalone operator (a word, a phrase, `#tag`,
`@user`, `from:` …) that is not negated; groups are not negated; a space means AND and binds tighter than OR.
"""

import re

from wall.errors import SourceRefused

LONGEST = 512

_PART = re.compile(r'\s*(-?"[^"]*"|-?\(|\)|[^\s()"]+)')
# X's operators that only work beside another one ("conjunction required").
_CONJUNCTION_REQUIRED = ("has:", "is:", "lang:", "sample:", "min_likes:", "min_replies:", "min_reposts:")
_HAS_IMAGES = "has:images"
_NO_RETWEETS = "-is:retweet"


def full_query(query: str, *, longest: int = LONGEST) -> str:
    """The operator's query with `has:images -is:retweet` where it lacks them.

    Raises SourceRefused, in an operator's words, when X would not take the result.
    """
    query = query.strip()
    if not query:
        raise SourceRefused("The search for X is empty. Give a word or a hashtag, such as #frieze.")
    parts = _parts(query)
    depths = _depths(parts)
    if not any(_standalone(part) for part in parts):
        raise SourceRefused(
            f"X needs at least one word, “phrase”, #hashtag, @name or from:name in a search; “{query}” only narrows."
        )
    at_top = [part for part, depth in zip(parts, depths, strict=True) if depth == 0]
    joined_by_or = "OR" in at_top
    missing = [] if _HAS_IMAGES in at_top and not joined_by_or else [_HAS_IMAGES]
    if not any(part.lower().removeprefix("-") == "is:retweet" for part in parts):
        missing.append(_NO_RETWEETS)
    # OR binds looser than the space: without brackets our additions would belong to the last branch only.
    whole = " ".join([f"({query})" if joined_by_or and missing else query, *missing])
    if len(whole) > longest:
        raise SourceRefused(
            f"The search for X is {len(whole)} characters long with what Frieze adds ({' '.join(missing)}); "
            f"X takes {longest}. Make it shorter, or split it into two searches."
        )
    return whole


def _parts(query: str) -> list[str]:
    parts: list[str] = []
    at = 0
    while at < len(query):
        found = _PART.match(query, at)
        if found is None:
            raise SourceRefused(f"The search for X has an opening quote without a closing one: {query}")
        parts.append(found.group(1))
        at = found.end()
    return parts


def _depths(parts: list[str]) -> list[int]:
    """How many brackets are open around each part. Raises SourceRefused on brackets that X would not take."""
    depths: list[int] = []
    depth = 0
    for part in parts:
        if part == "-(":
            raise SourceRefused("X does not take a minus before a bracket; put it before each word inside instead.")
        if part == ")":
            depth -= 1
        if depth < 0:
            raise SourceRefused("The search for X closes a bracket that was never opened.")
        depths.append(depth)
        if part == "(":
            depth += 1
    if depth:
        raise SourceRefused("The search for X has an opening bracket without a closing one.")
    return depths


def _standalone(part: str) -> bool:
    if part in ("(", ")", "OR") or part.startswith("-") or not part.strip('"# '):
        return False
    return not part.lower().startswith(_CONJUNCTION_REQUIRED)
