"""How each vendor's store is named, reached and signed.

    s3://bucket[/prefix]?endpoint=URL&region=NAME&public=URL   AWS, MinIO, Ceph, R2, Swift's s3api; user = access key
    gs://bucket[/prefix]?endpoint=URL                          Google; password = the service account's JSON
    az://container[/prefix]?endpoint=URL                       Azure; user = account, password = its key

Without a password the vendor's own ways are tried (environment, metadata service). `public` is where browsers reach the
same S3, when that is not the endpoint.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import obstore
from obstore.store import AzureStore, GCSStore, S3Store

from wall.errors import SettingsError
from wall.store.base import Method, SignedRequest
from wall.store.keys import check_key
from wall.store.limits import StoreLimits
from wall.store.objects import PART, ObjectStore
from wall.store.pending import PendingUploads
from wall.store.sigv4 import Signer, path_of

LIMITS = StoreLimits()
KINDS = ("s3", "gs", "az")
_OPTIONS = {"s3": {"endpoint", "region", "public"}, "gs": {"endpoint"}, "az": {"endpoint"}}
_REGION = "us-east-1"
# What a part must come up with at least, in bytes a second: obstore knows no limit for a request that stalls, only one
# for all of it.
SLOWEST = 64 * 1024
_STREAM = timedelta(days=1)  # as long as a viewer may take for a video
_RETRY: dict[str, Any] = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=15),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=2), "base": 2},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A store's URL, taken apart."""

    kind: str
    bucket: str
    prefix: str
    options: Mapping[str, str]

    @property
    def endpoint(self) -> str | None:
        return self.options.get("endpoint")


@dataclass(frozen=True, slots=True)
class Named:
    """How an operator gives a store's address and who we are there, for sentences about what is wrong with them."""

    url: str = "FRIEZE_STORE_URL"
    user: str = "FRIEZE_STORE_USER"
    password: str = "FRIEZE_STORE_PASSWORD"  # noqa: S105 - the setting's name


OURS = Named()
THEIRS = Named("The collection's URL", "FRIEZE_STORE_OTHER_USER", "FRIEZE_STORE_OTHER_PASSWORD")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a store is waited for; `write` for one request in all that brings it something or has it copy."""

    limits: StoreLimits
    write: timedelta

    def reading(self, config: dict[str, Any], endpoint: str | None) -> dict[str, Any]:
        """What obstore's store for answers is made with."""
        return self._options(
            config, endpoint, {"read_timeout": timedelta(seconds=self.limits.idle), "timeout": _STREAM}
        )

    def writing(self, config: dict[str, Any], endpoint: str | None) -> dict[str, Any]:
        """What obstore's store for uploads and copies is made with."""
        return self._options(config, endpoint, {"timeout": self.write})

    def _options(self, config: dict[str, Any], endpoint: str | None, timeouts: dict[str, Any]) -> dict[str, Any]:
        plain = endpoint is not None and endpoint.startswith("http://")
        client = {"connect_timeout": timedelta(seconds=self.limits.connect), "allow_http": plain, **timeouts}
        return {"config": config, "client_options": client, "retry_config": _RETRY}


def address(url: str, named: Named = OURS) -> Address:
    """Raises SettingsError for a URL that names no such store."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    unknown = set(options) - _OPTIONS[parts.scheme]
    if not parts.netloc or "@" in parts.netloc or parts.fragment:
        raise SettingsError(
            f"{named.url} must be {parts.scheme}://BUCKET or {parts.scheme}://BUCKET/PREFIX, without a password."
        )
    if unknown:
        known = ", ".join(sorted(_OPTIONS[parts.scheme]))
        raise SettingsError(f"{named.url} has {sorted(unknown)[0]!r}; {parts.scheme} stores know {known}.")
    for name in ("endpoint", "public"):
        if name in options and urlsplit(options[name]).scheme not in ("http", "https"):
            raise SettingsError(f"{named.url} has {name}={options[name]!r}; write it as https://host.")
    prefix = parts.path.strip("/")
    if any(part in ("", ".", "..") for part in prefix.split("/") if prefix):
        raise SettingsError(f"{named.url} has the prefix {prefix!r}; write plain names with single slashes.")
    return Address(kind=parts.scheme, bucket=parts.netloc, prefix=prefix, options=options)


def open_objects(
    url: str,
    user: str | None,
    password: str | None,
    *,
    limits: StoreLimits = LIMITS,
    slowest: int = SLOWEST,
    in_one: int = PART,
    check: Callable[[str], str] = check_key,
    named: Named = OURS,
) -> ObjectStore:
    """The store of one of `KINDS` that `url` names. Raises SettingsError.

    What has more than `in_one` bytes goes up in parts, each with at least `slowest` bytes a second. `check` says which
    names it takes, `named` what is to be named in sentences.
    """
    at = address(url, named)
    patience = Patience(limits, timedelta(seconds=limits.answer + PART / slowest))
    vendors = {"s3": S3, "gs": Google, "az": Azure}
    try:
        vendor = vendors[at.kind](at, user, password, patience, named)
    except (obstore.exceptions.BaseError, ValueError, TypeError) as error:
        raise SettingsError(f"{named.url} can't be used: {str(error).splitlines()[0][:200]}.") from error
    who = f"{named.user} and {named.password}"
    return ObjectStore(vendor, at.prefix, roll_back=limits.roll_back, in_one=in_one, check=check, who=who)


class S3:
    """Whoever speaks S3, path style, which all do."""

    def __init__(self, at: Address, user: str | None, password: str | None, patience: Patience, named: Named) -> None:
        region = at.options.get("region", _REGION)
        endpoint = at.endpoint or f"https://s3.{region}.amazonaws.com"
        config: dict[str, Any] = {"region": region, "endpoint": endpoint, "disable_bulk_delete": True}
        if user and password:
            config |= {"access_key_id": user, "secret_access_key": password}
        elif user or password:
            raise SettingsError(f"An s3 store needs both {named.user} and {named.password}, or neither.")
        self.place = f"The bucket {at.bucket} at {urlsplit(endpoint).netloc}"
        self.reading = S3Store(at.bucket, **patience.reading(config, endpoint))
        self.writing = S3Store(at.bucket, **patience.writing(config, endpoint))
        self._bucket = at.bucket
        self._public = (at.options.get("public") or endpoint).rstrip("/")
        self._signer = Signer(user=user, secret=password, region=region) if user and password else None
        self._pending = PendingUploads(endpoint, at.bucket, self._signer, _now) if self._signer else None

    async def sign(
        self, method: Method, path: str, lease: timedelta, length: int | None, media_type: str | None
    ) -> SignedRequest | None:
        now = _now()
        given = {} if media_type is None or method == "GET" else {"Content-Type": media_type}
        if self._signer is None:
            url = await obstore.sign_async(self.reading, method, path, lease)
            return SignedRequest(method=method, url=url, expires=now + lease, headers=given)
        signed = {name.lower(): value for name, value in given.items()}
        if method == "PUT" and length is not None:
            # not in `headers`: no browser lets a page set it, and every client sends it by itself
            signed["content-length"] = str(length)
        url = self._signer.address(method, self._public + path_of(self._bucket, path), signed, lease, now)
        return SignedRequest(method=method, url=url, expires=now + lease, headers=given)

    async def abort(self, prefix: str, before: datetime | None) -> int:
        if self._pending is None:
            return 0  # whose key it is only obstore knows; docs/operations.md says which rule to set instead
        found = [one async for one in self._pending.under(prefix) if before is None or one.begun < before]
        for upload in found:
            await self._pending.abort(upload)
        return len(found)

    async def close(self) -> None:
        if self._pending is not None:
            await self._pending.close()


class Google:
    """Google Cloud Storage."""

    def __init__(self, at: Address, user: str | None, password: str | None, patience: Patience, named: Named) -> None:
        config: dict[str, Any] = {}
        if at.endpoint:
            config["base_url"] = at.endpoint
        if password:
            config["service_account_key"] = password
        elif at.endpoint:
            config["skip_signature"] = True  # one of ours, for tests
        self.place = f"The bucket {at.bucket} at Google"
        self.reading = GCSStore(at.bucket, **patience.reading(config, at.endpoint))
        self.writing = GCSStore(at.bucket, **patience.writing(config, at.endpoint))

    async def sign(
        self, method: Method, path: str, lease: timedelta, length: int | None, media_type: str | None
    ) -> SignedRequest | None:
        url = await obstore.sign_async(self.reading, method, path, lease)
        headers = {} if media_type is None or method == "GET" else {"Content-Type": media_type}
        return SignedRequest(method=method, url=url, expires=_now() + lease, headers=headers)

    async def abort(self, prefix: str, before: datetime | None) -> int:
        return 0  # obstore aborts its own; for what a killed process leaves see docs/operations.md

    async def close(self) -> None:
        pass


class Azure:
    """Azure Blob Storage."""

    def __init__(self, at: Address, user: str | None, password: str | None, patience: Patience, named: Named) -> None:
        if not user:
            raise SettingsError(f"An az store needs the name of its account in {named.user}.")
        config: dict[str, Any] = {"account_name": user}
        if at.endpoint:
            config["endpoint"] = at.endpoint
        if password:
            config["account_key"] = password
        self.place = f"The container {at.bucket} of {user} at Azure"
        self.reading = AzureStore(at.bucket, **patience.reading(config, at.endpoint))
        self.writing = AzureStore(at.bucket, **patience.writing(config, at.endpoint))

    async def sign(
        self, method: Method, path: str, lease: timedelta, length: int | None, media_type: str | None
    ) -> SignedRequest | None:
        url = await obstore.sign_async(self.reading, method, path, lease)
        headers = {} if media_type is None or method == "GET" else {"Content-Type": media_type}
        if method == "PUT":
            headers["x-ms-blob-type"] = "BlockBlob"
        return SignedRequest(method=method, url=url, expires=_now() + lease, headers=headers)

    async def abort(self, prefix: str, before: datetime | None) -> int:
        return 0  # blocks that were never committed can't be seen nor aborted; Azure drops them after a week

    async def close(self) -> None:
        pass


def _now() -> datetime:
    return datetime.now(UTC)
