"""A network that is not set up says what to do, whatever it is asked."""

from pathlib import Path

import pytest

from ingest.sources.absent import AbsentSource
from wall.errors import FetchRefused, SourceRefused

pytestmark = pytest.mark.anyio

SENTENCE = "X is not set up here: put a bearer token into FRIEZE_X_BEARER_TOKEN."


async def test_every_question_is_answered_with_what_to_do(tmp_path: Path) -> None:
    source = AbsentSource("x", SENTENCE)
    assert source.network == "x"
    with pytest.raises(SourceRefused) as refused:
        source.check_query("#frieze")
    assert str(refused.value) == SENTENCE
    assert not refused.value.temporary
    with pytest.raises(SourceRefused, match="not set up"):
        async for _ in source.sweep("#frieze", {}):
            raise AssertionError("it found something")
    with pytest.raises(FetchRefused, match="not set up"):
        await source.fetch("https://pbs.twimg.com/media/a.jpg", tmp_path / "a.jpg")
    await source.close()
