"""The two ways to sign in: TempAuth's v1 (also Ceph's and swauth's), and Keystone's v3."""

import asyncio
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from wall.errors import SettingsError, StoreError, StoreRefused, StoreUnavailable
from wall.store.limits import StoreLimits
from wall.store.swift.access import Access
from wall.store.swift.address import SwiftAddress
from wall.store.swift.trouble import in_words

_MOST_BYTES = 4 * 1024 * 1024  # of an answer; Keystone's catalogue of a large cloud has some 100 KB


class SignIn:
    """Asks for a token each time it is called. Raises StoreRefused or StoreUnavailable."""

    def __init__(
        self, session: aiohttp.ClientSession, address: SwiftAddress, user: str, password: str, limits: StoreLimits
    ) -> None:
        self._session = session
        self._address = address
        self._user = user
        self._password = password
        self._limits = limits

    async def __call__(self) -> Access:
        access = await (self._v1() if self._address.auth == "v1" else self._v3())
        if not access.token or urlsplit(access.storage).scheme not in ("http", "https"):
            raise self._strange("names no token or no place of the objects")
        return access

    async def _v1(self) -> Access:
        status, headers, _ = await self._ask(
            "GET", self._address.login, headers={"X-Auth-User": self._user, "X-Auth-Key": self._password}
        )
        self._check(status)
        storage = headers.get("X-Storage-Url", "").rstrip("/")
        left = headers.get("X-Auth-Token-Expires", "")
        return Access(
            token=headers.get("X-Auth-Token", ""),
            storage=storage,
            public=self._public(storage),
            lifetime=float(left) if left.isdecimal() else None,
        )

    async def _v3(self) -> Access:
        status, headers, body = await self._ask(
            "POST",
            f"{self._address.login}/auth/tokens",
            headers={"Content-Type": "application/json"},
            data=json.dumps({"auth": self._identity()}).encode(),
        )
        self._check(status)
        try:
            token = json.loads(body)["token"]
            lifetime = datetime.fromisoformat(token["expires_at"]) - datetime.fromisoformat(token["issued_at"])
            endpoints = [
                endpoint
                for service in token.get("catalog", ())
                if service["type"] == "object-store"
                for endpoint in service["endpoints"]
            ]
            storage = self._endpoint(endpoints, self._address.interface)
            return Access(
                token=headers.get("X-Subject-Token", ""),
                storage=storage,
                # browsers are led to the public one, whichever we use
                public=self._public(self._endpoint(endpoints, "public", or_else=storage)),
                lifetime=lifetime.total_seconds(),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._strange("is no token of Keystone's v3") from error

    def _identity(self) -> dict[str, Any]:
        if self._address.auth == "v3applicationcredential":
            # its project is the credential's own; Keystone refuses a scope beside it
            credential = {"id": self._user, "secret": self._password}
            return {"identity": {"methods": ["application_credential"], "application_credential": credential}}
        user = {"name": self._user, "domain": {"name": self._address.user_domain}, "password": self._password}
        project = {"name": self._address.project, "domain": {"name": self._address.project_domain}}
        return {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": project},
        }

    def _endpoint(self, endpoints: list[dict[str, Any]], interface: str, or_else: str | None = None) -> str:
        """The account's URL; regions are compared by id, and by the name that older clouds give."""
        ours = [found for found in endpoints if found["interface"] == interface]
        region = self._address.region
        if region:
            ours = [found for found in ours if region in (found.get("region_id"), found.get("region"))]
        if ours:
            return str(ours[0]["url"]).rstrip("/")
        if or_else is not None:
            return or_else
        there = sorted(
            {f"{found.get('region_id') or found.get('region')} ({found['interface']})" for found in endpoints}
        )
        wanted = f"{interface} address{f' in region {region}' if region else ''}"
        raise StoreRefused(
            f"The login at {self._address.host} knows no {wanted} of an object store for us; it knows "
            f"{', '.join(there) or 'none at all'}. Look at project=, region= and interface= in FRIEZE_STORE_URL."
        )

    def _public(self, storage: str) -> str:
        if not self._address.public:
            return storage
        origin = urlsplit(self._address.public)
        return urlunsplit((origin.scheme, origin.netloc, urlsplit(storage).path, "", ""))

    async def _ask(
        self, method: str, url: str, *, headers: dict[str, str], data: bytes | None = None
    ) -> tuple[int, Any, bytes]:
        try:
            async with (
                asyncio.timeout(self._limits.connect + self._limits.first_byte),
                self._session.request(method, url, headers=headers, data=data, allow_redirects=False) as response,
            ):
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise self._strange(f"is longer than {_MOST_BYTES} bytes")
                return response.status, response.headers, bytes(body)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise in_words(error, self._address.host, "The login") from error
        except ValueError as error:
            # a user or password with a line break can't stand in a header
            raise SettingsError(
                "FRIEZE_STORE_USER or FRIEZE_STORE_PASSWORD has characters no login can carry."
            ) from error

    def _check(self, status: int) -> None:
        host = self._address.host
        if 200 <= status < 300:
            return
        if status in (401, 403):
            more = "" if self._address.auth == "v1" else ", and at project= and the domains in FRIEZE_STORE_URL"
            raise StoreRefused(
                f"The login at {host} refuses FRIEZE_STORE_USER with FRIEZE_STORE_PASSWORD (status {status}); "
                f"look at both{more}."
            )
        if status in (408, 429) or status >= 500:
            raise StoreUnavailable(f"The login at {host} is in trouble (status {status}); it is tried again later.")
        raise StoreRefused(
            f"There is no login like auth={self._address.auth} at {self._address.login} (status {status}); "
            "look at the host and path in FRIEZE_STORE_URL."
        )

    def _strange(self, what: str) -> StoreError:
        return StoreRefused(
            f"What the login at {self._address.host} answers {what}; look at the host and at auth= in FRIEZE_STORE_URL."
        )
