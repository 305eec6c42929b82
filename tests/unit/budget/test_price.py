from pai.budget.price import Tokens, cost_microusd
from pai.ir.agent import Price


def test_each_kind_has_its_own_price() -> None:
    tokens = Tokens(input=1000, output=500, cached=400, reasoning=100)
    assert cost_microusd(tokens, Price(2.0, 8.0)) == 1000 * 2 + 500 * 8
    assert cost_microusd(tokens, Price(2.0, 8.0, 0.5, 16.0)) == 600 * 2 + 200 + 400 * 8 + 1600
    assert cost_microusd(tokens, None) == 0


def test_cost_is_rounded_up_and_details_never_exceed_their_whole() -> None:
    assert cost_microusd(Tokens(1, 0), Price(0.1, 0.1)) == 1
    assert cost_microusd(Tokens(10, 0, cached=99), Price(1.0, 1.0, 0.0)) == 0
    assert Tokens(3, 4, 2, 1).total == 7


def test_cache_writes_have_their_own_price() -> None:
    tokens = Tokens(input=1000, output=0, cached=400, written=100)
    assert cost_microusd(tokens, Price(2.0, 8.0, 0.5)) == 600 * 2 + 200
    assert cost_microusd(tokens, Price(2.0, 8.0, 0.5, written=2.5)) == 500 * 2 + 200 + 250
    assert cost_microusd(Tokens(10, 0, 8, 0, 99), Price(1.0, 1.0, 0.0, written=3.0)) == 6
