"""The loopback exchange's own books: that nothing is made, lost or traded twice, whatever the market does."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from tests.venue.ledger import Event, Ledger, Market, OrderChanged, Traded
from tests.venue.model import Account, Band, Ending, Kind, NewOrder, Reason, Refused, Rules, Side, Status, Tif

D = Decimal


class Hand:
    """The time, by hand."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


def spot(ledger: Ledger, **rules: object) -> Market:
    usual: dict[str, object] = {"id": "BTCUSDT", "base": "BTC", "quote": "USDT", "step": D("0.001")}
    return ledger.add_market(Rules(**{**usual, **rules}), "100.00", "100.10")  # type: ignore[arg-type]


def perpetual(ledger: Ledger) -> Market:
    rules = Rules(id="BTCUSDT", base="BTC", quote="USDT", kind=Kind.LINEAR, step=D("0.001"), maker_fee=D("0.0002"))
    return ledger.add_market(rules, "100.00", "100.10")


def wish(side: Side, amount: str, price: str | None, **more: object) -> NewOrder:
    limit = D(price) if price is not None else None
    return NewOrder(market="BTCUSDT", side=side, amount=D(amount), price=limit, **more)  # type: ignore[arg-type]


def refusal(ledger: Ledger, account: Account, order: NewOrder) -> Reason:
    with pytest.raises(Refused) as caught:
        ledger.place(account, order)
    return caught.value.reason


def test_a_resting_order_locks_its_cost_and_trades_at_its_own_price() -> None:
    ledger = Ledger(Hand())
    market = spot(ledger)
    account = ledger.add_account("k", "s", {"USDT": "1000"})
    order = ledger.place(account, wish(Side.BUY, "1", "99"))
    assert (ledger.free(account, "USDT"), ledger.locked(account, "USDT")) == (D(901), D(99))
    market.move("98", "98.5")
    assert order.status is Status.FILLED
    assert account.wallet == {"USDT": D(901), "BTC": D("0.999")}
    (fill,) = ledger.fills_of(account)
    assert (fill.price, fill.fee, fill.fee_coin, fill.maker) == (D(99), D("0.001"), "BTC", True)


def test_an_order_that_crosses_takes_what_strangers_offer() -> None:
    ledger = Ledger(Hand())
    spot(ledger)
    account = ledger.add_account("k", "s", {"USDT": "1000"})
    order = ledger.place(account, wish(Side.BUY, "1", "101"))
    assert (order.average, ledger.fills[0].maker) == (D("100.10"), False)


def test_own_orders_are_met_before_strangers() -> None:
    ledger = Ledger(Hand())
    market = spot(ledger)
    account = ledger.add_account("k", "s", {"USDT": "1000", "BTC": "1"})
    resting = ledger.place(account, wish(Side.BUY, "0.5", "100.05"))
    assert market.best == (D("100.05"), D("100.10"))
    taking = ledger.place(account, wish(Side.SELL, "1", "100.00"))
    assert [(fill.order, fill.price) for fill in ledger.fills] == [
        (taking, D("100.05")), (resting, D("100.05")), (taking, D("100.00")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (wish(Side.BUY, "1", "99.005"), Reason.PRICE_TICK),
        (wish(Side.BUY, "1.0005", "99"), Reason.AMOUNT_STEP),
        (wish(Side.BUY, "0", "99"), Reason.AMOUNT_TOO_SMALL),
        (wish(Side.BUY, "0.04", "99"), Reason.COST_TOO_SMALL),
        (wish(Side.BUY, "2000", "99"), Reason.AMOUNT_TOO_LARGE),
        (wish(Side.BUY, "1", "151"), Reason.PRICE_TOO_HIGH),
        (wish(Side.BUY, "11", "99"), Reason.INSUFFICIENT_FUNDS),
        (wish(Side.SELL, "1", "101"), Reason.INSUFFICIENT_FUNDS),
        (wish(Side.BUY, "1", "99", client_id="taken"), Reason.DUPLICATE_CLIENT_ID),
        (wish(Side.BUY, "1", "99", kind=Kind.LINEAR), Reason.UNKNOWN_MARKET),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_reason(order: NewOrder, reason: Reason) -> None:
    ledger = Ledger(Hand())
    spot(ledger, band=Band(buy_high=D("1.5")))
    account = ledger.add_account("k", "s", {"USDT": "1000"})
    ledger.cancel(ledger.place(account, wish(Side.BUY, "1", "99", client_id="taken")))
    assert refusal(ledger, account, order) is reason
    assert ledger.witness.refusals() == {reason.value: 1}


def test_a_client_id_may_be_free_again_once_its_order_is_not_open() -> None:
    ledger = Ledger(Hand(), unique_for_ever=False)
    spot(ledger)
    account = ledger.add_account("k", "s", {"USDT": "1000"})
    first = ledger.place(account, wish(Side.BUY, "1", "99", client_id="a"))
    assert refusal(ledger, account, wish(Side.BUY, "1", "99", client_id="a")) is Reason.DUPLICATE_CLIENT_ID
    ledger.cancel(first)
    ledger.place(account, wish(Side.BUY, "1", "99", client_id="a"))
    assert ledger.witness.duplicates() == {"a": 2}


def test_an_order_may_trade_between_a_cancel_and_its_acknowledgement_coming_true() -> None:
    clock = Hand()
    ledger = Ledger(clock, cancel_lag_ms=50)
    market = spot(ledger)
    account = ledger.add_account("k", "s", {"USDT": "1000"})
    order = ledger.place(account, wish(Side.BUY, "1", "99"))
    ledger.cancel(order)
    market.move("98")
    clock.ms += 50
    ledger.run_due()
    assert (order.status, order.ending) == (Status.FILLED, Ending.NONE)


def test_a_post_only_order_that_would_take_is_doomed_and_never_trades() -> None:
    clock = Hand()
    ledger = Ledger(clock, cancel_lag_ms=50)
    market = spot(ledger)
    account = ledger.add_account("k", "s", {"USDT": "1000"})
    order = ledger.place(account, wish(Side.BUY, "1", "100.10", tif=Tif.POST_ONLY))
    market.move("98")
    assert order.is_open
    clock.ms += 50
    ledger.run_due()
    assert (order.ending, ledger.fills) == (Ending.POST_ONLY, [])


def test_a_position_realises_its_profit_and_reduce_only_never_turns_it() -> None:
    ledger = Ledger(Hand())
    market = perpetual(ledger)
    account = ledger.add_account("k", "s", {"USDT": "100"})
    ledger.place(account, wish(Side.BUY, "1", "99", kind=Kind.LINEAR))
    market.move("98", "98.5")
    closing = {"kind": Kind.LINEAR, "reduce_only": True}
    assert refusal(ledger, account, wish(Side.SELL, "1.5", "105", **closing)) is Reason.REDUCE_ONLY
    order = ledger.place(account, wish(Side.SELL, "1", "105", **closing))
    assert refusal(ledger, account, wish(Side.SELL, "0.1", "105", **closing)) is Reason.REDUCE_ONLY
    (payment,) = ledger.pay_funding("BTCUSDT", "0.001")
    assert payment.amount == D("-0.09825")
    market.move("106")
    assert (order.status, ledger.position(account, "BTCUSDT").amount) == (Status.FILLED, D(0))
    assert account.wallet["USDT"] == 100 + 6 - D("0.0002") * (99 + 105) - D("0.09825")


def test_closing_by_hand_and_liquidation_end_what_reduces_the_position() -> None:
    ledger = Ledger(Hand())
    market = perpetual(ledger)
    account = ledger.add_account("k", "s", {"USDT": "100"})
    ledger.place(account, wish(Side.BUY, "1", "99", kind=Kind.LINEAR))
    market.move("98", "98.5")
    order = ledger.place(account, wish(Side.SELL, "1", "105", kind=Kind.LINEAR, reduce_only=True))
    ledger.reduce_by_hand(account, "BTCUSDT", "0.4")
    assert (order.ending, ledger.position(account, "BTCUSDT").amount) == (Ending.REDUCE_ONLY, D("0.6"))
    other = ledger.place(account, wish(Side.BUY, "0.1", "90", kind=Kind.LINEAR))
    ledger.liquidate(account, "BTCUSDT")
    assert (other.ending, ledger.position(account, "BTCUSDT").amount) == (Ending.LIQUIDATION, D(0))


def test_margin_counts_the_larger_side_of_the_orders() -> None:
    ledger = Ledger(Hand())
    perpetual(ledger)
    account = ledger.add_account("k", "s", {"USDT": "11"})
    ledger.place(account, wish(Side.BUY, "1", "99", kind=Kind.LINEAR))
    ledger.place(account, wish(Side.SELL, "1", "101", kind=Kind.LINEAR))
    assert refusal(ledger, account, wish(Side.BUY, "1", "99", kind=Kind.LINEAR)) is Reason.INSUFFICIENT_FUNDS


def test_a_storm_makes_and_loses_nothing() -> None:
    clock, rng = Hand(), random.Random(7)
    ledger = Ledger(clock, seed=7, partial_fills=0.5, cancel_lag_ms=20)
    market = spot(ledger)
    account = ledger.add_account("k", "s", {"USDT": "5000", "BTC": "50"})
    told: list[Event] = []
    ledger.subscribe(told.append)
    for number in range(600):
        clock.ms += 10
        side = rng.choice(list(Side))
        price = market.mark.quantize(D("0.01")) - side.sign * D(rng.randint(-5, 60)) / 100
        tif = rng.choice([Tif.GTC, Tif.POST_ONLY, Tif.IOC])
        try:
            ledger.place(
                account, wish(side, f"0.{rng.randint(60, 999):03}", str(price), tif=tif, client_id=f"{number}")
            )
        except Refused as refused:
            assert refused.reason is Reason.INSUFFICIENT_FUNDS
        market.walk(rng)
        if (orders := ledger.open_orders(account)) and rng.random() < 0.3:
            ledger.cancel(rng.choice(orders))
        for coin in ("USDT", "BTC"):
            assert ledger.free(account, coin) >= 0
    fills = ledger.fills_of(account)
    bought = sum((fill.amount * fill.order.side.sign for fill in fills), D(0))
    spent = sum((fill.price * fill.amount * fill.order.side.sign for fill in fills), D(0))
    fees = {coin: sum((f.fee for f in fills if f.fee_coin == coin), D(0)) for coin in ("BTC", "USDT")}
    assert account.wallet == {"USDT": 5000 - spent - fees["USDT"], "BTC": 50 + bought - fees["BTC"]}
    assert [event.fill for event in told if isinstance(event, Traded)] == fills
    last = {event.order.id: event.order for event in told if isinstance(event, OrderChanged)}
    assert all(state.filled == ledger.orders[key].filled for key, state in last.items())
    assert len(fills) > 100
