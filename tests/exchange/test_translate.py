"""Replies as the venues send them, through ccxt's own parsers, as our types: to the last digit, and never guessed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.events import CloseReason
from bot.core.model import Balance, FeeSide, Side
from bot.errors import MarketError
from bot.exchange import translate
from bot.exchange.calls import Call
from bot.exchange.venues import VENUES
from tests.exchange.wire import CLIENT_ID, Wire, open_exchange, spot_market, swap_market, wired

AT_MS = 1_735_689_600_000
AT = datetime(2025, 1, 1, tzinfo=UTC)
ONE = Decimal(1)
HEX_ID = "0x14995e1319d866cb2f368eb548cee9a1"
UUID_ID = "52657846-7619-4b2c-af36-8eb548cee9a1"


def parsed(name: str, what: str, raw: Any, market: Mapping[str, Any] | None = None) -> Any:
    """A raw order or trade as ccxt parses it."""
    exchange = open_exchange(VENUES[name], Wire(), dict(market or spot_market(name)))
    known = exchange.market((market or spot_market(name))["symbol"])
    return getattr(exchange, f"parse_{what}")(raw, known)


# -- trades ------------------------------------------------------------------------------------------------------------

TRADES: Mapping[str, dict[str, Any]] = {
    "bybit": {
        "symbol": "BTCUSDT",
        "execId": "e-1",
        "orderId": "o-1",
        "orderLinkId": CLIENT_ID,
        "side": "Buy",
        "execPrice": "60000.1",
        "execQty": "0.12345678",
        "execFee": "0.00012345678",
        "feeCurrency": "BTC",
        "isMaker": True,
        "execTime": str(AT_MS),
        "execType": "Trade",
    },
    "binance": {
        "symbol": "BTCUSDT",
        "id": 28457,
        "orderId": 100234,
        "price": "60000.10000000",
        "qty": "0.12345678",
        "quoteQty": "7407.4191",
        "commission": "0.00012345678",
        "commissionAsset": "BTC",
        "time": AT_MS,
        "isBuyer": True,
        "isMaker": True,
    },
    "okx": {
        "instId": "BTC-USDT",
        "instType": "SPOT",
        "tradeId": "e-1",
        "ordId": "o-1",
        "clOrdId": CLIENT_ID,
        "billId": "9",
        "side": "buy",
        "fillPx": "60000.1",
        "fillSz": "0.12345678",
        "fee": "-0.00012345678",
        "feeCcy": "BTC",
        "execType": "M",
        "ts": str(AT_MS),
    },
    "kraken": {
        "id": "T-1",
        "ordertxid": "O-1",
        "pair": "XBTUSDT",
        "type": "buy",
        "ordertype": "limit",
        "price": "60000.1",
        "vol": "0.12345678",
        "cost": "7407.42",
        "fee": "0.00012345678",
        "maker": True,
        "time": 1735689600.0,
    },
    "kucoin": {
        "symbol": "BTC-USDT",
        "id": 1,
        "tradeId": 5,
        "orderId": "o-1",
        "side": "buy",
        "liquidity": "maker",
        "price": "60000.1",
        "size": "0.12345678",
        "funds": "7407.42",
        "fee": "0.00012345678",
        "feeCurrency": "USDT",
        "createdAt": AT_MS,
    },
    "gate": {
        "id": "1",
        "currency_pair": "BTC_USDT",
        "side": "buy",
        "role": "maker",
        "amount": "0.12345678",
        "price": "60000.1",
        "order_id": "7",
        "text": f"t-{CLIENT_ID}",
        "fee": "0.00012345678",
        "fee_currency": "BTC",
        "gt_fee": "0",
        "point_fee": "0",
        "create_time_ms": f"{AT_MS}.0",
    },
    "bitget": {
        "symbol": "BTCUSDT",
        "tradeId": "1",
        "orderId": "7",
        "side": "buy",
        "tradeScope": "maker",
        "priceAvg": "60000.1",
        "size": "0.12345678",
        "feeDetail": {"feeCoin": "BTC", "totalFee": "-0.00012345678", "deduction": "no"},
        "cTime": str(AT_MS),
    },
    "mexc": {
        "symbol": "BTCUSDT",
        "id": "1",
        "orderId": "7",
        "clientOrderId": CLIENT_ID,
        "price": "60000.1",
        "qty": "0.12345678",
        "quoteQty": "7407.42",
        "commission": "0.00012345678",
        "commissionAsset": "BTC",
        "time": AT_MS,
        "isBuyer": True,
        "isMaker": True,
    },
    "coinbase": {
        "product_id": "BTC-USDT",
        "trade_id": "1",
        "order_id": "7",
        "side": "BUY",
        "price": "60000.1",
        "size": "0.12345678",
        "commission": "0.00012345678",
        "liquidity_indicator": "MAKER",
        "trade_time": "2025-01-01T00:00:00.000Z",
    },
}


@pytest.mark.parametrize("name", sorted(TRADES))
def test_a_trade_keeps_every_digit_of_its_price_amount_and_fee(name: str) -> None:
    seen = translate.trade_of(parsed(name, "trade", TRADES[name]), VENUES[name], ONE)
    assert seen is not None
    fill = seen.fill
    assert (fill.price, fill.amount, fill.fee) == (Decimal("60000.1"), Decimal("0.12345678"), Decimal("0.00012345678"))
    assert fill.fee_currency == ("USDT" if VENUES[name].fee_side is FeeSide.QUOTE else "BTC")
    assert (seen.side, seen.symbol, fill.maker, fill.at, fill.fee_rate) == (Side.BUY, "BTC/USDT", True, AT, None)
    assert seen.client_id == (CLIENT_ID if VENUES[name].trade_client_field else None)


def bybit_trade(**changes: Any) -> Any:
    return parsed("bybit", "trade", TRADES["bybit"] | changes)


@pytest.mark.parametrize("missing", ["execFee", "execPrice", "execQty", "execTime", "execId", "orderId", "side"])
def test_a_trade_that_misses_something_is_incomplete(missing: str) -> None:
    raw = {name: value for name, value in TRADES["bybit"].items() if name != missing}
    assert translate.trade_of(parsed("bybit", "trade", raw), VENUES["bybit"], ONE) is None


def test_a_free_trade_is_complete_and_a_rebate_is_below_zero() -> None:
    free = translate.trade_of(bybit_trade(execFee="0"), VENUES["bybit"], ONE)
    assert free is not None
    assert free.fill.fee == 0
    rebate = translate.trade_of(bybit_trade(execFee="-0.5"), VENUES["bybit"], ONE)
    assert rebate is not None
    assert (rebate.fill.fee, rebate.fill.fee_currency) == (Decimal("-0.5"), "USDT")


def test_a_taker_is_told_and_a_third_coin_is_kept() -> None:
    raw = TRADES["binance"] | {"isMaker": False, "commission": "0.001", "commissionAsset": "BNB"}
    seen = translate.trade_of(parsed("binance", "trade", raw), VENUES["binance"], ONE)
    assert seen is not None
    assert (seen.fill.maker, seen.fill.fee, seen.fill.fee_currency) == (False, Decimal("0.001"), "BNB")


def test_several_fees_count_when_they_are_in_one_coin_only() -> None:
    taken = TRADES["gate"] | {"fee": "0", "gt_fee": "0.25"}
    seen = translate.trade_of(parsed("gate", "trade", taken), VENUES["gate"], ONE)
    assert seen is not None
    assert (seen.fill.fee, seen.fill.fee_currency) == (Decimal("0.25"), "GT")
    both = TRADES["gate"] | {"gt_fee": "0.25"}
    assert translate.trade_of(parsed("gate", "trade", both), VENUES["gate"], ONE) is None
    same = dict(bybit_trade()) | {"fees": [{"cost": "0.1", "currency": "BTC"}, {"cost": "0.2", "currency": "BTC"}]}
    seen = translate.trade_of(same, VENUES["bybit"], ONE)
    assert seen is not None
    assert seen.fill.fee == Decimal("0.3")


def test_a_strangers_trade_has_no_client_id() -> None:
    seen = translate.trade_of(bybit_trade(orderLinkId="by-hand"), VENUES["bybit"], ONE)
    assert seen is not None
    assert seen.client_id is None


def test_contracts_become_base_coin() -> None:
    seen = translate.trade_of(bybit_trade(execQty="12"), VENUES["bybit"], Decimal("0.01"))
    assert seen is not None
    assert seen.fill.amount == Decimal("0.12")


@given(st.decimals("0.00000001", "99999999.99999999", places=8), st.decimals("0.00000001", "999999", places=8))
def test_no_price_or_amount_changes_on_its_way(price: Decimal, amount: Decimal) -> None:
    raw = TRADES["bybit"] | {"execPrice": str(price), "execQty": str(amount)}
    exchange = EXCHANGES.setdefault("bybit", open_exchange(VENUES["bybit"], Wire()))
    seen = translate.trade_of(exchange.parse_trade(raw, exchange.market("BTC/USDT")), VENUES["bybit"], ONE)
    assert seen is not None
    assert (seen.fill.price, seen.fill.amount) == (price, amount)


EXCHANGES: dict[str, Any] = {}

# -- orders ------------------------------------------------------------------------------------------------------------

BYBIT_ORDER = {
    "symbol": "BTCUSDT",
    "orderId": "o-1",
    "orderLinkId": CLIENT_ID,
    "side": "Sell",
    "orderType": "Limit",
    "price": "60000.1",
    "qty": "0.5",
    "cumExecQty": "0.2",
    "leavesQty": "0.3",
    "cumExecValue": "12000.02",
    "avgPrice": "60000.1",
    "orderStatus": "PartiallyFilled",
    "cancelType": "UNKNOWN",
    "rejectReason": "EC_NoError",
    "timeInForce": "PostOnly",
    "createdTime": str(AT_MS),
    "updatedTime": str(AT_MS + 5000),
}


def bybit_order(**changes: Any) -> translate.SeenOrder | None:
    return translate.order_of(parsed("bybit", "order", BYBIT_ORDER | changes), VENUES["bybit"], ONE)


def test_a_resting_order_is_seen_as_it_is() -> None:
    assert bybit_order() == translate.SeenOrder(
        client_id=CLIENT_ID,
        order_id="o-1",
        symbol="BTC/USDT",
        side=Side.SELL,
        price=Decimal("60000.1"),
        amount=Decimal("0.5"),
        filled=Decimal("0.2"),
        is_open=True,
        reason=None,
        at=AT,
    )


def test_quantities_are_believed_before_words() -> None:
    lying = bybit_order(cumExecQty="0.5", leavesQty="0", orderStatus="New")
    assert lying is not None
    assert (lying.is_open, lying.reason) == (False, CloseReason.FILLED)
    partly = bybit_order(orderStatus="PartiallyFilledCanceled", cancelType="CancelByUser")
    assert partly is not None
    assert (partly.is_open, partly.reason, partly.filled) == (False, None, Decimal("0.2"))
    assert partly.at == AT + timedelta(seconds=5)


def test_a_post_only_order_that_crossed_says_so() -> None:
    for status in ("Rejected", "Cancelled"):
        crossed = bybit_order(
            orderStatus=status, cumExecQty="0", leavesQty="0", rejectReason="EC_PostOnlyWillTakeLiquidity"
        )
        assert crossed is not None
        assert (crossed.is_open, crossed.reason) == (False, CloseReason.WOULD_CROSS)


def test_a_status_nobody_knows_leaves_the_question_open() -> None:
    for status in ("SomethingNew", None):
        seen = bybit_order(orderStatus=status)
        assert seen is not None
        assert seen.is_open is None


def test_the_bare_reply_to_a_new_order_shows_no_order() -> None:
    raw = parsed("bybit", "order", {"orderId": "o-1", "orderLinkId": CLIENT_ID})
    assert raw["id"] == "o-1"
    assert translate.order_of(raw, VENUES["bybit"], ONE) is None
    assert bybit_order(orderLinkId="by-hand") is None
    assert bybit_order(orderLinkId="") is None


ORDERS: Mapping[str, tuple[dict[str, Any], bool, CloseReason | None]] = {
    "binance": (
        {
            "symbol": "BTCUSDT",
            "orderId": 7,
            "clientOrderId": CLIENT_ID,
            "price": "60000.10000000",
            "origQty": "0.50000000",
            "executedQty": "0.20000000",
            "cummulativeQuoteQty": "12000.02",
            "status": "EXPIRED_IN_MATCH",
            "type": "LIMIT_MAKER",
            "side": "SELL",
            "time": AT_MS,
            "updateTime": AT_MS,
        },
        False,
        CloseReason.VENUE,
    ),
    "okx": (
        {
            "instId": "BTC-USDT",
            "instType": "SPOT",
            "ordId": "7",
            "clOrdId": CLIENT_ID,
            "px": "60000.1",
            "sz": "0.5",
            "accFillSz": "0.2",
            "state": "canceled",
            "cancelSource": "31",
            "side": "sell",
            "ordType": "post_only",
            "cTime": str(AT_MS),
            "uTime": str(AT_MS),
        },
        False,
        CloseReason.WOULD_CROSS,
    ),
    "kraken": (
        {
            "id": "O-1",
            "cl_ord_id": CLIENT_ID,
            "status": "canceled",
            "reason": "User requested",
            "vol": "0.5",
            "vol_exec": "0.2",
            "opentm": 1735689600.0,
            "closetm": 1735689600.0,
            "descr": {"pair": "XBTUSDT", "type": "sell", "ordertype": "limit", "price": "60000.1"},
        },
        False,
        None,
    ),
    "kucoin": (
        {
            "id": "7",
            "symbol": "BTC-USDT",
            "clientOid": CLIENT_ID,
            "side": "sell",
            "type": "limit",
            "price": "60000.1",
            "size": "0.5",
            "dealSize": "0.2",
            "dealFunds": "12000.02",
            "active": False,
            "cancelExist": True,
            "createdAt": AT_MS,
        },
        False,
        None,
    ),
    "gate": (
        {
            "id": "7",
            "text": f"t-{CLIENT_ID}",
            "currency_pair": "BTC_USDT",
            "side": "sell",
            "type": "limit",
            "price": "60000.1",
            "amount": "0.5",
            "left": "0.3",
            "status": "cancelled",
            "finish_as": "poc",
            "time_in_force": "poc",
            "create_time_ms": str(AT_MS),
            "update_time_ms": str(AT_MS),
        },
        False,
        CloseReason.WOULD_CROSS,
    ),
    "bitget": (
        {
            "orderId": "7",
            "clientOid": CLIENT_ID,
            "symbol": "BTCUSDT",
            "side": "sell",
            "orderType": "limit",
            "force": "post_only",
            "price": "60000.1",
            "size": "0.5",
            "baseVolume": "0.2",
            "status": "partially_filled",
            "cTime": str(AT_MS),
            "uTime": str(AT_MS),
        },
        True,
        None,
    ),
    "mexc": (
        {
            "orderId": "7",
            "clientOrderId": CLIENT_ID,
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "LIMIT_MAKER",
            "price": "60000.1",
            "origQty": "0.5",
            "executedQty": "0.2",
            "status": "PARTIALLY_CANCELED",
            "time": AT_MS,
            "updateTime": AT_MS,
        },
        False,
        None,
    ),
    "coinbase": (
        {
            "order_id": "7",
            "client_order_id": UUID_ID,
            "product_id": "BTC-USDT",
            "side": "SELL",
            "status": "CANCELLED",
            "order_type": "LIMIT",
            "filled_size": "0.2",
            "order_configuration": {
                "limit_limit_gtc": {"base_size": "0.5", "limit_price": "60000.1", "post_only": True}
            },
            "created_time": "2025-01-01T00:00:00Z",
        },
        False,
        None,
    ),
}


@pytest.mark.parametrize("name", sorted(ORDERS))
def test_every_venues_order_is_read_alike(name: str) -> None:
    raw, is_open, reason = ORDERS[name]
    seen = translate.order_of(parsed(name, "order", raw), VENUES[name], ONE)
    assert seen is not None
    assert (seen.client_id, seen.symbol, seen.side, seen.at) == (CLIENT_ID, "BTC/USDT", Side.SELL, AT)
    assert (seen.price, seen.amount, seen.filled) == (Decimal("60000.1"), Decimal("0.5"), Decimal("0.2"))
    assert (seen.is_open, seen.reason) == (is_open, reason)


def test_a_hyperliquid_order_is_read_by_its_cloid() -> None:
    market = swap_market("hyperliquid", id="3", baseId="3", symbol="BTC/USDC:USDC", quote="USDC", settle="USDC")
    entry = {"coin": "BTC", "side": "B", "limitPx": "60000.0", "sz": "0.3", "origSz": "0.5", "oid": 7, "cloid": HEX_ID}
    for status, is_open, reason in (
        ("open", True, None),
        ("canceled", False, None),
        ("badAloPxRejected", False, CloseReason.WOULD_CROSS),
        ("marginCanceled", False, CloseReason.VENUE),
    ):
        raw = {"order": entry | {"timestamp": AT_MS}, "status": status, "statusTimestamp": AT_MS}
        exchange = open_exchange(VENUES["hyperliquid"], Wire(), market)
        exchange.options["swapMarketNamesByCoin"] = exchange.options["spotCurrencyMapping"] = {}
        order = exchange.parse_order(raw) | {"symbol": "BTC/USDC:USDC"}
        seen = translate.order_of(order, VENUES["hyperliquid"], ONE)
        assert seen is not None
        assert (seen.client_id, seen.side, seen.filled) == (CLIENT_ID, Side.BUY, Decimal("0.2"))
        assert (seen.is_open, seen.reason) == (is_open, reason)


# -- markets -----------------------------------------------------------------------------------------------------------


def test_a_binance_market_brings_its_caps_and_its_band() -> None:
    filters = [
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 150},
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierDown": "0.2", "askMultiplierUp": "5"},
    ]
    market = translate.market_of(spot_market("binance", info={"filters": filters}), VENUES["binance"])
    assert (market.max_open_orders, market.lowest_buy_ratio, market.highest_sell_ratio) == (
        150,
        Decimal("0.2"),
        Decimal(5),
    )
    assert (market.price_tick, market.amount_step) == (Decimal("0.01"), Decimal("0.00000001"))
    assert (market.min_amount, market.min_cost) == (Decimal("0.0001"), Decimal(5))
    assert (market.base, market.quote, market.fee_side, market.perpetual) == ("BTC", "USDT", FeeSide.RECEIVED, False)
    assert (market.maker_fee_ratio, market.taker_fee_ratio) == (Decimal("0.001"), Decimal("0.001"))


def test_a_venues_own_cap_and_fee_side_hold_where_the_market_is_silent() -> None:
    market = translate.market_of(spot_market("kraken", limits={}, maker=None), VENUES["kraken"])
    assert (market.max_open_orders, market.fee_side, market.min_cost) == (80, FeeSide.QUOTE, Decimal(0))
    assert market.maker_fee_ratio == translate.USUAL_FEE_RATIO
    stranger = translate.market_of(spot_market("kraken", feeSide="quote"), None)
    assert (stranger.max_open_orders, stranger.fee_side) == (None, FeeSide.QUOTE)


def test_a_perpetuals_rules_are_in_base_coin() -> None:
    limits = {"amount": {"min": "1"}, "cost": {"min": None}, "leverage": {"max": "100"}}
    raw = swap_market("bybit", contractSize="0.01", precision={"price": "0.1", "amount": "1"}, limits=limits)
    market = translate.market_of(raw, VENUES["bybit"])
    assert (market.amount_step, market.min_amount, market.min_cost) == (Decimal("0.01"), Decimal("0.01"), Decimal(0))
    assert (market.perpetual, market.fee_side, market.maintenance_ratio) == (True, FeeSide.QUOTE, Decimal("0.005"))
    told = translate.market_of(swap_market("binance", info={"maintMarginPercent": "2.5000"}), None)
    assert told.maintenance_ratio == Decimal("0.025")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (spot_market("bybit", active=False), "not traded at present"),
        (swap_market("bybit", linear=False, inverse=True), "not settled in its quote"),
        (swap_market("bybit", settle="USDC"), "not settled in its quote"),
        (swap_market("bybit", swap=False, future=True), "a dated future"),
        (swap_market("bybit", swap=False, option=True), "an option"),
        (swap_market("bybit", contractSize=None), "size of its contract"),
        (spot_market("bybit", precision={"price": None, "amount": "1"}), "price tick is not told"),
        (spot_market("bybit", precision={"price": "0", "amount": "1"}), "not above 0"),
    ],
)
def test_a_market_that_can_not_be_traded_says_why(raw: Any, words: str) -> None:
    with pytest.raises(MarketError, match=words):
        translate.market_of(raw, VENUES["bybit"])


def test_ticks_in_significant_digits_need_a_price() -> None:
    raw = spot_market("bybit", precision={"price": 5, "amount": 8})
    market = translate.market_of(raw, None, translate.SIGNIFICANT_DIGITS, Decimal("61234.5"))
    assert (market.price_tick, market.amount_step) == (ONE, Decimal("0.00000001"))
    with pytest.raises(MarketError, match="significant digits"):
        translate.market_of(raw, None, translate.SIGNIFICANT_DIGITS)
    places = translate.market_of(raw, None, translate.DECIMAL_PLACES)
    assert places.price_tick == Decimal("0.00001")


# -- quotes, candles, funds --------------------------------------------------------------------------------------------


def test_a_book_of_floats_keeps_its_shortest_text() -> None:
    quote = translate.quote_of({"bids": [[60000.1, 1.0]], "asks": [[1e-07, 1.0]]}, "BTC/USDT", AT)
    assert (quote.bid, quote.ask) == (Decimal("60000.1"), Decimal("1E-7"))


def test_a_ticker_will_do_and_a_missing_side_will_not() -> None:
    assert translate.quote_of({"bid": "1.5", "ask": "1.6"}, "BTC/USDT", AT).ask == Decimal("1.6")
    for raw in (
        {"bids": [], "asks": [[1.0, 1.0]]},
        {"bid": None, "ask": "1"},
        {"bid": "1", "ask": "0"},
        {"bid": "nan"},
    ):
        with pytest.raises(MarketError, match="BTC/USDT has no"):
            translate.quote_of(raw, "BTC/USDT", AT)


def test_candles_with_holes_are_left_out() -> None:
    rows: list[list[Any]] = [
        [AT_MS, "1", "3", "0.5", "2", "10"],
        [AT_MS, "1", None, "0.5", "2", "10"],
        [AT_MS, 1.1, 3, 0.5, 2, None],
    ]
    first, last = translate.candles_of(rows)
    assert (first.at, first.high, first.volume) == (AT, Decimal(3), Decimal(10))
    assert (last.open, last.volume) == (Decimal("1.1"), Decimal(0))


def test_balances_are_exact_and_complete_themselves() -> None:
    reply = {
        "retCode": 0,
        "time": AT_MS,
        "result": {
            "list": [
                {
                    "accountType": "UNIFIED",
                    "coin": [
                        {"coin": "BTC", "walletBalance": "0.123456789", "locked": "0.1", "equity": "0.123456789"},
                        {"coin": "USDT", "walletBalance": "0", "locked": "0", "equity": "0"},
                    ],
                }
            ]
        },
    }

    async def ask(exchange: Any) -> Any:
        return await exchange.fetch_balance()

    raw, _ = wired("bybit", ask, reply)
    assert translate.balances_of(raw) == {"BTC": Balance(Decimal("0.023456789"), Decimal("0.1"))}
    assert translate.balances_of({"total": {"X": "2"}, "X": {"free": None, "used": None, "total": "2"}}) == {
        "X": Balance(Decimal(2), Decimal(0))
    }
    with pytest.raises(MarketError):
        translate.balances_of({})


def test_a_position_is_base_coin_with_its_mode() -> None:
    raw = {
        "symbol": "BTCUSDT",
        "side": "Sell",
        "size": "0.5",
        "avgPrice": "60000.1",
        "leverage": "3",
        "liqPrice": "80000",
        "positionIdx": 0,
        "tradeMode": 1,
        "updatedTime": str(AT_MS),
    }
    market = swap_market("bybit")
    told = parsed("bybit", "position", raw, market)
    position = translate.position_of(told, ONE, "isolated")  # asked for beside it: bybit's positions are silent on it
    assert position is not None
    assert (position.amount, position.entry, position.leverage) == (Decimal("-0.5"), Decimal("60000.1"), Decimal(3))
    assert (position.isolated, position.one_way, position.liquidation) == (True, True, Decimal(80000))
    assert translate.position_of(told, ONE) == replace(position, isolated=False)
    hedged = translate.position_of(parsed("bybit", "position", raw | {"positionIdx": 2}, market), ONE)
    assert hedged is not None
    assert hedged.one_way is False


def test_funding_is_what_was_received() -> None:
    raw = {"symbol": "BTCUSDT", "execId": "f-1", "execTime": str(AT_MS), "execFee": "0.25", "feeRate": "0.0001"}
    paid = translate.funding_of(parsed("bybit", "income", raw, swap_market("bybit")), VENUES["bybit"])
    assert paid is not None
    assert (paid.funding_id, paid.symbol, paid.amount, paid.at) == (
        f"f-1@{AT_MS}",
        "BTC/USDT:USDT",
        Decimal("-0.25"),
        AT,
    )
    received = {"id": "1", "symbol": "BTC/USDT:USDT", "timestamp": AT_MS, "amount": "0.25"}
    other = translate.funding_of(received, VENUES["hyperliquid"])
    assert other is not None
    assert other.amount == Decimal("0.25")
    assert translate.funding_of(received | {"amount": None}, VENUES["bybit"]) is None


def test_an_accounts_margin_mode_is_asked_for_where_positions_are_silent() -> None:
    method = VENUES["bybit"].margin_mode
    assert method is not None
    for word, expected in (("ISOLATED_MARGIN", "isolated"), ("REGULAR_MARGIN", "cross")):
        reply = {"retCode": 0, "result": {"marginMode": word}}
        told, _ = wired("bybit", Call(method, ("BTC/USDT:USDT",)).on, reply, markets=[swap_market("bybit")])
        assert told["marginMode"] == expected
