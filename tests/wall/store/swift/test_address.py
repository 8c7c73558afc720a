"""What FRIEZE_STORE_URL may say about Swift, and how it is said that something is wrong."""

import pytest

from wall.errors import SettingsError
from wall.store.swift.address import parse_address


def test_a_login_of_v1_is_at_its_usual_path_by_https() -> None:
    address = parse_address("swift://swift.example/wall?auth=v1")
    assert address.login == "https://swift.example/auth/v1.0"
    assert (address.container, address.segments) == ("wall", "wall_segments")
    assert address.host == "swift.example"


def test_a_path_before_the_container_is_that_of_the_login() -> None:
    address = parse_address("swift://cloud.example:5000/identity/v3/wall?auth=v3&project=events&region=north")
    assert address.login == "https://cloud.example:5000/identity/v3"
    assert (address.container, address.project, address.region) == ("wall", "events", "north")
    assert (address.user_domain, address.project_domain, address.interface) == ("Default", "Default", "public")


def test_plain_http_has_to_be_asked_for() -> None:
    assert parse_address("swift://127.0.0.1:8080/wall?auth=v1&tls=no").login == "http://127.0.0.1:8080/auth/v1.0"


def test_an_application_credential_needs_no_project() -> None:
    assert parse_address("swift://cloud.example/wall?auth=v3applicationcredential").login == "https://cloud.example/v3"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("swift://host/wall", "needs auth=, one of v1, v3"),
        ("swift://host/wall?auth=v2", "needs auth="),
        ("swift://host/?auth=v1", "names no container"),
        ("swift://host/..?auth=v1", "names no container"),
        ("swift://host/wall%2Fx?auth=v1", "names no container"),
        (f"swift://host/{'x' * 201}?auth=v1", "names no container"),
        ("swift:///wall?auth=v1", "can't be read"),
        ("swift://host:port/wall?auth=v1", "can't be read"),
        ("swift:host/wall?auth=v1", "can't be read"),
        ("swift://host/wall?auth=v3", "needs project="),
        ("swift://host/wall?auth=v1&tls=maybe", "neither yes nor no"),
        ("swift://host/wall?auth=v1&regoin=north", "'regoin', which it does not know; it knows auth, interface"),
        ("swift://host/wall?auth=v1&tls=no&tls=yes", "tls= twice"),
        ("swift://host/wall?auth=v3&project=p&interface=private", "none of public, internal, admin"),
        ("swift://host/wall?auth=v1&public=media.example", "no origin like https://media.example"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_that_names_the_setting(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=r"^FRIEZE_STORE_URL ") as caught:
        parse_address(url)
    assert said in str(caught.value)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="FRIEZE_STORE_PASSWORD") as caught:
        parse_address("swift://ada:sesame@host/wall?auth=v1")
    assert "sesame" not in str(caught.value)
