from wall.stomp.errors import Code, StompError


def test_the_range_of_a_code_says_whether_to_come_back() -> None:
    assert StompError(Code.TOO_SLOW, "slow").temporary
    assert not StompError(Code.WRONG_CREDENTIALS, "wrong").temporary
    assert all(code.come_back == (code < 4500) for code in Code)


def test_every_code_may_close_a_websocket() -> None:
    assert all(4000 <= code <= 4999 for code in Code)
    assert len({int(code) for code in Code}) == len(Code.__members__)
