"""The examples of AWS's own documentation (S3 API, "Authenticating requests"), number by number."""

from datetime import UTC, datetime, timedelta

from wall.store.sigv4 import Signer, path_of

NOW = datetime(2013, 5, 24, tzinfo=UTC)
SIGNER = Signer(user="AKIAIOSFODNN7EXAMPLE", secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region="us-east-1")
BUCKET = "https://examplebucket.s3.amazonaws.com"


def test_a_listing_is_signed_as_in_the_documentation() -> None:
    url, headers = SIGNER.request("GET", f"{BUCKET}/", {"prefix": "J", "max-keys": "2"}, NOW)
    assert url == f"{BUCKET}/?max-keys=2&prefix=J"
    assert headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )


def test_a_query_without_a_value_is_signed_as_in_the_documentation() -> None:
    _, headers = SIGNER.request("GET", f"{BUCKET}/", {"lifecycle": ""}, NOW)
    assert headers["Authorization"].endswith("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")


def test_an_address_is_signed_as_in_the_documentation() -> None:
    url = SIGNER.address("GET", f"{BUCKET}/test.txt", {}, timedelta(days=1), NOW)
    assert url.endswith("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


def test_a_secret_does_not_show_when_a_signer_is_printed() -> None:
    assert "wJalr" not in repr(SIGNER)


def test_a_path_keeps_its_slashes_and_encodes_the_rest() -> None:
    assert path_of("bucket", "a b/ü+~_-.c") == "/bucket/a%20b/%C3%BC%2B~_-.c"
