"""Google's XML API, which obstore speaks, said to fake-gcs-server, which understands only the JSON API.

It answers a plain GET, HEAD, DELETE and a listing in XML itself; uploads, copies and uploads in parts are said to it in
other words here (https://cloud.google.com/storage/docs/xml-api/overview). The bytes, the conditions and the listing are
the server's.
"""

import io
import secrets
import xml.etree.ElementTree as ET
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, unquote

import aiohttp
from aiohttp import web
from yarl import URL

from tests.fakes.store_service import listening

_HOP = ("connection", "transfer-encoding", "keep-alive")
_PARTS = ".parts"  # beside the objects; no store has a prefix like it


class GoogleXml:
    """Stands before a fake-gcs-server at `behind`, a host with its port."""

    def __init__(self, behind: str, http: aiohttp.ClientSession) -> None:
        self._behind = behind
        self._http = http
        self._uploads: dict[str, dict[str, str]] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        bucket, _, name = (unquote(part) for part in request.raw_path.partition("?")[0][1:].partition("/"))
        query, kept = request.query, _kept(request.headers)
        if request.method == "POST" and "uploads" in query:
            self._uploads[upload := secrets.token_hex(8)] = kept
            return _xml("InitiateMultipartUploadResult", UploadId=upload)
        if "uploadId" in query:
            return await self._of_parts(request, bucket, name, query["uploadId"])
        if request.method == "PUT" and "x-goog-copy-source" in request.headers:
            source = unquote(request.headers["x-goog-copy-source"]).strip("/").partition("/")[2]
            path = f"/storage/v1/b/{bucket}/o/{_quoted(source)}/rewriteTo/b/{bucket}/o/{_quoted(name)}"
            status, said = await self._ask("POST", path)
            return web.Response(status=status, headers=_validators(said.get("resource", {})))
        if request.method == "PUT" and not query:
            match = request.headers.get("x-goog-if-generation-match")
            return await self._put(bucket, name, kept, await request.read(), match)
        return await self._pass_on(request)

    async def _of_parts(self, request: web.Request, bucket: str, name: str, upload: str) -> web.StreamResponse:
        folder = f"{_PARTS}/{upload}/"
        if request.method == "PUT":
            part = f"{folder}{int(request.query['partNumber']):05}"
            return await self._put(bucket, part, {}, await request.read(), None)
        parts = [
            one["name"] for one in (await self._ask("GET", f"/storage/v1/b/{bucket}/o", prefix=folder))[1]["items"]
        ]
        composed: dict[str, Any] = {}
        status = 204
        if request.method == "POST":
            kept = self._uploads[upload]
            metadata = {name[12:]: value for name, value in kept.items() if name.startswith("x-goog-meta-")}
            wanted = {
                "sourceObjects": [{"name": part} for part in sorted(parts)],
                "destination": {"contentType": kept.get("content-type", ""), "metadata": metadata},
            }
            path = f"/storage/v1/b/{bucket}/o/{_quoted(name)}/compose"
            status, composed = await self._ask("POST", path, json=wanted)
        for part in parts:
            await self._ask("DELETE", f"/storage/v1/b/{bucket}/o/{_quoted(part)}")
        if status != 200:
            return web.Response(status=status)
        return _xml("CompleteMultipartUploadResult", ETag=f'"{composed["etag"]}"')

    async def _put(
        self, bucket: str, name: str, kept: Mapping[str, str], data: bytes, match: str | None
    ) -> web.Response:
        only = {} if match is None else {"ifGenerationMatch": match}
        path = f"/upload/storage/v1/b/{bucket}/o"
        body = io.BytesIO(data)
        status, said = await self._ask("POST", path, data=body, headers=kept, uploadType="media", name=name, **only)
        return web.Response(status=status, headers=_validators(said))

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        """As it is; the path keeps its escapes."""
        url = URL(f"http://{self._behind}{request.raw_path}", encoded=True)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        async with self._http.request(request.method, url, headers=headers) as said:
            passed = {name: value for name, value in said.headers.items() if name.lower() not in _HOP}
            body = None if request.method == "HEAD" else await said.read()
            return web.Response(status=said.status, headers=passed, body=body)

    async def _ask(
        self,
        method: str,
        path: str,
        data: io.BytesIO | None = None,
        json: Any = None,
        headers: Any = None,
        **query: str,
    ) -> tuple[int, dict[str, Any]]:
        url = URL(f"http://{self._behind}{path}", encoded=True).with_query(query)
        async with self._http.request(method, url, data=data, json=json, headers=headers) as said:
            found = await said.json() if said.content_type == "application/json" else None
            return said.status, {"items": []} | (found or {})


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """What an object keeps of the request that makes it."""
    given = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in given.items() if name == "content-type" or name.startswith("x-goog-meta-")}


def _validators(resource: Mapping[str, Any]) -> dict[str, str]:
    if "etag" not in resource:
        return {}
    return {"ETag": f'"{resource["etag"]}"', "x-goog-generation": str(resource.get("generation", ""))}


def _xml(root: str, **fields: str) -> web.Response:
    tree = ET.Element(root)
    for name, text in fields.items():
        ET.SubElement(tree, name).text = text
    return web.Response(body=ET.tostring(tree), content_type="application/xml")


def _quoted(name: str) -> str:
    return quote(name, safe="")


@asynccontextmanager
async def google_xml(behind: str) -> AsyncGenerator[str]:
    """The address of one before the server at `behind`."""
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", GoogleXml(behind, http).answer)
        runner = web.AppRunner(app)
        await runner.setup()
        bound = listening()
        try:
            await web.SockSite(runner, bound).start()
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            await runner.cleanup()
            bound.close()
