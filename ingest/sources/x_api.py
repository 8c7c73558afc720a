"""X's API v2 through tweepy's `Client`, made safe: an address of our choice, timeouts, limits, errors in our words.

tweepy 4.17 fixes the host, sets no timeout, hides the rate-limit headers, and reads an error's body trustingly. An
`HTTPAdapter` of ours, mounted where tweepy sends its requests, sets these right without touching tweepy's insides.
Blocking: everything here runs in the source's own thread.
"""

import io
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast
from urllib.parse import urlsplit, urlunsplit

import requests
import tweepy
from requests.adapters import HTTPAdapter

from wall.errors import SourceBudgetSpent, SourceError, SourceLimited, SourceRefused, SourceUnavailable

Family = Literal["tweet", "post"]

# Where tweepy sends its requests, whatever happens to that host.
_TWEEPY_HOST = "https://api.twitter.com/"
# Seconds to connect, and between two bytes. X answers a search within about one.
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
# Seconds for a whole answer: a byte now and then must not hold the thread.
WHOLE_TIMEOUT = 30.0
# A page of 100 posts with all our fields is about 400 KB; a long post may have 25,000 characters.
LARGEST_ANSWER = 8 * 1024 * 1024
# A reset later than this is not believed (X's windows are 15 minutes; daily caps have one of 24 hours).
LONGEST_WINDOW = 24 * 3600

_COMMON_FIELDS = "attachments,created_at,edit_controls,entities,lang,possibly_sensitive,withheld"
# OpenAPI 2.167: `author_id` is no longer among the values of post.fields; the expansion brings it.
_FIELDS: Mapping[Family, str] = {
    "tweet": f"{_COMMON_FIELDS},author_id,note_tweet",
    "post": f"{_COMMON_FIELDS},note_post",
}
_EXPANDED: Mapping[str, str] = {
    "expansions": "attachments.media_keys,author_id",
    "media_fields": "alt_text,height,media_key,preview_image_url,type,url,width",
    "user_fields": "name,profile_image_url,protected,username,verified",
}


class ParameterRefused(SourceRefused):
    """X answered 400 and named the parameters it does not take."""

    def __init__(self, sentence: str, parameters: frozenset[str]) -> None:
        super().__init__(sentence)
        self.parameters = parameters


@dataclass(frozen=True, slots=True)
class Rate:
    """What X's headers say: `remaining` of `limit` requests until `reset` (unix seconds)."""

    limit: int
    remaining: int
    reset: float


@dataclass(frozen=True, slots=True)
class Answer:
    """X's answer as it came: status, headers with lower-case names, body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    def document(self) -> Mapping[str, Any] | None:
        """The body as a JSON object, or None when it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return cast(Mapping[str, Any], value) if isinstance(value, dict) else None

    def rate(self) -> Rate | None:
        """The three x-rate-limit headers, or None when one is missing or no number."""
        try:
            limit, remaining, reset = (
                int(self.headers[f"x-rate-limit-{name}"]) for name in ("limit", "remaining", "reset")
            )
        except (KeyError, ValueError):
            return None
        return Rate(limit, remaining, float(reset))


class _Adapter(HTTPAdapter):
    """Sends tweepy's requests to `api_url`, in the field family of the day, and keeps the last answer."""

    def __init__(self, api_url: str, timeout: tuple[float, float], whole: float) -> None:
        super().__init__(pool_connections=1, pool_maxsize=2)
        self._to = urlsplit(api_url.rstrip("/"))
        self._timeout = timeout
        self._whole = whole
        self.family: Family = "tweet"
        self.answer: Answer | None = None

    def send(  # the arguments and their order are requests'
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        scheme, _, path, query, _ = urlsplit(request.url or "")
        if self.family == "post":
            query = query.replace("tweet.fields=", "post.fields=", 1)
        scheme, host = self._to.scheme, self._to.netloc
        request.url = urlunsplit((scheme, host, self._to.path + path, query, ""))
        response = super().send(
            request, stream=True, timeout=timeout or self._timeout, verify=verify, cert=cert, proxies=proxies
        )
        try:
            body = self._read(response.raw)
        finally:
            response.raw.close()
        # requests and tweepy read the body from here, as if it came from the network.
        response.raw = io.BytesIO(body)
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.answer = Answer(response.status_code, headers, body)
        return response

    def _read(self, raw: Any) -> bytes:
        until = time.monotonic() + self._whole
        body = bytearray()
        while chunk := raw.read1(65_536, decode_content=True):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise requests.RequestException(f"the answer is longer than {LARGEST_ANSWER} bytes")
            if time.monotonic() > until:
                raise requests.Timeout(f"the answer took longer than {self._whole:.0f} s")
        return bytes(body)


class XApi:
    """X's search and look-up for one bearer token. One thread at a time."""

    def __init__(
        self,
        bearer_token: str,
        api_url: str,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        whole_timeout: float = WHOLE_TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._adapter = _Adapter(api_url, (connect_timeout, read_timeout), whole_timeout)
        # Never wait_on_rate_limit: a 429 without a reset makes tweepy try again at once, without end.
        raw: Any = requests.Response  # tweepy's untyped code reads as if it took only its own
        self._client: Any = tweepy.Client(bearer_token, return_type=raw, wait_on_rate_limit=False)
        self._client.session.mount(_TWEEPY_HOST, self._adapter)
        # X never redirects its API; and ~/.netrc or a proxy variable must not change whom we talk to, and as whom.
        self._client.session.max_redirects = 0
        self._client.session.trust_env = False
        self.rate: Rate | None = None

    def search(
        self,
        query: str,
        *,
        family: Family,
        max_results: int,
        since_id: int | None = None,
        next_token: str | None = None,
    ) -> Mapping[str, Any]:
        """One page of recent search. Raises SourceError; ParameterRefused where X names what it does not take."""
        return self._ask(
            family,
            lambda: self._client.search_recent_tweets(
                query,
                max_results=max_results,
                sort_order="recency",
                since_id=str(since_id) if since_id is not None else None,
                next_token=next_token,
                tweet_fields=_FIELDS[family],
                **_EXPANDED,
            ),
        )

    def lookup(self, ids: list[int]) -> Mapping[str, Any]:
        """The posts with these ids (at most 100), without further fields. Raises SourceError."""
        rate = self.rate
        try:
            return self._ask("tweet", lambda: self._client.get_tweets([str(one) for one in ids]))
        finally:
            self.rate = rate  # look-up has a window of its own

    def close(self) -> None:
        """Drop idle connections. A request under way ends by its timeout."""
        self._client.session.close()

    def _ask(self, family: Family, call: Callable[[], object]) -> Mapping[str, Any]:
        self._adapter.family = family
        self._adapter.answer = None
        silence = ""
        try:
            call()
        except Exception as error:
            # tweepy raises for every status we judge below, and raises anything at all on a body of an unexpected
            # shape: the answer itself decides. Without an answer it is the network's error.
            silence = _why_silent(error)
        answer = self._adapter.answer
        if answer is None:
            raise SourceUnavailable(f"X did not answer: {silence}. Frieze tries again.")
        self.rate = answer.rate() or self.rate
        document = answer.document()
        if answer.status == 200 and document is not None:
            return document
        raise judge(answer, document, self._clock())


def _why_silent(error: Exception) -> str:
    """Why there was no answer, in words; requests' own text quotes the whole address with its parameters."""
    if "ConnectionPool" not in str(error):
        return _short(str(error) or type(error).__name__)
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate can't be trusted"
    if isinstance(error, requests.exceptions.Timeout):
        return "it took too long"
    return "it can't be reached"


def judge(answer: Answer, document: Mapping[str, Any] | None, now: float) -> SourceError:
    """The error that an answer other than a good one means. `now` in unix seconds."""
    said = _said(document)
    match answer.status:
        case 400:
            return ParameterRefused(f"X does not take this search: {said}.", _parameters(document))
        case 401:
            return SourceRefused("X refuses the bearer token. Check FRIEZE_X_BEARER_TOKEN.")
        case 402:
            return SourceBudgetSpent(
                f"X says the account has no credits left ({said}). Add credits in X's developer console."
            )
        case 403:
            return SourceRefused(_forbidden(document, said))
        case 429 if _is_cap(document):
            return SourceBudgetSpent(
                f"X says the account's cap of posts is used up ({said}). Raise it in X's developer console, or wait "
                "for the next period."
            )
        case 429:
            return _limited(answer.rate(), now)
        case status if status >= 500 or 200 <= status < 400:
            return SourceUnavailable(f"X answered {status} with no usable data. Frieze tries again.")
        case status:
            return SourceRefused(f"X refuses the request ({status}): {said}.")


def _limited(rate: Rate | None, now: float) -> SourceLimited:
    if rate is None or not now - 60 < rate.reset <= now + LONGEST_WINDOW:
        return SourceLimited("X asks us to wait and does not say how long.")
    until = datetime.fromtimestamp(rate.reset, UTC)
    return SourceLimited(f"X asks us to wait until {until:%H:%M:%S} UTC.", until=until)


def _forbidden(document: Mapping[str, Any] | None, said: str) -> str:
    reason = (document or {}).get("reason")
    if reason in ("client-not-enrolled", "official-client-forbidden"):
        return (
            "X knows the bearer token, but its app may not use the API (client-not-enrolled). In X's developer "
            "console move the app to the pay-per-use package, production environment, and make a new token."
        )
    return f"X forbids this search to the app: {said}."


def _is_cap(document: Mapping[str, Any] | None) -> bool:
    found = document or {}
    return found.get("title") == "UsageCapExceeded" or str(found.get("type", "")).endswith("/usage-capped")


def _said(document: Mapping[str, Any] | None) -> str:
    """X's own words about what is wrong, without a full stop."""
    if document is None:
        return "no explanation"
    errors: Any = document.get("errors")
    messages = [one.get("message") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    words = [word for word in (*messages, document.get("detail"), document.get("title")) if isinstance(word, str)]
    return _short(words[0]).rstrip(".") if words else "no explanation"


def _parameters(document: Mapping[str, Any] | None) -> frozenset[str]:
    names: set[str] = set()
    errors: Any = (document or {}).get("errors")
    for one in errors if isinstance(errors, list) else []:
        with suppress(AttributeError, TypeError):
            names |= {name for name in one["parameters"] if isinstance(name, str)} if "parameters" in one else set()
    return frozenset(names)


def _short(words: str) -> str:
    line = " ".join(words.split()).replace("\x00", "").encode("utf-8", "replace").decode()
    return line if len(line) <= 300 else line[:299] + "…"
