"""How an upload can be refused, in the words of docs/wire.md."""

import random
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from wall.errors import FriezeError, UploadRefused

BUSY = "So many pictures are coming in just now that yours has to wait a moment."
STOPPING = "The server restarts; try again in a moment."
STORE = "The picture could not be kept just now; try again in a moment."

STATUS = {
    "off": HTTPStatus.FORBIDDEN,
    "early": HTTPStatus.FORBIDDEN,
    "over": HTTPStatus.FORBIDDEN,
    "consent": HTTPStatus.FORBIDDEN,
    "name": HTTPStatus.FORBIDDEN,
    "quota": HTTPStatus.FORBIDDEN,
    "already": HTTPStatus.CONFLICT,
    "used": HTTPStatus.CONFLICT,
    "lease": HTTPStatus.GONE,
    "size": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
}


class Refusal(FriezeError):
    """The answer to a guest. `retry`: seconds after which trying again can help; `facts` stand beside the sentence."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        sentence: str,
        *,
        retry: float | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(sentence, public=sentence)
        self.status = status
        self.code = code
        self.retry = retry
        self.facts = facts or {}


class Disconnected(Exception):
    """The guest hung up: nobody hears an answer."""


def refused(error: UploadRefused, retry: Sequence[float]) -> Refusal:
    """What the catalogue refused, as an answer."""
    if error.code == "busy":
        return busy(retry, str(error))
    facts: dict[str, object] = {}
    if error.code == "already":
        facts["upload"] = error.upload
    if error.limit is not None:
        facts["limit"] = error.limit
    return Refusal(STATUS[error.code], error.code, str(error), facts=facts)


def busy(retry: Sequence[float], sentence: str = BUSY, code: str = "busy") -> Refusal:
    """Come back after a moment that is another one for each."""
    seconds = random.uniform(*retry)  # noqa: S311 - spreads load, hides nothing
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, code, sentence, retry=seconds)
