"""What guests may add to a wall, and the states of what they add.

    leased → receiving → stored → withdrawn
    leased | receiving → aborted | withdrawn          aborted → withdrawn

`leased`: an address was given, nothing has come. `receiving`: bytes come in, or their completion is being checked.
`stored`: the store has confirmed them and the wall has a post of them; from here on the post's own state counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

NETWORK = "guest"  # the source of posts that guests add

Kind = Literal["image", "video"]
Mode = Literal["relay", "direct"]

MIB = 1024 * 1024
GIB = 1024 * MIB
MOST_BYTES = 5 * GIB  # of one upload: what S3 and Swift take in one PUT; reference: media.md §5.3
CONSENT_CHARACTERS = 4_000
NAME_CHARACTERS = 255  # of a file, as file systems have them
AUTHOR_CHARACTERS = 80
CAPTION_CHARACTERS = 500

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "image/heif")
VIDEO_TYPES = ("video/mp4", "video/quicktime", "video/webm")
# what browsers also call them
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "video/x-m4v": "video/mp4"}
# what a browser says that does not know a file's type, as many do for HEIC
_UNKNOWN = ("", "application/octet-stream")

_PICTURES = "JPEG, PNG, GIF, WebP, AVIF and HEIC pictures"
_VIDEOS = "MP4, MOV and WebM videos"


class UploadState(StrEnum):
    LEASED = "leased"
    RECEIVING = "receiving"
    STORED = "stored"
    ABORTED = "aborted"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRules:
    """What an operator allows guests of a wall; nothing until `enabled`.

    `opens`, `closes`: when they may add (UTC). `reveal_at`: what they add is shown from then on. `only`: of a secret
    wall, guests may add with a link of its own and see nothing. Bytes: of one picture or video, of all that lies on the
    wall, of all of one guest; `wall_posts`, `guest_posts`: how many.
    """

    enabled: bool = False
    opens: datetime | None = None
    closes: datetime | None = None
    consent: str = ""
    name_required: bool = False
    video: bool = True
    image_bytes: int = 100 * MIB  # reference: media.md §5.3; a phone's panorama has 40
    video_bytes: int = 4 * GIB
    wall_bytes: int = 200 * GIB
    wall_posts: int = 20_000
    guest_bytes: int = 8 * GIB
    guest_posts: int = 200
    only: bool = False
    reveal_at: datetime | None = None

    @classmethod
    def read(cls, values: Mapping[str, Any] | None) -> "UploadRules":
        """From JSON, as `values()` gives it; unknown names are ignored, missing ones have their defaults.

        Raises ValueError, whose sentence an operator may read.
        """
        return cls().changed(values or {})

    def changed(self, values: Mapping[str, Any]) -> "UploadRules":
        """These with other values for some names. Raises ValueError like `read`."""
        known = {field.name for field in fields(self)}
        rules = replace(self, **{name: _read(name, value) for name, value in values.items() if name in known})
        rules._check()
        return rules

    def values(self) -> dict[str, Any]:
        """As JSON has it."""
        return {field.name: _written(getattr(self, field.name)) for field in fields(self)}

    def closed(self, now: datetime) -> tuple[str, str] | None:
        """Why nobody may add anything now, as a code and a sentence; None: guests may."""
        if not self.enabled:
            return "off", "Guests can't add anything to this wall."
        if self.opens is not None and now < self.opens:
            return "early", f"This wall takes pictures from {_clock(self.opens)} on."
        if self.closes is not None and now >= self.closes:
            return "over", "This wall takes no more pictures."
        return None

    def hides(self, now: datetime) -> bool:
        """Whether what guests add is not shown yet, also when it was approved."""
        return self.reveal_at is not None and now < self.reveal_at

    def limit(self, kind: Kind | None) -> int:
        """The most bytes one of this kind may have; None: it is not known yet which."""
        if kind == "image" or not self.video:
            return self.image_bytes
        return self.video_bytes if kind == "video" else max(self.image_bytes, self.video_bytes)

    def shown(self) -> str:
        """What can be added, in a sentence."""
        return f"This wall shows {_PICTURES}{f', and {_VIDEOS}' if self.video else ''}."

    def public(self, now: datetime) -> dict[str, Any] | None:
        """What a guest's page may know (docs/wire.md); None where guests add nothing."""
        if not self.enabled:
            return None
        told = ("opens", "closes", "consent", "name_required", "video", "image_bytes", "video_bytes", "only")
        return {
            "open": self.closed(now) is None,
            **{name: _written(getattr(self, name)) for name in told},
            "reveal_at": _written(self.reveal_at),
            "types": [*IMAGE_TYPES, *(VIDEO_TYPES if self.video else ())],
        }

    def _check(self) -> None:
        if self.opens is not None and self.closes is not None and self.closes <= self.opens:
            raise ValueError("It must close after it opens.")
        if len(self.consent) > CONSENT_CHARACTERS:
            raise ValueError(f"The text for consent has more than {CONSENT_CHARACTERS:,} characters.")
        for name, largest in _LARGEST.items():
            if not 1 <= getattr(self, name) <= largest:
                raise ValueError(f"{name} must be between 1 and {largest}.")


# a file of more is no single PUT; the others only have to fit into a database's numbers
_LARGEST = {
    "image_bytes": MOST_BYTES,
    "video_bytes": MOST_BYTES,
    "wall_bytes": 2**50,
    "guest_bytes": 2**50,
    "wall_posts": 10**9,
    "guest_posts": 10**9,
}
_MOMENTS = ("opens", "closes", "reveal_at")
_SWITCHES = ("enabled", "name_required", "video", "only")


def _read(name: str, value: Any) -> Any:
    if name in _MOMENTS:
        return _moment(name, value)
    if name in _SWITCHES:
        wanted, kind = "on or off", bool
    elif name == "consent":
        wanted, kind = "a text", str
    else:
        wanted, kind = "a whole number", int
    if type(value) is not kind:
        raise ValueError(f"{name} must be {wanted}.")
    return str(value).strip() if name == "consent" else value


def _moment(name: str, value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{name} is a time with its zone, as 2026-11-21T20:00:00Z.")
    return value.astimezone(UTC)


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def plain_type(said: str) -> str:
    """A media type as a browser says it, without parameters and by its usual name."""
    name = said.partition(";")[0].strip().lower()
    return _ALIASES.get(name, name)


def kind_of(media_type: str) -> Kind | None:
    """What a plain type is; None where it says nothing. Raises ValueError for a type nobody shows."""
    if media_type in IMAGE_TYPES:
        return "image"
    if media_type in VIDEO_TYPES:
        return "video"
    if media_type in _UNKNOWN:
        return None
    raise ValueError(f"{media_type[:80]!r} can't be shown.")
