"""Answers of X's API: the problems it reports, and those that a test orders by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

PROBLEMS = "https://api.twitter.com/2/problems/"


@dataclass(frozen=True)
class Scripted:
    """An answer given in place of the real one. `headers` without x-rate-limit-* means that none are sent."""

    status: int
    body: str | bytes | Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


_HTML = "<!DOCTYPE html><html><head><title>X / Error</title></head><body>Something went wrong</body></html>"
# answers in parts, or none: the server plays them
DROP = object()
SILENT = object()
PARTIAL = object()


def scripted(name: str, now: float) -> Any:
    """The answer of this name, at this moment in seconds since 1970: a Scripted, DROP, SILENT or PARTIAL."""
    problems: dict[str, Any] = {
        "401": Scripted(401, {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}),
        "402": Scripted(402, {"title": "CreditsDepleted", "detail": "Your account does not have any credits.",
                              "type": PROBLEMS + "credits", "status": 402}),
        "403-not-enrolled": Scripted(403, {
            "client_id": "1", "reason": "client-not-enrolled", "title": "Client Forbidden",
            "detail": "When authenticating requests to the X API v2 endpoints, you must use keys and tokens from a "
            "developer App that is attached to a Project.", "required_enrollment": "Appropriate Level of API Access",
            "registration_url": "https://developer.x.com/en/docs/projects/overview",
            "type": PROBLEMS + "client-forbidden"}),
        "403": Scripted(403, {"title": "Forbidden", "detail": "You are not permitted to do this.", "status": 403}),
        "429-reset": Scripted(429, {"title": "Too Many Requests", "detail": "Too Many Requests", "status": 429},
                              {"x-rate-limit-limit": "450", "x-rate-limit-remaining": "0",
                               "x-rate-limit-reset": str(int(now) + 120)}),
        "429": Scripted(429, {"title": "Too Many Requests", "detail": "Too Many Requests", "status": 429}),
        "429-cap": Scripted(429, {"account_id": 1, "product_name": "standard-basic", "title": "UsageCapExceeded",
                                  "period": "Monthly", "scope": "Product", "type": PROBLEMS + "usage-capped",
                                  "detail": "Usage cap exceeded: Monthly product cap"},
                            {"x-rate-limit-limit": "40000", "x-rate-limit-remaining": "39999",
                             "x-rate-limit-reset": str(int(now) + 600)}),
        "500": Scripted(500, {"title": "Internal Server Error", "detail": "Something is broken", "status": 500}),
        "503-json": Scripted(503, {"title": "Service Unavailable", "detail": "Service Unavailable", "status": 503}),
        "503-html": Scripted(503, _HTML),
        "200-html": Scripted(200, _HTML),
        "200-cut": Scripted(200, '{"data":[{"id":"1","te'),
        "200-list": Scripted(200, "[]"),
        "redirect": Scripted(302, "", {"Location": "http://169.254.169.254/latest"}),
        "silent": SILENT, "drop": DROP, "partial": PARTIAL,
    }  # fmt: skip
    return problems[name]


def reply(answer: Scripted) -> web.Response:
    """The answer as HTTP, JSON where its body is a document."""
    if isinstance(answer.body, Mapping):
        return web.json_response(answer.body, status=answer.status, headers=answer.headers)
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    kind = "text/html" if body.startswith(b"<") else "application/json"
    return web.Response(body=body, status=answer.status, headers=answer.headers, content_type=kind)


def missing(post_id: str, problem: str) -> dict[str, Any]:
    """The error beside a page that lacks this post."""
    return {
        "value": post_id,
        "detail": f"Could not find tweet with ids: [{post_id}].",
        "title": "Not Found Error",
        "resource_type": "tweet",
        "parameter": "ids",
        "resource_id": post_id,
        "type": PROBLEMS + problem,
    }
