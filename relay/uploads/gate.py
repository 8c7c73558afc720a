"""What the first bytes of an upload say: the store sees nothing of what can't be shown.

The declared type says nothing, only the bytes count. What stands further back in a file is the studio's to judge.
"""

from dataclasses import dataclass
from io import BytesIO

from wall.catalogue.uploads import refuse_kind
from wall.errors import PictureError, UploadRefused
from wall.pictures.measure import measure
from wall.pictures.sniff import recognise
from wall.uploads import Kind, UploadRules

# what the studio would refuse, already in the header; a header that goes on beyond our look is no defect
_TOO_MUCH = frozenset({"size", "side", "pixels"})


@dataclass(frozen=True, slots=True)
class Looked:
    """What the bytes are: their media type, and what it counts as."""

    type: str
    kind: Kind


def look(head: bytes, size: int, rules: UploadRules) -> Looked:
    """Judge a file of `size` bytes by its first ones. Raises UploadRefused (`type`, `size`)."""
    media_type = _recognise(head, rules)
    looked = Looked(media_type, "video" if media_type.startswith("video/") else "image")
    refuse_kind(rules, looked.kind, size)
    if looked.kind == "image":
        _check_pixels(head, whole=len(head) == size)
    return looked


def _recognise(head: bytes, rules: UploadRules) -> str:
    try:
        return recognise(head)
    except PictureError as error:
        # its first sentence says what it is, the wall knows better what can be shown
        raise UploadRefused("type", f"{str(error).partition('. ')[0].rstrip('.')}. {rules.shown()}") from error


def _check_pixels(head: bytes, *, whole: bool) -> None:
    try:
        measure(BytesIO(head))
    except PictureError as error:
        if error.code in _TOO_MUCH or (whole and error.code == "damaged"):
            raise UploadRefused("type", str(error)) from error
