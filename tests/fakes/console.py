"""A console as it runs: the real application on a real catalogue, behind a real server, asked over HTTP."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from fastapi import FastAPI

from tests.fakes.waiting import until
from wall.catalogue import Catalogue
from wall.errors import SourceRefused
from web.console import console_app


@dataclass
class Answer:
    """What came back. `text` is the body; `error` the code of a refusal."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any

    @property
    def error(self) -> str:
        assert set(self.json) == {"error"}
        assert isinstance(self.json["error"]["sentence"], str)
        return str(self.json["error"]["code"])


@dataclass
class Browser:
    """A browser with its own cookies. It sends Origin, token and content type as the page does, unless told not to."""

    base: str
    client: aiohttp.ClientSession
    token: str = ""
    defaults: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        headers: dict[str, str] = {}
        if method not in ("GET", "HEAD"):
            headers = {"origin": self.base, "frieze-token": self.token, "content-type": "application/json"}
        for name, value in options.pop("headers", {}).items():
            headers.pop(name, None)
            if value is not None:
                headers[name] = value
        async with self.client.request(
            method, self.base + path, headers=headers, allow_redirects=False, **options
        ) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            return Answer(response.status, response.headers, text, await response.json() if is_json else None)

    async def get(self, path: str) -> Answer:
        return await self.ask("GET", path)

    async def write(self, method: str, path: str, body: object = None, **headers: str | None) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask(method, path, json={} if body is None else body, headers=named)

    async def open_link(self, link_token: str, **headers: str | None) -> Answer:
        """Press the button of the page behind a sign-in link."""
        return await self.ask(
            "POST",
            "/console/sign-in",
            data=f"token={link_token}",
            headers={"content-type": "application/x-www-form-urlencoded", **headers},
        )

    async def learn_token(self) -> None:
        self.token = (await self.get("/api/console/state")).json["token"]

    @asynccontextmanager
    async def changes(self) -> AsyncGenerator["Events"]:
        timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
        async with self.client.get(f"{self.base}/api/console/changes", timeout=timeout) as response:
            assert response.status == 200, await response.text()
            yield Events(response.content)


@dataclass
class Events:
    """The live stream's events as they arrive."""

    content: aiohttp.StreamReader

    async def next(self) -> tuple[str, str]:
        """The next event's name and data, past comments. Fails after 20 s, or when the stream has ended."""
        async with asyncio.timeout(20):
            name = ""
            while True:
                line = (await self.content.readline()).decode()
                assert line, "the stream ended"
                if match := re.match(r"event: (\S+)", line):
                    name = match[1]
                elif match := re.match(r"data: (.*)", line):
                    return name, match[1]

    async def until_kind(self, kind: str) -> None:
        while f'"{kind}"' not in (await self.next())[1]:
            pass

    async def end(self) -> None:
        """Read on to the stream's end."""
        async with asyncio.timeout(20):
            while await self.content.read(4096):
                pass


@dataclass
class RunningConsole:
    base: str
    app: FastAPI
    catalogue: Catalogue
    browsers: list[Browser] = field(default_factory=list)

    def browser(self) -> Browser:
        # a jar that takes cookies of an IP address; the default one does not
        client = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(total=20)
        )
        browser = Browser(self.base, client)
        self.browsers.append(browser)
        return browser

    async def signed_in(self, name: str = "Ada") -> Browser:
        browser = self.browser()
        answer = await browser.open_link(await self.catalogue.operators.link(name))
        assert answer.status == 303, answer.text
        await browser.learn_token()
        return browser


def check_demo(query: str) -> None:
    if "nothing" in query:
        raise SourceRefused("The demo source draws landscapes and portraits, but not nothing; name one of those.")


@asynccontextmanager
async def running(catalogue: Catalogue, pages: Path, **options: Any) -> AsyncGenerator[RunningConsole]:
    """The console on a port of its own, until the block ends."""
    app = console_app(
        catalogue,
        pages=pages,
        networks={"demo": check_demo, "x": lambda query: None},
        origins=("https://console.example",),
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=5, **options)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        await until(lambda: server.started or task.done(), "the console to listen")
        console = RunningConsole(f"http://127.0.0.1:{listening.getsockname()[1]}", app, catalogue)
        try:
            yield console
        finally:
            for browser in console.browsers:
                await browser.client.close()
            app.state.watch.close()
            server.should_exit = True
            await task


def set_cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"]
