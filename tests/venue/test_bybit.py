"""The loopback Bybit as the real ccxt sees it: orders, refusals, pages, the key, perpetuals."""

from __future__ import annotations

from typing import Any

import ccxt.async_support as ccxt
import ccxt.pro
import pytest

from tests.venue.bybit_stage import PERP, SPOT, D, Stage, code, told
from tests.venue.model import NewOrder, Side

# --- orders ---------------------------------------------------------------------------------------


def test_an_order_rests_then_trades_as_maker_and_pays_in_the_coin_received() -> None:
    async def story(here: Stage) -> None:
        order = await here.buy("99.5", "a-1", postOnly=True)
        (open_order,) = await here.ccxt.fetch_open_orders(SPOT)
        assert (open_order["id"], open_order["clientOrderId"], open_order["status"]) == (order["id"], "a-1", "open")
        assert (await here.ccxt.fetch_balance())["USDT"] == {
            "free": "9990.05", "used": "9.95", "total": "10000", "debt": "0",
        }  # fmt: skip
        here.spot.move("99.30", "99.40")
        (trade,) = await here.ccxt.fetch_my_trades(SPOT)
        assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == ("99.5", "0.1", "maker")
        assert (trade["fee"]["cost"], trade["fee"]["currency"]) == ("0.0001", "BTC")
        assert (await here.ccxt.fetch_closed_orders(SPOT))[0]["status"] == "closed"
        assert await here.ccxt.fetch_open_orders(SPOT) == []

    told(story)


@pytest.mark.parametrize(("symbol", "status"), [(SPOT, "Rejected"), (PERP, "Cancelled")])
def test_a_post_only_order_that_would_cross_is_accepted_and_then_cancelled(symbol: str, status: str) -> None:
    async def story(here: Stage) -> None:
        order = await here.buy("100.5", symbol=symbol, postOnly=True)
        await here.settled()
        assert await here.status(order["id"], symbol) == (status, "UNKNOWN", "EC_PostOnlyWillTakeLiquidity")
        assert here.venue.ledger.fills == []

    told(story)


def test_a_cancelled_order_that_traded_in_part_has_a_status_of_its_own_on_spot() -> None:
    async def story(here: Stage) -> None:
        here.venue.ledger.partial_fills = 1.0
        statuses = []
        for symbol, market in ((SPOT, here.spot), (PERP, here.perp)):
            order = await here.buy("99", symbol=symbol, amount="1")
            market.move("98.8", "98.9")
            await here.ccxt.cancel_order(order["id"], symbol)
            await here.settled()
            statuses.append(await here.status(order["id"], symbol))
        reason = ("CancelByUser", "EC_PerCancelRequest")
        assert statuses == [("PartiallyFilledCanceled", *reason), ("Cancelled", *reason)]

    told(story)


def test_market_orders_take_at_once_and_count_in_the_coin_they_name() -> None:
    async def story(here: Stage) -> None:
        await here.ccxt.create_order(SPOT, "market", "buy", "0.5")
        await here.ccxt.create_order(SPOT, "market", "buy", "0", None, {"cost": "20.02"})
        await here.ccxt.create_order(PERP, "market", "sell", "0.2")
        trades = [(fill.order.side, fill.amount, fill.price, fill.maker) for fill in here.venue.ledger.fills]
        assert trades == [
            (Side.BUY, D("0.5"), D("100.10"), False),
            (Side.BUY, D("0.2"), D("100.10"), False),
            (Side.SELL, D("0.2"), D("100.0"), False),
        ]
        (order, *_) = await here.ccxt.fetch_closed_orders(SPOT)
        assert (order["status"], order["type"], order["cost"]) == ("closed", "market", "50.05")

    told(story)


def test_an_ended_order_leaves_realtime_after_a_while_and_stands_in_history() -> None:
    async def story(here: Stage) -> None:
        here.venue.check_time = False
        await here.buy("99", "gone")
        here.venue.ledger.cancel_by_hand(here.venue.ledger.orders_of(here.account, "gone")[0])
        asked = {"category": "spot", "orderLinkId": "gone"}
        found = (await here.ccxt.private_get_v5_order_realtime(asked))["result"]["list"]
        assert found[0]["orderStatus"] == "Cancelled"
        here.venue.clock.forward(here.venue.remembers_ms + 1)
        assert (await here.ccxt.private_get_v5_order_realtime(asked))["result"]["list"] == []
        assert len((await here.ccxt.private_get_v5_order_history(asked))["result"]["list"]) == 1

    told(story)


def test_refusals_bear_the_codes_of_their_category() -> None:
    async def story(here: Stage) -> None:
        await here.buy("99", "twice")
        await here.buy("99", "twice", PERP)
        create = here.ccxt.private_post_v5_order_create

        async def sent(category: str, qty: str, price: str, **more: Any) -> str:
            usual = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": qty, "price": price}
            return await code(create({"category": category, **usual, **more}))

        assert [
            await sent("spot", "0.1", "99.001"),
            await sent("spot", "0.0000001", "99"),
            await sent("spot", "0.01", "99"),
            await sent("spot", "999", "99"),
            await sent("spot", "0.1", "200"),
            await sent("spot", "0.1", "99", orderLinkId="twice"),
            await sent("spot", "0.1", "99", unheardOf=1),
            await code(create({"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "qty": 0.1})),
            await code(here.ccxt.cancel_order("1", SPOT), ccxt.OrderNotFound),
        ] == ["170134", "170136", "170140", "170131", "170372", "170141", "10001", "10001", "170213"]
        assert [
            await sent("linear", "0.1", "99.05"),
            await sent("linear", "0.01", "99"),
            await sent("linear", "999", "120"),
            await sent("linear", "999", "200"),
            await sent("linear", "0.1", "99", orderLinkId="twice"),
            await sent("linear", "0.1", "99", reduceOnly=True),
            await sent("linear", "0.1", "99", positionIdx=1),
            await code(here.ccxt.cancel_order("1", PERP), ccxt.OrderNotFound),
        ] == ["10001", "110094", "110007", "110003", "110072", "110017", "10001", "110001"]

    told(story)


def test_a_batch_answers_for_each_order_by_itself() -> None:
    async def story(here: Stage) -> None:
        order = {"symbol": SPOT, "type": "limit", "side": "buy", "amount": "0.1", "price": "98"}
        await here.buy("98", "old")
        batch = [{**order, "params": {"clientOrderId": name}} for name in ("b1", "old", "b2")]
        answers = await here.ccxt.create_orders(batch)
        assert [(answer["clientOrderId"], answer["status"]) for answer in answers] == [
            ("b1", None), (None, "rejected"), ("b2", None),
        ]  # fmt: skip
        assert await code(here.ccxt.create_orders([order] * 11)) == "10001"
        await here.ccxt.cancel_orders([], SPOT, {"clientOrderIds": ["b1", "nobody", "b2"]})
        await here.settled()
        assert [open_order.client_id for open_order in here.venue.ledger.open_orders(here.account)] == ["old"]

    told(story)


def test_open_orders_and_trades_come_in_pages_with_a_cursor_even_after_the_last() -> None:
    async def story(here: Stage) -> None:
        for number in range(60):
            wish = NewOrder(market="BTCUSDT", side=Side.BUY, amount=D("0.1"), price=D("99"), client_id=f"n{number}")
            here.venue.ledger.place(here.account, wish)
        pages = []
        cursor = ""
        for _ in range(3):
            page = await here.ccxt.fetch_open_orders(SPOT, None, 50, {"cursor": cursor} if cursor else {})
            pages.append([order["clientOrderId"] for order in page])
            cursor = here.ccxt.last_json_response["result"]["nextPageCursor"]
        assert [len(page) for page in pages] == [50, 10, 0]
        assert {*pages[0]} == {f"n{number}" for number in range(10, 60)}
        assert {*pages[1]} == {f"n{number}" for number in range(10)}
        here.spot.move("98")
        assert len(await here.ccxt.fetch_my_trades(SPOT, None, 100, {"paginate": True})) == 60

    told(story)


# --- the key --------------------------------------------------------------------------------------


def test_only_a_genuine_request_in_time_is_answered() -> None:
    async def story(here: Stage) -> None:
        here.ccxt.secret = "wrong"
        assert await code(here.ccxt.fetch_balance(), ccxt.AuthenticationError) == "10004"
        here.ccxt.secret = "secret"
        here.venue.clock.forward(10_000)
        assert await code(here.ccxt.fetch_balance(), ccxt.InvalidNonce) == "10002"
        await here.ccxt.load_time_difference()
        await here.ccxt.fetch_balance()
        here.account.ips = ("10.0.0.1",)
        assert await code(here.ccxt.fetch_balance(), ccxt.PermissionDenied) == "10010"
        here.account.ips, here.account.read_only = ("*",), True
        assert await code(here.buy("99"), ccxt.PermissionDenied) == "10005"
        here.account.expires_ms = here.venue.clock()
        assert await code(here.ccxt.fetch_balance(), ccxt.AuthenticationError) == "33004"

    told(story)


# --- perpetuals -----------------------------------------------------------------------------------


def test_a_perpetual_keeps_leverage_position_and_funding() -> None:
    async def story(here: Stage) -> None:
        await here.ccxt.set_leverage(5, PERP)
        assert await code(here.ccxt.set_leverage(5, PERP)) == "110043"
        assert await code(here.ccxt.set_position_mode(False, PERP), ccxt.NoChange) == "110025"
        await here.buy("99", symbol=PERP, amount="1", postOnly=True)
        here.perp.move("98.8", "98.9")
        position = await here.ccxt.fetch_position(PERP)
        assert (position["side"], position["contracts"], position["leverage"]) == ("long", "1", "5")
        assert await code(here.ccxt.set_position_mode(True, PERP)) == "110024"
        here.venue.ledger.pay_funding("BTCUSDT", "0.0001")
        (payment,) = await here.ccxt.fetch_funding_history(PERP)
        assert payment["amount"] == "0.009885"  # positive: we paid
        (trade,) = await here.ccxt.fetch_my_trades(PERP)
        assert trade["fee"]["currency"] == "USDT"
        here.venue.ledger.liquidate(here.account, "BTCUSDT")
        trades = await here.ccxt.fetch_my_trades(PERP, None, None, {"execType": "BustTrade"})
        assert [trade["side"] for trade in trades] == ["sell"]
        assert (await here.ccxt.fetch_position(PERP))["contracts"] == "0"

    told(story)
