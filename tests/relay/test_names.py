"""Names of strangers in a header."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.names import ENDINGS, content_type, disposition


def saved_as(name: str, media_type: str = "image/jpeg") -> str:
    header = disposition(name, media_type, attached=True, otherwise="picture").decode("ascii")
    return unquote(header.partition("filename*=UTF-8''")[2])


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("IMG_2041.JPG", "IMG_2041.JPG"),
        ("Größe 😀.jpeg", "Größe 😀.jpeg"),
        ("a  \t b.jpg", "a b.jpg"),
        ("no ending", "no ending.jpg"),
        ("photo.png", "photo.jpg"),
        ("run.exe", "run.exe.jpg"),
        ("page.html", "page.html.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\pictures\\a.jpg", "a.jpg"),
        ("a\r\nset-cookie: x.jpg", "aset-cookie x.jpg"),
        ("gpj.\u202eexe.jpg", "gpj.exe.jpg"),
        ('a";b=c.jpg', "a;b=c.jpg"),
        (".htaccess", "htaccess.jpg"),
        ("", "picture.jpg"),
        ("...", "picture.jpg"),
        (".jpg", "jpg.jpg"),
        ("\ud800", "picture.jpg"),
        ("x" * 1000 + ".jpg", "x" * 120 + ".jpg"),
    ],
)
def test_a_strangers_name_is_kept_as_far_as_it_is_harmless(name: str, saved: str) -> None:
    assert saved_as(name) == saved


def test_both_forms_of_the_name_are_said() -> None:
    assert disposition("Füße.jpg", "image/jpeg", attached=True, otherwise="x") == (
        b"attachment; filename=\"F__e.jpg\"; filename*=UTF-8''F%C3%BC%C3%9Fe.jpg"
    )
    assert disposition("a.jpg", "image/webp", attached=False, otherwise="x") == (
        b"inline; filename=\"a.webp\"; filename*=UTF-8''a.webp"
    )


def test_what_we_do_not_know_is_nothing_to_show() -> None:
    assert content_type("image/webp") == "image/webp"
    for strange in ("text/html", "image/svg+xml", "", "image/webp; x"):
        assert content_type(strange) == "application/octet-stream"
        assert disposition("a.html", strange, attached=False, otherwise="x").startswith(b"attachment; ")


@given(st.text(), st.sampled_from([*ENDINGS, "text/html"]))
def test_no_name_breaks_out_of_the_header(name: str, media_type: str) -> None:
    header = disposition(name, media_type, attached=True, otherwise="picture").decode("ascii")
    assert header.isprintable()
    assert header.count('"') == 2
    assert len(header) < 2000
    saved = saved_as(name, media_type)
    assert not set(saved) & set('/\\:*?"<>|\0')
    assert len(saved.encode()) <= 255 * 2
