"""The fuzz itself: it finds what is broken, and does the same for the same seed."""

from collections.abc import Iterator

import pytest

from tests.bench.fuzz import Coverage, Finding, Fuzz, all_lines, codec_target
from wall.stomp.codec import Decoder
from wall.stomp.frames import Frame, Version


def test_a_short_run_finds_nothing_and_reaches_nearly_every_line() -> None:
    fuzz = Fuzz("short")
    fuzz.run(8_000)
    report = fuzz.summary()
    assert report.inputs == 8_000
    assert len(report.lines & all_lines()) > 0.9 * len(all_lines())


def test_the_same_seed_does_the_same() -> None:
    def corpus(seed: str) -> object:
        fuzz = Fuzz(seed)
        fuzz.run(1_000)
        report = fuzz.summary()
        return report.corpus, report.branches

    assert corpus("a") == corpus("a")


class Forgetful(Decoder):
    """Loses a byte that stands alone."""

    __slots__ = ()

    def feed(self, data: bytes) -> Iterator[Frame]:
        return super().feed(data if len(data) != 1 else b"")


class Swallowing(Decoder):
    """Keeps everything for ever."""

    __slots__ = ()

    @property
    def buffered(self) -> int:
        return 10_000


class Crashing(Decoder):
    __slots__ = ()

    def feed(self, data: bytes) -> Iterator[Frame]:
        if b"content-length:-1" in data:
            raise ZeroDivisionError
        return super().feed(data)


class Shouting(Decoder):
    """What it gives is not what was sent."""

    __slots__ = ()

    def feed(self, data: bytes) -> Iterator[Frame]:
        for frame in super().feed(data):
            yield Frame(frame.command, frame.headers, frame.body + b"!")


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (Forgetful, "cut it gives"),
        (Swallowing, "10000 bytes are kept"),
        (Crashing, "ZeroDivisionError"),
        (Shouting, "came back as"),
    ],
)
def test_a_broken_decoder_is_found_and_the_input_shown(broken: type[Decoder], says: str) -> None:
    fuzz = Fuzz("broken", [codec_target(Version.V1_2, broken)])
    with pytest.raises(Finding, match=says) as found:
        fuzz.run(20_000)
    assert "codec 1.2: b'" in str(found.value)


def test_coverage_counts_a_branch_once() -> None:
    coverage = Coverage()

    def decode() -> None:
        list(codec_target(Version.V1_2).run([b"SEND\n\n\0"]))

    assert coverage.reaches_more(decode)
    assert not coverage.reaches_more(decode)
