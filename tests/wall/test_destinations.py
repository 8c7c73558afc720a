"""One wall, one topic: no name of a wall reaches into another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wall.destinations import console_topic, screens_topic, valid_slug, wall_of, wall_topic

slugs = st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True)


@given(slugs)
def test_a_walls_topic_leads_back_to_the_wall_and_no_other_topic_does(slug: str) -> None:
    assert valid_slug(slug)
    assert wall_of(wall_topic(slug)) == slug
    assert wall_of(console_topic(slug)) is None
    assert wall_of(screens_topic(slug)) is None


@pytest.mark.parametrize("slug", ["", "a" * 41, "A", "ä", "a.b", "a/b", "a_b", "a b", "*", ">", "a\n", "١"])
def test_what_could_mean_more_than_one_topic_is_no_slug(slug: str) -> None:
    assert not valid_slug(slug)
    assert wall_of(wall_topic(slug)) is None


@pytest.mark.parametrize("name", ["", "main", "/topic/wall", "/queue/wall.main", "wall.main", "/topic/private.main"])
def test_other_destinations_are_no_wall(name: str) -> None:
    assert wall_of(name) is None
