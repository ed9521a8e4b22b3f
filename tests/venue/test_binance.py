"""The loopback Binance, as ccxt meets it: markets, trading, refusals and keys.

The rule: real ccxt against the server; what is asserted is what Binance is known to do, not what the server happens to.
"""

from __future__ import annotations

import itertools
from typing import Any

import ccxt.pro as ccxt
import pytest

from tests.venue.binance import BinanceVenue
from tests.venue.binance_stories import PAIR, buy, client, told


def test_markets_are_spot_and_their_filters_exact_strings() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        await exchange.load_markets()
        market = exchange.market(PAIR)
        assert (market["spot"], market["active"]) == (True, True)
        assert market["precision"]["price"] == "0.01000000"
        assert market["limits"]["cost"]["min"] == "5.00000000"
        assert {call.path for call in venue.witness.calls} == {
            "/api/v3/exchangeInfo",
            "/sapi/v1/capital/config/getall",
        }

    told(story)


def test_a_market_that_is_halted_is_not_active_and_takes_no_orders() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        await exchange.load_markets()
        venue.desk.market_named("BTCUSDT").open = False
        with pytest.raises(ccxt.MarketClosed):
            await buy(exchange)
        assert not (await exchange.load_markets(True))[PAIR]["active"]

    told(story)


def test_a_resting_order_locks_money_until_it_is_cancelled() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        placed = await buy(exchange)
        assert (placed["status"], placed["postOnly"], placed["amount"]) == ("open", True, "0.01000000")
        assert (await exchange.fetch_balance())["USDT"]["used"] == "490.00000000"
        assert [order["id"] for order in await exchange.fetch_open_orders(PAIR)] == [placed["id"]]
        gone = await exchange.cancel_order(placed["id"], PAIR)
        assert (gone["status"], gone["filled"]) == ("canceled", "0.00000000")
        assert (await exchange.fetch_balance())["USDT"]["used"] == "0.00000000"

    told(story)


def test_a_cancel_has_an_id_of_its_own_and_names_the_order_it_ended() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        await buy(exchange, "mine")
        gone = await exchange.cancel_order(None, PAIR, {"clientOrderId": "mine"})
        assert gone["info"]["origClientOrderId"] == "mine"
        assert gone["clientOrderId"] != "mine"
        assert (await exchange.fetch_order(gone["id"], PAIR))["clientOrderId"] == "mine"

    told(story)


def test_a_duplicate_client_id_is_refused_while_the_first_order_is_open() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        first = await buy(exchange, "mine")
        with pytest.raises(ccxt.InvalidOrder, match=r"-2010.*Duplicate order sent\."):
            await buy(exchange, "mine")
        await exchange.cancel_order(first["id"], PAIR)
        second = await buy(exchange, "mine")
        assert (await exchange.fetch_order(None, PAIR, {"clientOrderId": "mine"}))["id"] == second["id"]

    assert told(story).witness.duplicates() == {"mine": 2}


def test_a_post_only_order_that_would_take_is_refused() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        with pytest.raises(ccxt.OrderImmediatelyFillable):
            await buy(exchange, price="50000.01")
        await buy(exchange, price="50000.00")

    told(story)


@pytest.mark.parametrize(
    ("price", "amount", "words"),
    [
        ("49000.001", "0.01", "PRICE_FILTER"),
        ("49000", "0.0000015", "LOT_SIZE"),
        ("49000", "0.00001", "NOTIONAL"),
        ("9000", "0.01", "PERCENT_PRICE_BY_SIDE"),
    ],
)
def test_an_order_that_breaks_a_filter_is_refused(price: str, amount: str, words: str) -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "price": price, "quantity": amount}
        with pytest.raises((ccxt.InvalidOrder, ccxt.BadRequest), match=words):
            await exchange.private_post_order(order)

    venue = told(story)
    assert (venue.witness.calls[-1].code, venue.ledger.orders) == ("-1013", {})


def test_too_many_open_orders_and_too_little_money_are_refused_by_the_engine() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        venue.add_spot("ETHUSDT", bid="3000", ask="3000.01", max_open_orders=1)
        await exchange.create_order("ETH/USDT", "limit", "buy", "1", "2900", {"postOnly": True})
        with pytest.raises(ccxt.InvalidOrder, match=r"-2010.*Filter failure: MAX_NUM_ORDERS"):
            await exchange.create_order("ETH/USDT", "limit", "buy", "1", "2900", {"postOnly": True})
        with pytest.raises(ccxt.InsufficientFunds):
            await buy(exchange, amount="1")

    told(story)


def test_an_order_nobody_placed_can_be_neither_read_nor_cancelled() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        with pytest.raises(ccxt.OrderNotFound, match="-2013"):
            await exchange.fetch_order("77", PAIR)
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await exchange.cancel_order("77", PAIR)

    told(story)


def test_what_an_ioc_order_cannot_take_expires_and_so_does_a_match_with_oneself() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        missed = await exchange.create_order(PAIR, "limit", "buy", "0.01", "49000", {"timeInForce": "IOC"})
        assert (missed["status"], missed["info"]["status"]) == ("expired", "EXPIRED")
        placed = await buy(exchange)
        venue.expire_in_match(venue.ledger.orders[placed["id"]])
        read = await exchange.fetch_order(placed["id"], PAIR)
        assert (read["status"], read["info"]["status"]) == ("expired", "EXPIRED_IN_MATCH")

    told(story)


def test_a_market_order_trades_at_once_and_the_reply_tells_its_fills() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        done = await exchange.create_order(PAIR, "market", "sell", "0.02")
        assert (done["status"], done["average"], done["fee"]["currency"]) == ("closed", "50000", "USDT")
        assert (await exchange.fetch_balance())["BTC"]["total"] == "0.98"

    told(story)


def test_trades_are_paged_by_id_and_windows_are_a_day_at_most() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        for _ in range(3):
            await exchange.create_order(PAIR, "market", "sell", "0.01")
        first, second, third = await exchange.fetch_my_trades(PAIR)
        assert "clientOrderId" not in first["info"]
        assert (first["takerOrMaker"], first["fee"]) == ("taker", {"cost": "0.50000000", "currency": "USDT"})
        page = await exchange.fetch_my_trades(PAIR, None, 1, {"fromId": second["id"]})
        assert [trade["id"] for trade in page] == [second["id"]]
        assert [trade["id"] for trade in await exchange.fetch_my_trades(PAIR, None, 1)] == [third["id"]]
        of_order = await exchange.fetch_order_trades(first["order"], PAIR)
        assert [trade["id"] for trade in of_order] == [first["id"]]
        day = 86_400_000
        with pytest.raises(ccxt.BadRequest, match="-1127"):
            await exchange.fetch_my_trades(PAIR, venue.clock() - day - 1, None, {"until": venue.clock()})
        with pytest.raises(ccxt.BadRequest, match="-1128"):
            await exchange.fetch_my_trades(PAIR, venue.clock() - day, None, {"fromId": "1"})

    told(story)


def test_all_orders_are_remembered_and_paged_by_id() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        first, second = await buy(exchange, "first"), await buy(exchange, "second")
        await exchange.cancel_order(first["id"], PAIR)
        assert [order["status"] for order in await exchange.fetch_orders(PAIR)] == ["canceled", "open"]
        page = await exchange.fetch_orders(PAIR, None, 5, {"orderId": second["id"]})
        assert [order["clientOrderId"] for order in page] == ["second"]

    told(story)


def test_candles_go_on_without_gaps_while_nothing_happens() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        venue.check_time = False
        venue.clock.forward(180_000)
        venue.desk.market_named("BTCUSDT").move("48000.00")
        candles = await exchange.fetch_ohlcv(PAIR, "1m")
        assert [candle[4] for candle in candles][:4] == ["50000.00000000"] * 3 + ["48000.00000000"]
        assert {later[0] - earlier[0] for earlier, later in itertools.pairwise(candles)} == {60_000}
        assert await exchange.fetch_ohlcv(PAIR, "1m", candles[1][0], 2) == candles[1:3]

    told(story)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"frobnicate": "1"}, "-1104"),
        ({"timeInForce": "GTC"}, "-1106"),
        ({"quantity": None}, "-1102"),
        ({"price": ""}, "-1105"),
        ({"newClientOrderId": "a b"}, "-1100"),
        ({"price": "49000.123456789"}, "-1111"),
        ({"type": "STOP"}, "-1116"),
        ({"symbol": "NOPE"}, "-1121"),
    ],
)
def test_a_request_with_wrong_parameters_is_refused(changed: dict[str, str | None], code: str) -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "price": "49000", "quantity": "0.01"}
        sent = {name: value for name, value in (order | changed).items() if value is not None}
        with pytest.raises(ccxt.ExchangeError, match=code):
            await exchange.private_post_order(sent)

    assert not told(story).ledger.orders


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"secret": "wrong"}, "-1022"), ({"apiKey": "another-key"}, "-2015"), ({"apiKey": "no key"}, "-2014")],
)
def test_a_wrong_key_or_secret_opens_nothing(changed: dict[str, str], code: str) -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        async with client(venue, **changed) as stranger:
            with pytest.raises(ccxt.AuthenticationError, match=code):
                await stranger.private_get_account()

    told(story)


def test_a_key_says_what_it_may_do_and_may_do_no_more() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        account = venue.ledger.accounts["key"]
        account.read_only = account.can_withdraw = True
        rights = await exchange.sapi_get_account_apirestrictions()
        assert (rights["enableSpotAndMarginTrading"], rights["enableWithdrawals"]) == (False, True)
        assert rights["ipRestrict"] is False
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await buy(exchange)
        account.ips = ("10.0.0.1",)
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await exchange.sapi_get_account_apirestrictions()

    told(story)


def test_a_timestamp_outside_of_the_window_is_refused() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        await exchange.load_markets()
        for ahead in (20_000, -20_000):
            venue.clock.ahead_ms = ahead
            with pytest.raises(ccxt.InvalidNonce, match="-1021"):
                await exchange.fetch_balance()

    told(story)
