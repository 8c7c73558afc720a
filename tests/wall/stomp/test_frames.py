import pytest

from wall.stomp.errors import StompError
from wall.stomp.frames import Version, escape, unescape


@pytest.mark.parametrize(
    ("version", "escaped"),
    [(Version.V1_0, "a:b\n\\\r"), (Version.V1_1, "a\\cb\\n\\\\\r"), (Version.V1_2, "a\\cb\\n\\\\\\r")],
)
def test_each_version_escapes_what_its_specification_names(version: Version, escaped: str) -> None:
    assert escape("a:b\n\\\r", version) == escaped
    if version is not Version.V1_0:
        assert unescape(escaped, version) == "a:b\n\\\r"


@pytest.mark.parametrize(("version", "text"), [(Version.V1_2, "\\t"), (Version.V1_1, "\\r"), (Version.V1_2, "end\\")])
def test_an_undefined_escape_is_fatal(version: Version, text: str) -> None:
    with pytest.raises(StompError, match="no escape"):
        unescape(text, version)
