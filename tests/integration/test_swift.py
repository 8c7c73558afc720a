"""The Swift of the tests is a real one: it checks signatures of S3 and forgets tokens when its cache does."""

import base64
import hashlib
import hmac
import urllib.request
from email.utils import formatdate
from urllib.error import HTTPError

import pytest

from tests.integration.swift import Swift


def _s3(swift: Swift, path: str, secret: str) -> tuple[int, bytes]:
    """A GET signed in the old, short way (signature version 2)."""
    date = formatdate(usegmt=True)
    signed = hmac.new(secret.encode(), f"GET\n\n\n{date}\n{path}".encode(), hashlib.sha1).digest()
    authorization = f"AWS {swift.access_key}:{base64.b64encode(signed).decode()}"
    request = urllib.request.Request(swift.s3_url + path, headers={"Date": date, "Authorization": authorization})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def test_its_s3_serves_what_swift_stored_to_who_signs_rightly(swift: Swift) -> None:
    swift.ask("PUT", "by-two-ways")
    assert swift.ask("PUT", "by-two-ways/picture", data=b"bytes")[0] == 201
    assert _s3(swift, "/by-two-ways/picture", swift.secret_key) == (200, b"bytes")
    status, body = _s3(swift, "/by-two-ways/picture", "wrong")
    assert status == 403
    assert b"SignatureDoesNotMatch" in body


def test_a_forgotten_token_is_refused(swift: Swift) -> None:
    token = swift.token()
    swift.memcached.forget()
    request = urllib.request.Request(f"{swift.s3_url}/v1/AUTH_test", headers={"X-Auth-Token": token})
    with pytest.raises(HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=30).close()
