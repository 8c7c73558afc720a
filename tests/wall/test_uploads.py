"""What an operator allows guests, read and kept."""

from datetime import UTC, datetime, timedelta

import pytest

from wall.uploads import GIB, MIB, UploadRules, kind_of, plain_type

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_nothing_is_allowed_until_an_operator_says_so() -> None:
    assert UploadRules.read(None).closed(NOON) == ("off", "Guests can't add anything to this wall.")
    assert UploadRules.read(None).public(NOON) is None
    assert UploadRules.read({"enabled": True}).closed(NOON) is None


def test_rules_come_back_as_they_were_written() -> None:
    rules = UploadRules(enabled=True, opens=NOON, closes=NOON + HOUR, consent="I may.", guest_posts=3, reveal_at=NOON)
    assert UploadRules.read(rules.values()) == rules
    assert UploadRules.read({**rules.values(), "of a newer version": 1}) == rules


def test_a_wall_is_open_from_its_opening_until_its_closing() -> None:
    rules = UploadRules(enabled=True, opens=NOON, closes=NOON + HOUR)
    said = [rules.closed(NOON + minutes * timedelta(minutes=1)) for minutes in (-1, 0, 59, 60)]
    assert [closed and closed[0] for closed in said] == ["early", None, None, "over"]
    assert rules.public(NOON + HOUR) is not None
    assert UploadRules(reveal_at=NOON).hides(NOON - HOUR)
    assert not UploadRules(reveal_at=NOON).hides(NOON)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"enabled": "yes"}, "enabled must be on or off."),
        ({"image_bytes": True}, "image_bytes must be a whole number."),
        ({"image_bytes": 0}, "image_bytes must be between 1 and"),
        ({"video_bytes": 6 * GIB}, "video_bytes must be between 1 and"),
        ({"opens": "tomorrow"}, "opens is a time with its zone"),
        ({"opens": "2026-11-21T20:00:00"}, "opens is a time with its zone"),
        ({"opens": "2026-11-21T20:00:00Z", "closes": "2026-11-21T20:00:00Z"}, "close after it opens"),
        ({"consent": 3}, "consent must be a text."),
        ({"consent": "x" * 4001}, "more than 4,000 characters"),
    ],
)
def test_rules_that_make_no_sense_are_refused_in_a_sentence(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        UploadRules().changed(values)


def test_a_change_keeps_what_it_does_not_name() -> None:
    rules = UploadRules(enabled=True, guest_posts=3).changed({"video": False})
    assert (rules.enabled, rules.guest_posts, rules.video) == (True, 3, False)


def test_limits_go_by_kind_and_what_is_unknown_has_the_larger_one() -> None:
    rules = UploadRules(image_bytes=MIB, video_bytes=GIB)
    assert [rules.limit(kind) for kind in ("image", "video", None)] == [MIB, GIB, GIB]
    assert UploadRules(image_bytes=MIB, video_bytes=GIB, video=False).limit(None) == MIB


def test_types_are_taken_as_browsers_say_them() -> None:
    assert plain_type("image/JPG; q=1") == "image/jpeg"
    assert [kind_of(plain_type(said)) for said in ("image/heic", "video/quicktime", "")] == ["image", "video", None]
    with pytest.raises(ValueError, match="can't be shown"):
        kind_of("application/pdf")


def test_the_public_part_tells_what_can_be_added_and_no_quota() -> None:
    told = UploadRules(enabled=True, video=False).public(NOON)
    assert told is not None
    assert told["open"]
    assert "image/heic" in told["types"]
    assert "video/mp4" not in told["types"]
    assert "wall_bytes" not in told
