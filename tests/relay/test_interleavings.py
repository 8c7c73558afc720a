"""Joining, resuming, pausing, holes and a log that comes and goes, in any order: every viewer's line is unbroken."""

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.settings import RelaySettings
from tests.relay.readers import FakeReader, Wall

steps = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 4)),  # so many events, the last of them published
        st.tuples(st.just("publish"), st.integers(0, 6)),  # the event so many before the last, again or late
        st.tuples(st.just("head"), st.just(0)),
        st.tuples(st.just("join"), st.integers(0, 8)),  # with the cursor so many before the last
        st.tuples(st.just("enter"), st.just(0)),  # without a cursor
        st.tuples(st.just("fill"), st.integers(0, 9)),  # this reader's socket takes one more write
        st.tuples(st.just("drain"), st.integers(0, 9)),
        st.tuples(st.just("log"), st.booleans()),
        st.tuples(st.just("answer"), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 2.5])),
    ),
    max_size=40,
)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_no_hole_without_a_mark_no_repeat_and_no_false_recovery(script: list[tuple[str, float]]) -> None:
    wall = Wall(RelaySettings(ring_bytes=1_500, held_messages=5))
    last = 10
    readable = True
    readers: list[tuple[FakeReader, int | None]] = []

    def log() -> list[int] | None:
        return list(range(1, last + 1)) if readable else None

    for step, number in script:
        wall.log = log()
        match step:
            case "commit":
                last += int(number)
                wall.log = log()
                wall.send(last, size=100)
            case "publish":
                wall.send(max(last - int(number), 1), size=100)
            case "head":
                wall.head(last)
            case "join":
                readers.append((wall.reader(f"aaaa-{last - int(number)}"), last - int(number)))
            case "enter":
                readers.append((wall.reader(), None))
            case "fill" if readers:
                reader = readers[int(number) % len(readers)][0]
                reader.takes = None if reader.paused else 1
            case "drain" if readers:
                reader = readers[int(number) % len(readers)][0]
                if reader.paused:
                    reader.drain(wall.now)
            case "log":
                readable = bool(number)
            case "answer":
                wall.answer()
            case "wait":
                wall.wait(number)
            case _:
                pass

    readable = True
    wall.log = log()
    wall.send(last, size=100)
    wall.head(last)
    for _ in range(20):
        for reader, _cursor in readers:
            reader.takes = None
            if reader.paused:
                reader.drain(wall.now)
        wall.answer()
        wall.wait(0.3)

    for reader, cursor in readers:
        got = [told for told in reader.got if told != "head"]
        seqs = [int(told.split()[0]) for told in got]
        assert seqs == sorted(set(seqs)), "no repeat, in order"
        for before, told in zip(seqs, got[1:], strict=False):
            assert told.endswith("gap") or int(told) == before + 1, "no hole without a mark"
        assert len(reader.answers) == 1, "every SUBSCRIBE is answered, once"
        recovered, head = reader.answers[0]
        if recovered and seqs:
            assert got[0].endswith("gap") or seqs[0] == (cursor or 0) + 1, (
                "what was promised begins right after the cursor"
            )
        if recovered is not True and seqs and head is not None:
            assert got[0].endswith("gap") or seqs[0] == int(head.split("-")[1]) + 1
        if not reader.behind and seqs and not any(told.endswith("gap") for told in got):
            assert seqs[-1] == last, "in the end everybody has everything"
