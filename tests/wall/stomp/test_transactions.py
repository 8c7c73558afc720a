import pytest

from wall.stomp.errors import Code, StompError
from wall.stomp.transactions import TransactionLimits, Transactions


@pytest.fixture
def transactions() -> Transactions[str]:
    made: Transactions[str] = Transactions(TransactionLimits(open=2, frames=3, size=10))
    made.begin("a")
    return made


def code_of(error: pytest.ExceptionInfo[StompError]) -> Code:
    return error.value.code


def test_a_transaction_gives_back_what_it_held_in_order(transactions: Transactions[str]) -> None:
    for effect in ("first", "second"):
        transactions.hold("a", effect, 1)
    assert transactions.end("a") == ["first", "second"]


def test_an_id_is_taken_until_its_transaction_ends(transactions: Transactions[str]) -> None:
    with pytest.raises(StompError) as error:
        transactions.begin("a")
    assert code_of(error) is Code.TRANSACTION_ID_IN_USE
    transactions.end("a")
    transactions.begin("a")


def test_nothing_is_held_or_ended_without_begin(transactions: Transactions[str]) -> None:
    for act in (lambda: transactions.hold("b", "x", 1), lambda: transactions.end("b")):
        with pytest.raises(StompError) as error:
            act()
        assert code_of(error) is Code.TRANSACTION_UNKNOWN


def test_open_transactions_are_limited(transactions: Transactions[str]) -> None:
    transactions.begin("b")
    with pytest.raises(StompError) as error:
        transactions.begin("c")
    assert code_of(error) is Code.TOO_MANY_TRANSACTIONS


def test_all_open_transactions_together_hold_so_many_frames(transactions: Transactions[str]) -> None:
    transactions.begin("b")
    for transaction in ("a", "b", "a"):
        transactions.hold(transaction, "x", 0)
    with pytest.raises(StompError) as error:
        transactions.hold("b", "x", 0)
    assert code_of(error) is Code.TRANSACTION_TOO_LARGE


def test_all_open_transactions_together_hold_so_many_bytes(transactions: Transactions[str]) -> None:
    transactions.begin("b")
    transactions.hold("a", "x", 10)
    with pytest.raises(StompError) as error:
        transactions.hold("b", "x", 1)
    assert code_of(error) is Code.TRANSACTION_TOO_LARGE


def test_the_end_of_a_transaction_gives_its_room_back(transactions: Transactions[str]) -> None:
    for _ in range(5):
        for _ in range(2):
            transactions.hold("a", "x", 5)
        transactions.end("a")
        transactions.begin("a")
