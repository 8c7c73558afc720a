"""HEIC files and MP4 indexes that no camera writes, byte by byte (ISO 14496-12, ISO 23008-12)."""

import struct

from tests.wall.pictures.films import FTYP, box


def full(kind: bytes, *contents: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *contents)


def heic_grid(columns: int, rows: int, tile: int, shown: int) -> bytes:
    """A HEIC whose picture is a grid of `columns` × `rows` tiles that are all the same empty one.

    Its container says it is `shown` pixels on a side, the grid itself says what the tiles add up to.
    """
    width, height = min(columns * tile, 0xFFFFFFFF), min(rows * tile, 0xFFFFFFFF)
    grid = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)
    pixels = b"\0" * 64
    count = columns * rows
    infos = full(
        b"iinf",
        struct.pack(">H", 2),
        full(b"infe", struct.pack(">HH", 1, 0), b"grid", b"\0", version=2),
        full(b"infe", struct.pack(">HH", 2, 0), b"hvc1", b"\0", version=2),
    )
    references = full(b"iref", box(b"dimg", struct.pack(">HH", 1, count), struct.pack(">H", 2) * count))
    properties = box(
        b"iprp",
        box(b"ipco", full(b"ispe", struct.pack(">II", shown, shown)), full(b"ispe", struct.pack(">II", tile, tile))),
        full(b"ipma", struct.pack(">I", 2), struct.pack(">HBB", 1, 1, 1), struct.pack(">HBB", 2, 1, 2)),
    )

    def meta(offset: int) -> bytes:
        places = full(
            b"iloc",
            struct.pack(">BBH", 0x44, 0x00, 2),
            struct.pack(">HHHII", 1, 0, 1, offset, len(grid)),
            struct.pack(">HHHII", 2, 0, 1, offset + len(grid), len(pixels)),
        )
        handler = full(b"hdlr", bytes(4), b"pict", bytes(13))
        primary = full(b"pitm", struct.pack(">H", 1))
        return full(b"meta", handler, primary, places, infos, references, properties)

    head = box(b"ftyp", b"heic", bytes(4), b"mif1", b"heic")
    offset = len(head) + len(meta(0)) + 8
    return head + meta(offset) + box(b"mdat", grid, pixels)


def endless_index(megabytes: int) -> bytes:
    """An MP4 whose table of sample sizes alone has so many megabytes."""
    count = megabytes * 2**20 // 4
    entry = struct.pack(">6xH16xHHII4xH32xHh", 1, 64, 64, 72 << 16, 72 << 16, 1, 24, -1)
    table = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), box(b"avc1", entry)),
        full(b"stsz", struct.pack(">II", 0, count), bytes(4 * count)),
    )
    header = full(b"mdhd", struct.pack(">IIII", 0, 0, 1000, 1000), bytes(4))
    handler = full(b"hdlr", bytes(4), b"vide", bytes(13))
    media = box(b"mdia", header, handler, box(b"minf", table))
    track_header = full(b"tkhd", bytes(80), flags=3)
    return FTYP + box(b"moov", full(b"mvhd", bytes(96)), box(b"trak", track_header, media)) + box(b"mdat", bytes(64))


def nested(depth: int) -> bytes:
    """A box in a box in a box."""
    inner = b""
    for _ in range(depth):
        inner = box(b"moov", inner)
    return FTYP + inner
