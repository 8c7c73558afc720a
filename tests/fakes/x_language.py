"""The part of X's query language that the stand-in understands, written apart from the product's own reading of it.

expression = conjunction ("OR" conjunction)*        a space is AND and binds tighter than OR
conjunction = factor+
factor = ["-"] (term | "(" expression ")")
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Matches = Callable[[Any], bool]

_TOKEN = re.compile(r'\s*(-?"[^"]*"|-?\(|\)|[^\s()"]+)')
_CONJUNCTION_ONLY = ("has:", "lang:", "is:")


class QueryRefused(Exception):
    """The query is not one that X would take; the message is what X would say."""


@dataclass
class _Reader:
    tokens: list[str]
    at: int = 0
    standalone: bool = False

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> str:
        token = self.peek()
        if token is None:
            raise QueryRefused("There were errors processing your request: missing EOF")
        self.at += 1
        return token

    def expression(self) -> Matches:
        branches = [self.conjunction()]
        while self.peek() == "OR":
            self.take()
            branches.append(self.conjunction())
        return lambda post: any(branch(post) for branch in branches)

    def conjunction(self) -> Matches:
        factors: list[Matches] = []
        while self.peek() not in (None, "OR", ")"):
            factors.append(self.factor())
        if not factors:
            raise QueryRefused("There were errors processing your request: no viable alternative")
        return lambda post: all(factor(post) for factor in factors)

    def factor(self) -> Matches:
        token = self.take()
        if token == "-(":
            raise QueryRefused("There were errors processing your request: do not negate groups")
        if token == "(":
            inside = self.expression()
            if self.take() != ")":
                raise QueryRefused("There were errors processing your request: missing ')'")
            return inside
        if token.startswith("-") and len(token) > 1:
            plain = self.term(token[1:], negated=True)
            return lambda post: not plain(post)
        return self.term(token, negated=False)

    def term(self, token: str, *, negated: bool) -> Matches:
        if not negated and not token.startswith(_CONJUNCTION_ONLY):
            self.standalone = True
        return _term(token)


def _term(token: str) -> Matches:
    lower = token.lower()
    if token.startswith('"'):
        phrase = lower.strip('"')
        return lambda post: phrase in post.text.lower()
    if lower.startswith("#"):
        return lambda post: re.search(rf"(?<!\w){re.escape(lower)}(?!\w)", post.text.lower()) is not None
    if lower == "has:images":
        return lambda post: any(m.type == "photo" for m in post.media)
    if lower == "has:media":
        return lambda post: bool(post.media)
    if lower == "is:retweet":
        return lambda post: post.retweet
    if lower == "is:reply":
        return lambda post: post.reply
    operator, colon, value = lower.partition(":")
    if not colon:
        return lambda post: re.search(rf"(?<!\w){re.escape(lower)}(?!\w)", post.text.lower()) is not None
    if operator == "lang":
        return lambda post: post.lang == value
    if operator == "from":
        return lambda post: post.author.username.lower() == value.removeprefix("@")
    raise QueryRefused(f"There were errors processing your request: unknown operator {operator}:")


def read_query(query: str, *, longest: int = 512) -> Matches:
    """A function that says whether a post matches. Raises QueryRefused as X would answer 400."""
    if not query.strip():
        raise QueryRefused("The `query` query parameter can not be empty")
    if len(query) > longest:
        raise QueryRefused(f"The `query` query parameter is longer than {longest} characters")
    tokens: list[str] = []
    at = 0
    while at < len(query.rstrip()):
        found = _TOKEN.match(query, at)
        if found is None:
            raise QueryRefused("There were errors processing your request: unbalanced quotes")
        tokens.append(found.group(1))
        at = found.end()
    reader = _Reader(tokens)
    matches = reader.expression()
    if reader.peek() is not None:
        raise QueryRefused(f"There were errors processing your request: unexpected {reader.peek()}")
    if not reader.standalone:
        raise QueryRefused(
            "There were errors processing your request: Rules must contain at least one positive, non-stopword clause"
        )
    return matches
