"""AWS Signature Version 4, as far as we need it: a signed request without a body, and a signed address.

obstore signs its own requests; it can't sign query parameters (so it can't list or abort pending uploads) nor headers
(so its signed PUT takes anything of any length). Pure: the time comes in as an argument.
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_NOTHING = hashlib.sha256(b"").hexdigest()
_UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Somebody's key to a store in `region`."""

    user: str
    secret: str = field(repr=False)
    region: str
    service: str = "s3"

    def request(self, method: str, url: str, query: Mapping[str, str], now: datetime) -> tuple[str, dict[str, str]]:
        """The address with `query`, and the headers that sign a request without a body."""
        headers = {"host": urlsplit(url).netloc, "x-amz-content-sha256": _NOTHING, "x-amz-date": _stamp(now)}
        encoded = _query(query)
        signature = self._signature(method, url, encoded, headers, _NOTHING, now)
        authorization = (
            f"{_ALGORITHM} Credential={self.user}/{self._scope(now)}, SignedHeaders={_names(headers)}, "
            f"Signature={signature}"
        )
        given = {name: value for name, value in headers.items() if name != "host"}
        return f"{url}?{encoded}", {**given, "Authorization": authorization}

    def address(self, method: str, url: str, headers: Mapping[str, str], lease: timedelta, now: datetime) -> str:
        """An address for one kind of request with exactly these headers (lower case), until `lease` is over."""
        signed = {"host": urlsplit(url).netloc, **headers}
        query = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.user}/{self._scope(now)}",
            "X-Amz-Date": _stamp(now),
            "X-Amz-Expires": str(int(lease.total_seconds())),
            "X-Amz-SignedHeaders": _names(signed),
        }
        encoded = _query(query)
        signature = self._signature(method, url, encoded, signed, "UNSIGNED-PAYLOAD", now)
        return f"{url}?{encoded}&X-Amz-Signature={signature}"

    def _signature(
        self, method: str, url: str, query: str, headers: Mapping[str, str], payload: str, now: datetime
    ) -> str:
        lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
        path = urlsplit(url).path or "/"
        canonical = "\n".join((method, path, query, lines, _names(headers), payload))
        text = "\n".join((_ALGORITHM, _stamp(now), self._scope(now), hashlib.sha256(canonical.encode()).hexdigest()))
        key = f"AWS4{self.secret}".encode()
        for part in self._scope(now).split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def _scope(self, now: datetime) -> str:
        return f"{now.astimezone(UTC):%Y%m%d}/{self.region}/{self.service}/aws4_request"


def path_of(*names: str) -> str:
    """The path of an object, encoded as S3 wants it: each byte that is not unreserved, but not the slashes."""
    return "/" + "/".join(quote(name, safe=f"/{_UNRESERVED}") for name in names if name)


def _stamp(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(headers))


def _query(query: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe=_UNRESERVED)}={quote(query[name], safe=_UNRESERVED)}" for name in sorted(query))
