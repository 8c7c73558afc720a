"""A stand-in for Keystone's v3 token API: as strict as its schema about requests, and with real tokens.

The tokens are those of the real Swift's own login, so that Swift takes them; the catalogue leads to that Swift.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from tests.integration.swift import Swift

USER, PASSWORD = "frieze", "only-for-keystone"
CREDENTIAL, SECRET = "21dced0fd20347869b93710d2b98aae0", "only-for-credentials"
PROJECT, DOMAIN = "events", "Default"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Domain(_Strict):
    name: str


class _User(_Strict):
    name: str
    domain: _Domain
    password: str


class _Password(_Strict):
    user: _User


class _Credential(_Strict):
    id: str
    secret: str


class _Identity(_Strict):
    methods: list[Literal["password", "application_credential"]]
    password: _Password | None = None
    application_credential: _Credential | None = None


class _Project(_Strict):
    name: str
    domain: _Domain


class _Scope(_Strict):
    project: _Project


class _Auth(_Strict):
    identity: _Identity
    scope: _Scope | None = None


class _Request(_Strict):
    auth: _Auth


@dataclass
class Keystone:
    """`logins` counts the tokens given out; `lifetime` is what each is said to last; `status` refuses all."""

    swift: Swift
    port: int = 0
    logins: int = 0
    lifetime: timedelta = timedelta(hours=1)
    status: int | None = None
    refused: list[str] = field(default_factory=list[str])

    @classmethod
    @asynccontextmanager
    async def running(cls, swift: Swift) -> AsyncGenerator["Keystone"]:
        keystone = cls(swift)
        application = web.Application()
        application.router.add_post("/v3/auth/tokens", keystone._token)
        runner = web.AppRunner(application)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            keystone.port = int(runner.addresses[0][1])
            yield keystone
        finally:
            await runner.cleanup()

    def url(self, container: str, more: str = f"&project={PROJECT}&region=north", auth: str = "v3") -> str:
        return f"swift://127.0.0.1:{self.port}/v3/{container}?auth={auth}&tls=no{more}"

    async def _token(self, request: web.Request) -> web.Response:
        if self.status is not None:
            return self._refuse(self.status, "It was told to.")
        try:
            asked = _Request.model_validate_json(await request.read()).auth
        except ValidationError as error:
            return self._refuse(400, str(error))
        if request.content_type != "application/json":
            return self._refuse(415, request.content_type)
        if not self._knows(asked):
            return self._refuse(401, "The request you have made requires authentication.")
        self.logins += 1
        now = datetime.now(UTC)
        token: dict[str, Any] = {
            "methods": asked.identity.methods,
            "expires_at": f"{now + self.lifetime:%Y-%m-%dT%H:%M:%S.000000Z}",
            "issued_at": f"{now:%Y-%m-%dT%H:%M:%S.000000Z}",
            "catalog": self._catalogue(),
        }
        subject = await asyncio.to_thread(self.swift.token)
        return web.json_response({"token": token}, status=201, headers={"X-Subject-Token": subject})

    def _knows(self, asked: _Auth) -> bool:
        identity = asked.identity
        if identity.methods == ["application_credential"]:
            given = identity.application_credential
            # a credential has its project; Keystone refuses a scope beside it
            return asked.scope is None and given is not None and (given.id, given.secret) == (CREDENTIAL, SECRET)
        user = identity.password.user if identity.password else None
        project = asked.scope.project if asked.scope else None
        return (
            identity.methods == ["password"]
            and identity.application_credential is None
            and user is not None
            and project is not None
            and (user.name, user.domain.name, user.password) == (USER, DOMAIN, PASSWORD)
            and (project.name, project.domain.name) == (PROJECT, DOMAIN)
        )

    def _catalogue(self) -> list[dict[str, Any]]:
        account = f"{self.swift.s3_url}/v1/AUTH_test"
        nowhere = "http://127.0.0.1:9/v1/AUTH_test"
        places = [
            ("south", "public", nowhere),
            ("north", "admin", nowhere),
            ("north", "internal", account),
            ("north", "public", account),
        ]
        endpoints = [
            {"id": f"{region}-{interface}", "interface": interface, "region": region, "region_id": region, "url": url}
            for region, interface, url in places
        ]
        return [
            {"type": "identity", "name": "keystone", "id": "i", "endpoints": [{**endpoints[0], "id": "i"}]},
            {"type": "object-store", "name": "swift", "id": "s", "endpoints": endpoints},
        ]

    def _refuse(self, status: int, message: str) -> web.Response:
        self.refused.append(message)
        error = {"error": {"code": status, "message": message, "title": "Refused"}}
        return web.Response(status=status, text=json.dumps(error), content_type="application/json")
