"""Each kind of trouble has its status, its code and a sentence, and tells strangers nothing about the inside."""

import json
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from wall.errors import (
    CatalogueError,
    CatalogueUnavailable,
    MoveRefused,
    NotFound,
    PictureError,
    StoreError,
)
from web.console.refusals import Refused, refusal_of

SECRET = "postgresql://frieze:hunter2@db"


def _told(error: Exception) -> tuple[int, dict[str, Any]]:
    response = refusal_of(error)
    assert response.headers["cache-control"] == "no-store"
    body = json.loads(bytes(response.body))
    assert set(body) == {"error"}
    facts = body["error"]
    assert facts["sentence"].endswith(".")
    assert SECRET not in str(body)
    return response.status_code, facts


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refused(403, "origin", "This came from elsewhere."), 403, "origin"),
        (NotFound("There is no wall named nope."), 404, "not_found"),
        (CatalogueUnavailable(f"The database does not answer: {SECRET}."), 503, "catalogue_unavailable"),
        (CatalogueError(f"Broken: {SECRET}."), 500, "internal"),
        (StoreError(f"Broken: {SECRET}."), 500, "internal"),
        (PictureError("The picture is too large.", code="pixels"), 500, "internal"),
        (ValueError(SECRET), 500, "internal"),
        (HTTPException(404, SECRET), 404, "not_found"),
        (HTTPException(405, SECRET), 405, "method"),
        (HTTPException(418, SECRET), 418, "refused"),
    ],
)
def test_each_error_has_its_answer(error: Exception, status: int, code: str) -> None:
    answered, facts = _told(error)
    assert (answered, facts["code"]) == (status, code)


def test_a_move_that_came_too_late_says_what_the_post_is_now_and_who_was_quicker() -> None:
    error = MoveRefused("This post changed while you looked.", state="removed", revision=3, by="Grace")
    status, facts = _told(error)
    assert status == 409
    assert facts == {
        "code": "moved",
        "sentence": "This post changed while you looked.",
        "state": "removed",
        "revision": 3,
        "by": "Grace",
    }


def test_what_should_be_tried_again_says_when() -> None:
    assert refusal_of(CatalogueUnavailable("Away.")).headers["retry-after"] == "2"
    assert refusal_of(Refused(503, "full", "Full.", {"retry-after": "10"})).headers["retry-after"] == "10"
    assert refusal_of(HTTPException(405, headers={"allow": "GET"})).headers["allow"] == "GET"


def test_a_wrong_field_is_named_and_what_was_sent_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as wrong:
        TypeAdapter(dict[str, int]).validate_python({"revision": SECRET})
    found = [{**dict(one), "loc": ("body", *one["loc"])} for one in wrong.value.errors()]
    status, facts = _told(RequestValidationError(found))
    assert (status, facts["code"]) == (422, "invalid")
    assert facts["sentence"].startswith("revision: ")


def test_a_body_that_is_wrong_as_a_whole_is_called_so() -> None:
    error = RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": "JSON decode error"}])
    assert _told(error)[1]["sentence"] == "The body: JSON decode error."
