from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wall.stomp.codec import Decoder, Limits, encode
from wall.stomp.errors import Code, StompError
from wall.stomp.frames import Frame, Version

USUAL = Limits()
SMALL = Limits(command=12, headers=4, line=24, head=60, body=40, frame=80)

texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=12)
names = texts.filter(lambda name: name not in ("", "content-length"))
frames = st.builds(
    Frame,
    st.sampled_from(["SEND", "MESSAGE", "SUBSCRIBE", "ERROR"]),
    st.dictionaries(names, texts, max_size=4),
    st.binary(max_size=60),
)


def decode(
    data: bytes,
    cuts: list[int],
    limits: Limits = USUAL,
    version: Version = Version.V1_2,
) -> tuple[list[Frame], Code | None]:
    """The frames of `data` cut at `cuts`, and the code of the error that ended it."""
    decoder = Decoder(limits, version)
    got: list[Frame] = []
    try:
        for start, end in pairwise([0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]):
            got.extend(decoder.feed(data[start:end]))
    except StompError as error:
        return got, error.code
    return got, None


@given(st.lists(frames, max_size=5), st.lists(st.integers(0, 600)), st.sampled_from([b"", b"\n", b"\r\n\n", b"\0"]))
def test_any_cut_gives_the_frames_that_were_encoded(sent: list[Frame], cuts: list[int], between: bytes) -> None:
    data = b"".join(encode(frame) + between for frame in sent)
    got, error = decode(data, cuts)
    assert error is None
    assert [frame.body for frame in got] == [frame.body for frame in sent]
    assert [{**f.headers, "content-length": ""} for f in got] == [{**f.headers, "content-length": ""} for f in sent]
    assert [frame.command for frame in got] == [frame.command for frame in sent]


pieces = st.sampled_from(
    b"SEND|\n|\r\n|\0|a:b\n|content-length:3\n|content-length:x\n|\n\n|\\|\\n|:|content-length:41\n|CONNECT\n|\r|\xff"
    b"|xxxxxxxxxxxxx|y:zzzzzzzzzzzzzzzzzzzz".split(b"|")
)


@given(st.one_of(st.lists(pieces, max_size=20).map(b"".join), st.binary(max_size=200)), st.lists(st.integers(0, 300)))
@example(b"SEND\na:b\n\nbody\0\nSEND\n\n", [3])
def test_any_cut_of_any_bytes_gives_the_same_frames_and_the_same_error(data: bytes, cuts: list[int]) -> None:
    assert decode(data, cuts, SMALL) == decode(data, [], SMALL) == decode(data, list(range(len(data))), SMALL)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"x" * 13, Code.COMMAND_TOO_LONG),
        (b"SEND\n" + b"a:b\n" * 5, Code.TOO_MANY_HEADERS),
        (b"SEND\na:" + b"b" * 23, Code.HEADER_LINE_TOO_LONG),
        (b"SEND\n" + (b"a:" + b"b" * 20 + b"\n") * 3, Code.HEADERS_TOO_LONG),
        (b"SEND\n\n" + b"b" * 41, Code.BODY_TOO_LONG),
        (b"SEND\ncontent-length:41\n\n", Code.BODY_TOO_LONG),
        (b"SEND\n" + (b"a:" + b"b" * 20 + b"\n") * 2 + b"\n" + b"b" * 40, Code.FRAME_TOO_LONG),
        (b"SEND\na\n", Code.MALFORMED),
        (b"SEND\n:a\n", Code.MALFORMED),
        (b"SEND\na:\xff\n", Code.MALFORMED),
        (b"SEND\na:\0\n", Code.MALFORMED),
        (b"SEND\na:\\x\n", Code.BAD_ESCAPE),
        (b"SEND\ncontent-length:-1\n\n", Code.BAD_CONTENT_LENGTH),
        (b"SEND\ncontent-length:1\n\nab\0", Code.BODY_NOT_ENDED),
    ],
)
def test_each_limit_and_defect_has_its_own_error(data: bytes, code: Code) -> None:
    assert decode(data, [], SMALL) == ([], code)


def _sayable(version: Version) -> st.SearchStrategy[Frame]:
    """Frames that `version` can say: 1.0 escapes nothing and pads."""
    if version is not Version.V1_0:
        return frames
    values = texts.map(lambda text: text.replace("\n", "").strip(" \t\r"))
    return st.builds(
        Frame,
        st.sampled_from(["SEND", "MESSAGE"]),
        st.dictionaries(
            values.map(lambda text: text.replace(":", "")).filter(lambda name: name not in ("", "content-length")),
            values,
            max_size=4,
        ),
        st.binary(max_size=60),
    )


@pytest.mark.parametrize("version", list(Version))
@given(data=st.data())
def test_every_version_reads_back_what_it_writes(version: Version, data: st.DataObject) -> None:
    frame = data.draw(_sayable(version))
    (read,) = Decoder(Limits(), version).feed(encode(frame, version))
    assert (read.command, read.body) == (frame.command, frame.body)
    assert {name: value for name, value in read.headers.items() if name != "content-length"} == frame.headers


@pytest.mark.parametrize("version", list(Version))
@given(data=st.lists(pieces, max_size=20).map(b"".join), cuts=st.lists(st.integers(0, 300)))
def test_any_cut_of_any_bytes_is_the_same_in_every_version(version: Version, data: bytes, cuts: list[int]) -> None:
    assert decode(data, cuts, SMALL, version) == decode(data, [], SMALL, version)


def test_padding_is_trimmed_in_1_0_only() -> None:
    data = b"SEND\ndestination: /topic/a \n\n\0"
    got = [next(Decoder(Limits(), version).feed(data)).headers["destination"] for version in Version]
    assert got == ["/topic/a", " /topic/a ", " /topic/a "]


def test_in_1_0_a_backslash_is_a_backslash() -> None:
    assert next(Decoder(Limits(), Version.V1_0).feed(b"SEND\na:\\n\\t\n\n\0")).headers == {"a": "\\n\\t"}


def test_what_1_0_cannot_say_in_a_header_is_written_as_a_space() -> None:
    data = encode(Frame("MESSAGE", {"a:b": "c\nd:e"}), Version.V1_0)
    assert data == b"MESSAGE\na b:c d:e\n\n\0"


def test_what_is_kept_of_an_unfinished_frame_is_counted() -> None:
    decoder = Decoder(Limits())
    assert list(decoder.feed(b"SEND\na:b\n\nbody")) == []
    assert (decoder.buffered, decoder.partial) == (4, True)
    assert len(list(decoder.feed(b"\0\n"))) == 1
    assert (decoder.buffered, decoder.partial) == (0, False)


def test_a_frame_at_every_limit_passes() -> None:
    assert decode(b"SEND\n\n" + b"b" * 40 + b"\0", [], SMALL)[1] is None


def test_a_body_with_nul_travels_by_content_length() -> None:
    frame = Frame("SEND", {"destination": "/topic/a"}, b"a\0b")
    assert b"content-length:3\n" in encode(frame)
    assert next(Decoder(Limits()).feed(encode(frame))).body == b"a\0b"


def test_of_repeated_headers_the_first_counts() -> None:
    assert next(Decoder(Limits()).feed(b"SEND\nfoo:first\nfoo:second\n\n\0")).headers == {"foo": "first"}


def test_colons_in_a_value_are_forgiven() -> None:
    assert next(Decoder(Limits()).feed(b"SEND\nat:10:00\n\n\0")).headers == {"at": "10:00"}


def test_spaces_in_headers_are_kept() -> None:
    assert next(Decoder(Limits()).feed(b"SEND\n a : b \n\n\0")).headers == {" a ": " b "}


def test_connect_is_never_unescaped() -> None:
    assert next(Decoder(Limits()).feed(b"CONNECT\npasscode:a\\nb\n\n\0")).headers == {"passcode": "a\\nb"}
    assert encode(Frame("CONNECTED", {"server": "a\\b"})) == b"CONNECTED\nserver:a\\b\n\n\0"


def test_a_carriage_return_is_data_in_1_1_and_a_line_end_in_1_2() -> None:
    data = b"SEND\r\na:b\r\n\r\n\0"
    assert next(Decoder(Limits(), Version.V1_2).feed(data)).headers == {"a": "b"}
    assert next(Decoder(Limits(), Version.V1_1).feed(b"SEND\na:b\r\n\n\0")).headers == {"a": "b\r"}


def test_the_version_may_change_between_two_frames_of_one_piece() -> None:
    decoder = Decoder(Limits())
    frames = decoder.feed(b"CONNECT\n\n\0SEND\na:b\r\n\n\0")
    next(frames)
    decoder.version = Version.V1_1
    assert next(frames).headers == {"a": "b\r"}


def test_frames_left_in_the_iterator_come_with_the_next_piece() -> None:
    decoder = Decoder(Limits())
    next(decoder.feed(b"A\n\n\0B\n\n\0C\n"))
    assert [frame.command for frame in decoder.feed(b"\n\0")] == ["B", "C"]


def test_heart_beats_leave_nothing_behind() -> None:
    decoder = Decoder(Limits())
    assert list(decoder.feed(b"\n" * 10_000 + b"\r\n" * 10_000)) == []
    assert not decoder.partial
