"""From a video to its poster; runs inside a worker process and nowhere else.

PyAV opens the file through the ranges the studio hands out; the demuxer is chosen by what the bytes are, never by
guessing, so that no playlist and no text format is ever looked at. One frame is decoded, near the beginning.
"""

from collections.abc import Sequence
from typing import Any, cast

from PIL import Image

from wall.errors import PictureError
from wall.pictures import records
from wall.pictures.blanks import find_blanks
from wall.pictures.ranges import RangeFile
from wall.pictures.records import Filmed, VideoType
from wall.pictures.render import make_stills
from wall.pictures.sniff import HEAD, is_video, recognise
from wall.posts import Role

POSTER_SECONDS = 1.0  # into the video: the very first frame is often black
_FRAMES = 48  # decoded until a picture comes: two of the longest usual groups of reordered frames

_DEMUXERS: dict[VideoType, str] = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}
# what today's browsers play, and as what; the same file, whatever its camera called it
_PLAYED: dict[VideoType, tuple[str, frozenset[str]]] = {
    "video/mp4": ("video/mp4", frozenset({"h264", "vp9", "av1"})),
    "video/quicktime": ("video/mp4", frozenset({"h264", "vp9", "av1"})),
    "video/webm": ("video/webm", frozenset({"vp8", "vp9", "av1"})),
}
_COLOURS = {"yuv420p", "yuvj420p"}  # of H.264: 10 bits and finer colours play in some browsers only
_PLAYABLE = "Browsers play H.264 in MP4 or MOV, and VP8, VP9 or AV1 in WebM."


def film(file: RangeFile, roles: Sequence[Role]) -> Filmed:
    """Make the stills `roles` of a video. Raises PictureError, also for one that browsers would not play."""
    kind = recognise(file.exactly(0, HEAD))
    if not is_video(kind):
        raise PictureError("This is a picture, not a video.", code="type")
    blanks = find_blanks(file, kind)
    file.seek(0)
    try:
        image, codec, duration = _look(file, kind)
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # a demuxer may raise anything at all on a stranger's bytes
        raise PictureError("The video is damaged and can't be decoded.", code="damaged") from error
    size = image.size
    image.thumbnail((2560, 2560), Image.Resampling.BILINEAR, reducing_gap=2.0)
    stills = make_stills(image, roles)
    return Filmed(
        type=kind,
        served=_PLAYED[kind][0],
        width=size[0],
        height=size[1],
        duration=duration,
        codec=codec,
        thumbhash=stills.thumbhash,
        phash=stills.phash,
        blanks=blanks,
        renditions=tuple(sorted(stills.renditions, key=lambda one: list(roles).index(one.role))),
    )


def _look(file: RangeFile, kind: VideoType) -> tuple[Image.Image, str, float | None]:
    """An upright frame, the codec's name and the duration in seconds."""
    av = _load()
    # no more probing than the header: what a poster needs stands in it
    options = {"probesize": str(1 << 20), "analyzeduration": "1000000"}
    with av.open(file, mode="r", format=_DEMUXERS[kind], options=options, metadata_errors="replace") as container:
        stream = next(iter(container.streams.video), None)
        if stream is None or stream.codec_context is None:
            raise PictureError("There is no video track in this file.", code="track")
        codec = str(stream.codec_context.codec.canonical_name)
        _check(kind, codec, stream.codec_context)
        stream.codec_context.thread_count = 1
        duration = _duration(container, stream)
        frame = _frame(av, container, stream, duration)
        return _upright(frame, stream), codec, duration


def _load() -> Any:
    try:
        import av
        import av.logging
    except (ImportError, OSError) as error:
        raise PictureError("Videos can't be read here: PyAV is missing.", code="video") from error
    av.logging.set_level(None)
    return cast("Any", av)


def _check(kind: VideoType, codec: str, context: Any) -> None:
    if codec in ("hevc", "h265"):
        raise PictureError(
            "This video is HEVC (H.265), which browsers don't play. "
            "An iPhone records H.264 with Settings, Camera, Formats, Most Compatible.",
            code="codec",
        )
    if codec not in _PLAYED[kind][1]:
        raise PictureError(f"This video is made with {codec[:20]}. {_PLAYABLE}", code="codec")
    if codec == "h264" and context.pix_fmt not in (None, *_COLOURS):
        raise PictureError(f"This H.264 video has {context.pix_fmt} colours, which few browsers play.", code="codec")
    width, height = context.width, context.height
    if width < 1 or height < 1 or width * height > records.MAX_VIDEO_PIXELS:
        raise PictureError(f"The video's frames are {width} × {height} pixels large; 8K is allowed.", code="pixels")


def _duration(container: Any, stream: Any) -> float | None:
    """Seconds, None where the file does not say, as those that browsers record do not."""
    if container.duration:
        seconds = container.duration / 1_000_000
    elif stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    else:
        return None
    return round(seconds, 3) if 0 < seconds <= records.MAX_DURATION else None


def _frame(av: Any, container: Any, stream: Any, duration: float | None) -> Any:
    """A frame about a second in, or the first there is."""
    if duration is not None and duration > 2 * POSTER_SECONDS and stream.time_base:
        try:
            container.seek(int(POSTER_SECONDS / stream.time_base) + (stream.start_time or 0), stream=stream)
            found = _next_frame(container, stream, int(POSTER_SECONDS / stream.time_base))
        except av.error.FFmpegError:
            found = None
        if found is not None:
            return found
        container.seek(0)
    frame = _next_frame(container, stream, None)
    if frame is None:
        raise PictureError("No picture can be decoded of this video.", code="damaged")
    return frame


def _next_frame(container: Any, stream: Any, at: int | None) -> Any:
    """The first frame from the moment `at` on, or the last one of those that may be looked at."""
    last = None
    for number, frame in enumerate(container.decode(stream)):
        last = frame
        if at is None or frame.pts is None or frame.pts >= at or number >= _FRAMES:
            break
    return last


def _upright(frame: Any, stream: Any) -> Image.Image:
    """The frame as it is shown: square pixels, turned as the container says."""
    image = cast("Image.Image", frame.to_image())
    aspect = stream.sample_aspect_ratio
    if aspect and aspect != 1 and 0.1 < aspect < 10:
        width, height = image.size
        image = image.resize((max(1, round(width * aspect)), height), Image.Resampling.BILINEAR)
    turn = int(getattr(frame, "rotation", 0) or 0) % 360
    turns = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
    return image.transpose(turns[turn]) if turn in turns else image
