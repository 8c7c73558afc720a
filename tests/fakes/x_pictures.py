"""The picture host beside the stand-in for X: real JPEG and PNG bytes, each picture different, and hostile ones."""

import asyncio
import io
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache

from aiohttp import web
from PIL import Image, ImageDraw

LONGEST_SIDE = {"thumb": 150, "small": 680, "medium": 1200, "large": 2048, "4096x4096": 4096, "orig": 2400}
_FORMATS = {"jpg": ("JPEG", "image/jpeg"), "png": ("PNG", "image/png"), "webp": ("WEBP", "image/webp")}
_AVATARS = {"normal": 48, "bigger": 73, "": 400}

# What can be scripted for one picture, by name.
BEHAVIOURS = frozenset(
    {
        "404-for-large",
        "404",
        "503",
        "broken",
        "empty",
        "bomb",
        "slow",
        "html",
        "redirect-private",
        "redirect-loop",
    }
)


def colour(name: str) -> tuple[int, int, int]:
    """The colour that fills the picture `name`; a test can tell pictures apart by it."""
    digest = zlib.crc32(name.encode())
    return (64 + digest % 160, 64 + (digest >> 8) % 160, 64 + (digest >> 16) % 160)


@lru_cache(maxsize=256)
def draw(name: str, longest: int, form: str) -> bytes:
    """A 4:3 or 3:4 picture filled with `colour(name)`, its name written on it."""
    short = longest * 3 // 4
    size = (longest, short) if zlib.crc32(name.encode()) % 2 else (short, longest)
    picture = Image.new("RGB", size, colour(name))
    ImageDraw.Draw(picture).text((8, 8), name, fill=(255, 255, 255))
    out = io.BytesIO()
    picture.save(out, form, quality=85)
    return out.getvalue()


@lru_cache(maxsize=1)
def bomb() -> bytes:
    """A PNG of 30,000 × 30,000 pixels in about 110 KB."""
    side = 30_000

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class PictureHost:
    """`/media/<name>.<ext>?format=…&name=…` and `/profile_images/<name>_normal.png`."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.behaviours: dict[str, str] = {}
        self.seen: list[str] = []
        self.drip_seconds = 0.2

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/media/{file}", self._media)
        app.router.add_get("/profile_images/{file}", self._avatar)
        return app

    async def _media(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request.path_qs)
        name, _, extension = request.match_info["file"].partition(".")
        form = _FORMATS.get(request.query.get("format", extension or "jpg"))
        longest = LONGEST_SIDE.get(request.query.get("name", "medium"))
        if name not in self.names or form is None or longest is None:
            return web.Response(status=404, text="Not Found")
        behaviour = self.behaviours.get(name, "")
        if behaviour == "404-for-large":
            return self._found(name, longest, form) if longest < LONGEST_SIDE["large"] else _not_found()
        if behaviour == "slow":
            return await self._drip(request, draw(name, longest, form[0]), form[1])
        if behaviour:
            return _ODD[behaviour](request)
        return self._found(name, longest, form)

    def _found(self, name: str, longest: int, form: tuple[str, str]) -> web.Response:
        return web.Response(body=draw(name, longest, form[0]), content_type=form[1])

    async def _drip(self, request: web.Request, body: bytes, kind: str) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": kind, "Content-Length": str(len(body))})
        await answer.prepare(request)
        for at in range(len(body)):
            await answer.write(body[at : at + 1])
            await asyncio.sleep(self.drip_seconds)
        return answer

    async def _avatar(self, request: web.Request) -> web.Response:
        self.seen.append(request.path_qs)
        stem = request.match_info["file"].removesuffix(".png")
        name, _, size = stem.partition("_")
        if size not in _AVATARS:
            return _not_found()
        return web.Response(body=draw(f"avatar-{name}", _AVATARS[size], "PNG"), content_type="image/png")


def _not_found() -> web.Response:
    return web.Response(status=404, text="Not Found")


_ODD: dict[str, Callable[[web.Request], web.Response]] = {
    "404": lambda _: _not_found(),
    "503": lambda _: web.Response(status=503, text="Over capacity"),
    "broken": lambda _: web.Response(body=draw("broken", 640, "JPEG")[:900], content_type="image/jpeg"),
    "empty": lambda _: web.Response(body=b"", content_type="image/jpeg"),
    "bomb": lambda _: web.Response(body=bomb(), content_type="image/png"),
    "html": lambda _: web.Response(text="<html>not a picture</html>", content_type="text/html"),
    "redirect-private": lambda _: web.Response(status=302, headers={"Location": "http://169.254.169.254/latest"}),
    "redirect-loop": lambda request: web.Response(status=302, headers={"Location": str(request.url)}),
}
