"""How the console says no: one JSON shape, `{"error": {"code", "sentence"}}`, whatever went wrong."""

from collections.abc import Mapping

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wall.errors import CatalogueUnavailable, FriezeError, MoveRefused, NotFound

NO_STORE = {"cache-control": "no-store"}
_SENTENCES = {
    404: ("not_found", "There is nothing at this address."),
    405: ("method", "This address does not take that method."),
}


class Refused(Exception):
    """A request is turned down. `sentence` is shown to whoever asked; it names nothing inside."""

    def __init__(self, status: int, code: str, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.headers = dict(headers or {})

    def response(self) -> Response:
        return _answer(self.status, self.code, self.sentence, headers=self.headers)


def refusal_of(error: Exception) -> Response:
    """The answer to give for an error of ours, of Starlette's, or of nobody's."""
    if isinstance(error, Refused):
        return error.response()
    if isinstance(error, MoveRefused):
        facts = {"state": error.state, "revision": error.revision, "by": error.by}
        return _answer(409, "moved", error.public, facts)
    if isinstance(error, NotFound):
        return _answer(404, "not_found", error.public)
    if isinstance(error, CatalogueUnavailable):
        sentence = "The database does not answer, so nothing was changed. Try again in a moment."
        return _answer(503, "catalogue_unavailable", sentence, headers={"retry-after": "2"})
    if isinstance(error, RequestValidationError):
        return _answer(422, "invalid", _what_is_wrong(error))
    if isinstance(error, HTTPException):
        code, sentence = _SENTENCES.get(error.status_code, ("refused", "This request was turned down."))
        return _answer(error.status_code, code, sentence, headers=dict(error.headers or {}))
    sentence = error.public if isinstance(error, FriezeError) else "Something went wrong here; the log says what."
    return _answer(500, "internal", sentence)


async def answer_refusal(_: Request, error: Exception) -> Response:
    """An exception handler for all of them."""
    return refusal_of(error)


def _what_is_wrong(error: RequestValidationError) -> str:
    """Names the first wrong field; never repeats what was sent."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return f"{where or 'The body'}: {first['msg']}."


def _answer(
    status: int,
    code: str,
    sentence: str,
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = {"error": {"code": code, "sentence": sentence, **(facts or {})}}
    return JSONResponse(body, status_code=status, headers={**NO_STORE, **(headers or {})})
