"""Each row against the real ccxt: the exact request that would leave, and client ids that come back as they went."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.client_ids import DIGITS, OrderKey, encode
from bot.core.events import CloseReason
from bot.core.model import Leg
from bot.errors import SettingsError
from bot.exchange.calls import Call
from bot.exchange.venues import VENUES, ItemRefused, Permissions
from tests.exchange.wire import CLIENT_ID, PASSWORD, Sent, Wire, open_exchange, order, sent_by, swap_market, wired

SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
ONE = Decimal(1)
SINCE = 1_700_000_000_000
UUID_ID = "52657846-7619-4b2c-af36-8eb548cee9a1"
HEX_ID = "0x14995e1319d866cb2f368eb548cee9a1"
EVERY = pytest.mark.parametrize("name", sorted(VENUES))


def said(sent: Sent, *noise: str) -> dict[str, Any]:
    """What a request says, without its signature and clock."""
    hidden = {"signature", "timestamp", "recvWindow", "nonce", *noise}
    return {name: value for name, value in sent.fields.items() if name not in hidden}


# -- client ids --------------------------------------------------------------------------------------------------------

KEYS = st.builds(
    OrderKey,
    prefix=st.text(DIGITS, min_size=6, max_size=6),
    grid=st.integers(0, 36**2 - 1),
    level=st.integers(0, 36**3 - 1),
    cycle=st.integers(0, 36**4 - 1),
    leg=st.sampled_from(Leg),
    attempt=st.integers(0, 36**2 - 1),
)


@EVERY
@given(key=KEYS)
def test_a_client_id_comes_back_as_it_went(name: str, key: OrderKey) -> None:
    venue, client_id = VENUES[name], encode(key)
    assert venue.decode(venue.encode(client_id)) == client_id


@EVERY
@given(text=st.none() | st.text(max_size=40) | st.uuids().map(str) | st.text("0123456789abcdef", max_size=34))
def test_a_strangers_id_is_never_ours(name: str, text: str | None) -> None:
    found = VENUES[name].decode(text)
    assert found is None or VENUES[name].encode(found) == text


def test_a_uuid_written_in_capitals_is_the_same_id() -> None:
    assert VENUES["coinbase"].decode(UUID_ID.upper()) == CLIENT_ID
    assert VENUES["coinbase"].decode(UUID_ID.replace("-", "")) is None


def test_ids_fit_the_venues_shortest_limits() -> None:
    assert len(VENUES["kraken"].encode(CLIENT_ID)) <= 18
    assert len(VENUES["gate"].encode("t" + CLIENT_ID[1:])) <= 28  # ccxt would not prefix an id that begins with t
    assert VENUES["gate"].encode("t" + CLIENT_ID[1:]) == "t-t" + CLIENT_ID[1:]


# -- new orders --------------------------------------------------------------------------------------------------------

MAKERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "bybit": (
        "/v5/order/create",
        {
            "symbol": "BTCUSDT",
            "category": "spot",
            "side": "Buy",
            "orderType": "Limit",
            "timeInForce": "PostOnly",
            "orderLinkId": CLIENT_ID,
            "price": "60000.1",
            "qty": "0.12345678",
        },
    ),
    "binance": (
        "/api/v3/order",
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT_MAKER",
            "newClientOrderId": CLIENT_ID,
            "newOrderRespType": "FULL",
            "price": "60000.1",
            "quantity": "0.12345678",
        },
    ),
    "okx": (
        "/api/v5/trade/batch-orders",
        {
            "items": [
                {
                    "instId": "BTC-USDT",
                    "side": "buy",
                    "ordType": "post_only",
                    "tdMode": "cash",
                    "tgtCcy": "base_ccy",
                    "clOrdId": CLIENT_ID,
                    "px": "60000.1",
                    "sz": "0.12345678",
                }
            ]
        },
    ),
    "kraken": (
        "/0/private/AddOrder",
        {
            "pair": "XBTUSDT",
            "type": "buy",
            "ordertype": "limit",
            "oflags": "fciq,post",
            "cl_ord_id": CLIENT_ID,
            "price": "60000.1",
            "volume": "0.12345678",
        },
    ),
    "kucoin": (
        "/api/v1/hf/orders",
        {
            "symbol": "BTC-USDT",
            "side": "buy",
            "type": "limit",
            "postOnly": True,
            "clientOid": CLIENT_ID,
            "price": "60000.1",
            "size": "0.12345678",
        },
    ),
    "gate": (
        "/api/v4/spot/orders",
        {
            "currency_pair": "BTC_USDT",
            "account": "spot",
            "side": "buy",
            "type": "limit",
            "time_in_force": "poc",
            "text": f"t-{CLIENT_ID}",
            "price": "60000.1",
            "amount": "0.12345678",
        },
    ),
    "bitget": (
        "/api/v2/spot/trade/place-order",
        {
            "symbol": "BTCUSDT",
            "side": "buy",
            "orderType": "limit",
            "force": "post_only",
            "clientOid": CLIENT_ID,
            "price": "60000.1",
            "size": "0.12345678",
        },
    ),
    "mexc": (
        "/api/v3/order",
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT_MAKER",
            "newClientOrderId": CLIENT_ID,
            "price": "60000.1",
            "quantity": "0.12345678",
        },
    ),
    "coinbase": (
        "/api/v3/brokerage/orders",
        {
            "product_id": "BTC-USDT",
            "side": "BUY",
            "client_order_id": UUID_ID,
            "order_configuration": {
                "limit_limit_gtc": {"base_size": "0.12345678", "limit_price": "60000.1", "post_only": True}
            },
        },
    ),
    "hyperliquid": (
        "/exchange",
        {
            "action": {
                "type": "order",
                "grouping": "na",
                "orders": [
                    {
                        "a": 10107,
                        "b": True,
                        "c": HEX_ID,
                        "p": "60000",
                        "r": False,
                        "s": "0.12345678",
                        "t": {"limit": {"tif": "Alo"}},
                    }
                ],
            }
        },
    ),
}


@EVERY
def test_a_maker_order_leaves_post_only_with_its_digits_and_its_id(name: str) -> None:
    sent = sent_by(name, VENUES[name].create(order(), False, ONE))
    assert (sent.method, sent.path, said(sent)) == ("POST", *MAKERS[name])


TAKERS: Mapping[str, dict[str, Any]] = {
    "bybit": {"side": "Sell", "timeInForce": "IOC"},
    "binance": {"side": "SELL", "type": "LIMIT", "timeInForce": "IOC"},
    "kraken": {"type": "sell", "timeinforce": "IOC", "oflags": "fciq"},
    "kucoin": {"side": "sell", "timeInForce": "IOC"},
    "gate": {"side": "sell", "time_in_force": "ioc"},
    "bitget": {"side": "sell", "force": "IOC"},
    "mexc": {"side": "SELL", "type": "IMMEDIATE_OR_CANCEL"},
    "coinbase": {"order_configuration": {"sor_limit_ioc": {"base_size": "0.12345678", "limit_price": "60000.1"}}},
}


@EVERY
def test_a_taker_sale_leaves_immediate_or_cancel(name: str) -> None:
    fields = said(sent_by(name, VENUES[name].create(order(Leg.CLOSE, taker=True), False, ONE)))
    if name == "okx":
        assert fields["items"][0]["ordType"] == "ioc"
    elif name == "hyperliquid":
        assert fields["action"]["orders"][0]["t"] == {"limit": {"tif": "Ioc"}}
    else:
        assert TAKERS[name].items() <= fields.items()
    assert "post" not in str(fields).lower()


@EVERY
def test_no_digit_of_a_price_or_an_amount_is_lost(name: str) -> None:
    fine = replace(order(), price=Decimal("0.00001234"), amount=Decimal("123456789.12345678"))
    market = {"precision": {"price": "0.00000001", "amount": "0.00000001"}}
    exact = {**swap_market(name), **market, "symbol": SPOT, "type": "spot", "spot": True, "swap": False}
    exact |= {"contract": False, "linear": None}
    body = str(sent_by(name, VENUES[name].create(fine, False, ONE), markets=[exact]).fields)
    assert "123456789.12345678" in body
    assert "0.00001234" in body or name == "hyperliquid"  # no more than eight decimals in all there


def test_hyperliquids_prices_are_cut_away_from_the_market_and_not_to_the_nearest() -> None:
    venue = VENUES["hyperliquid"]
    for price, bought, sold in (
        ("0.123456", "0.12345", "0.12346"),
        ("123456.7", "123456", "123457"),
        ("9.9", "9.9", "9.9"),
    ):
        buy, sale = (
            venue.create(replace(order(leg), price=Decimal(price)), False, ONE) for leg in (Leg.ENTRY, Leg.EXIT)
        )
        assert (buy.args[4], sale.args[4]) == (bought, sold)


@pytest.mark.parametrize("name", ["bybit", "hyperliquid"])
def test_an_exit_of_a_perpetual_is_reduce_only(name: str) -> None:
    call = VENUES[name].create(order(Leg.EXIT, symbol=PERPETUAL), True, ONE)
    fields = said(sent_by(name, call, markets=[swap_market(name)]))
    if name == "bybit":
        assert (fields["category"], fields["reduceOnly"], fields["timeInForce"]) == ("linear", True, "PostOnly")
    else:
        assert fields["action"]["orders"][0]["r"] is True


def test_amounts_leave_in_contracts_where_the_venue_counts_them() -> None:
    call = VENUES["bybit"].create(replace(order(symbol=PERPETUAL), amount=Decimal("0.12")), False, Decimal("0.01"))
    assert call.args[3] == "12"


def test_nothing_is_signed_at_hyperliquid_but_the_order() -> None:
    _, sent = wired("hyperliquid", VENUES["hyperliquid"].create(order(), False, ONE).on)
    actions = [request.fields["action"]["type"] for request in sent if "action" in request.fields]
    assert actions == ["order"]
    assert "builder" not in sent[-1].fields["action"]


# -- batches -----------------------------------------------------------------------------------------------------------

SECOND = "rx1aaa010020003x02"
BATCHES = {
    "bybit": ("/v5/order/create-batch", "request", "orderLinkId"),
    "okx": ("/api/v5/trade/batch-orders", "items", "clOrdId"),
    "gate": ("/api/v4/spot/batch_orders", "items", "text"),
    "bitget": ("/api/v2/spot/trade/batch-orders", "orderList", "clientOid"),
    "mexc": ("/api/v3/batchOrders", "batchOrders", "newClientOrderId"),
}


def test_batches_are_tried_where_ccxt_can_tell_their_parts() -> None:
    assert {name for name, venue in VENUES.items() if venue.batch > 1} == set(BATCHES)


@pytest.mark.parametrize("name", sorted(BATCHES))
def test_a_batch_is_one_request_with_each_orders_id(name: str) -> None:
    import json

    venue, (path, listed, field_name) = VENUES[name], BATCHES[name]
    pair = [(order(), False), (order(Leg.EXIT, client_id=SECOND), False)]
    sent = sent_by(name, venue.create_many(pair, ONE))
    rows = sent.fields[listed]
    rows = json.loads(rows) if isinstance(rows, str) else rows
    assert (sent.method, sent.path) == ("POST", path)
    assert [venue.decode(row[field_name]) for row in rows] == [CLIENT_ID, SECOND]
    assert all("60000.1" in row.values() and "0.12345678" in row.values() for row in rows)


HALVES: Mapping[str, Any] = {
    "bybit": {
        "retCode": 0,
        "result": {
            "list": [
                {"category": "spot", "symbol": "BTCUSDT", "orderId": "77", "orderLinkId": CLIENT_ID},
                {"category": "spot", "symbol": "BTCUSDT", "orderId": "", "orderLinkId": SECOND},
            ]
        },
        "retExtInfo": {"list": [{"code": 0, "msg": "OK"}, {"code": 170131, "msg": "Balance insufficient."}]},
    },
    "okx": {
        "code": "2",
        "data": [
            {"ordId": "77", "clOrdId": CLIENT_ID, "sCode": "0", "sMsg": ""},
            {"ordId": "", "clOrdId": SECOND, "sCode": "51008", "sMsg": "Insufficient balance"},
        ],
    },
    "gate": [
        {"text": f"t-{CLIENT_ID}", "succeeded": True, "id": "77", "status": "open", "currency_pair": "BTC_USDT"},
        {"text": f"t-{SECOND}", "succeeded": False, "label": "BALANCE_NOT_ENOUGH", "message": "Not enough balance"},
    ],
    "bitget": {
        "code": "00000",
        "msg": "success",
        "data": {
            "successList": [{"orderId": "77", "clientOid": CLIENT_ID}],
            "failureList": [
                {"orderId": "", "clientOid": SECOND, "errorMsg": "Insufficient balance", "errorCode": "43012"}
            ],
        },
    },
    "mexc": [
        {"symbol": "BTCUSDT", "orderId": "77", "newClientOrderId": CLIENT_ID, "orderListId": -1},
        {"newClientOrderId": SECOND, "msg": "Insufficient position", "code": 30004},
    ],
}


@pytest.mark.parametrize("name", sorted(BATCHES))
def test_a_batch_that_fails_in_part_is_told_apart_by_client_ids(name: str) -> None:
    venue = VENUES[name]
    orders = [order(), order(Leg.EXIT, client_id=SECOND), order(client_id="rx1aaa010020003e03")]
    replies, _ = wired(name, venue.create_many([(one, False) for one in orders], ONE).on, HALVES[name])
    (_, placed), (_, refused), (_, unheard) = venue.outcomes(orders, replies)
    assert isinstance(placed, Mapping)
    assert placed["id"] == "77"
    assert isinstance(refused, ItemRefused) or name == "bitget"  # there ccxt drops it: it counts as unheard
    assert unheard is None


# -- cancels and looks -------------------------------------------------------------------------------------------------

CANCELS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "bybit": ("POST", "/v5/order/cancel", {"orderLinkId": CLIENT_ID, "category": "spot"}),
    "binance": ("DELETE", "/api/v3/order", {"origClientOrderId": CLIENT_ID, "symbol": "BTCUSDT"}),
    "okx": ("POST", "/api/v5/trade/cancel-order", {"clOrdId": CLIENT_ID, "instId": "BTC-USDT"}),
    "kraken": ("POST", "/0/private/CancelOrder", {"cl_ord_id": CLIENT_ID}),
    "kucoin": ("DELETE", f"/api/v1/hf/orders/client-order/{CLIENT_ID}", {"symbol": "BTC-USDT"}),
    "gate": ("DELETE", f"/api/v4/spot/orders/t-{CLIENT_ID}", {"currency_pair": "BTC_USDT"}),
    "bitget": ("POST", "/api/v2/spot/trade/cancel-order", {"clientOid": CLIENT_ID, "symbol": "BTCUSDT"}),
    "mexc": ("DELETE", "/api/v3/order", {"origClientOrderId": CLIENT_ID, "symbol": "BTCUSDT"}),
    "coinbase": ("POST", "/api/v3/brokerage/orders/batch_cancel", {"order_ids": ["77"]}),
}
CANCELLED: Mapping[str, Any] = {"kucoin": {"code": "200000", "data": {"clientOid": CLIENT_ID}}}
ORDER_FOUND: Mapping[str, Any] = {
    "bitget": {"code": "00000", "data": [{"orderId": "77", "clientOid": CLIENT_ID, "symbol": "BTCUSDT"}]},
    "kraken": {"error": [], "result": {"77": {"status": "open"}, "open": {}, "closed": {}}},
}


@EVERY
def test_a_cancel_names_the_order_by_our_id_where_the_venue_can(name: str) -> None:
    call = VENUES[name].cancel(CLIENT_ID, "77", SPOT)
    assert call is not None
    sent = sent_by(name, call, CANCELLED.get(name, {}))
    if name == "hyperliquid":
        assert sent.fields["action"] == {"type": "cancelByCloid", "cancels": [{"asset": 10107, "cloid": HEX_ID}]}
        return
    method, path, fields = CANCELS[name]
    assert (sent.method, sent.path) == (method, path)
    assert fields.items() <= sent.fields.items()
    assert "orderId" not in sent.fields


def test_a_cancel_waits_for_the_order_id_where_only_that_will_do() -> None:
    unnamed = {name for name, venue in VENUES.items() if venue.cancel(CLIENT_ID, None, SPOT) is None}
    assert unnamed == {"coinbase"}


LOOKS: Mapping[str, list[tuple[str, str, str]]] = {
    "bybit": [("/v5/order/realtime", "orderLinkId", CLIENT_ID), ("/v5/order/history", "orderLinkId", CLIENT_ID)],
    "binance": [("/api/v3/order", "origClientOrderId", CLIENT_ID), ("/api/v3/order", "orderId", "77")],
    "okx": [("/api/v5/trade/order", "clOrdId", CLIENT_ID), ("/api/v5/trade/order", "ordId", "77")],
    "kraken": [("/0/private/OpenOrders", "cl_ord_id", CLIENT_ID), ("/0/private/ClosedOrders", "cl_ord_id", CLIENT_ID)],
    "kucoin": [
        (f"/api/v1/hf/orders/client-order/{CLIENT_ID}", "symbol", "BTC-USDT"),
        ("/api/v1/hf/orders/77", "symbol", "BTC-USDT"),
    ],
    "gate": [
        ("/api/v4/spot/orders/77", "currency_pair", "BTC_USDT"),
        (f"/api/v4/spot/orders/t-{CLIENT_ID}", "currency_pair", "BTC_USDT"),
        ("/api/v4/spot/open_orders", "currency_pair", "BTC_USDT"),
        ("/api/v4/spot/orders", "from", "1700000000"),
    ],
    "bitget": [
        ("/api/v2/spot/trade/orderInfo", "clientOid", CLIENT_ID),
        ("/api/v2/spot/trade/orderInfo", "orderId", "77"),
    ],
    "mexc": [("/api/v3/order", "origClientOrderId", CLIENT_ID), ("/api/v3/order", "orderId", "77")],
    "coinbase": [
        ("/api/v3/brokerage/orders/historical/77", "", ""),
        ("/api/v3/brokerage/orders/historical/batch", "order_status", "OPEN"),
        ("/api/v3/brokerage/orders/historical/batch", "start_date", "2023-11-14T22:13:20.000Z"),
    ],
    "hyperliquid": [("/info", "oid", HEX_ID), ("/info", "oid", "77")],
}


@EVERY
def test_an_order_is_looked_up_by_our_id_then_by_theirs_then_in_lists(name: str) -> None:
    calls = VENUES[name].look_ups(CLIENT_ID, "77", SPOT, SINCE)
    requests = [sent_by(name, call, ORDER_FOUND.get(name, {})) for call in calls]
    assert [request.path for request in requests] == [path for path, _, _ in LOOKS[name]]
    for request, (_, field_name, value) in zip(requests, LOOKS[name], strict=True):
        assert not field_name or str(request.fields[field_name]) == value


@EVERY
def test_an_order_can_be_looked_up_before_its_order_id_is_known(name: str) -> None:
    assert VENUES[name].look_ups(CLIENT_ID, None, SPOT, SINCE)


# -- lists and their pages ---------------------------------------------------------------------------------------------

TRADES: Mapping[str, tuple[str, dict[str, str]]] = {
    "bybit": ("/v5/execution/list", {"startTime": str(SINCE), "category": "spot", "limit": "100"}),
    "binance": ("/api/v3/myTrades", {"startTime": str(SINCE), "limit": "1000"}),
    "okx": ("/api/v5/trade/fills-history", {"begin": str(SINCE), "instType": "SPOT"}),
    "kraken": ("/0/private/TradesHistory", {"start": "1700000000"}),
    "kucoin": ("/api/v1/hf/fills", {"startAt": str(SINCE), "symbol": "BTC-USDT", "limit": "100"}),
    "gate": ("/api/v4/spot/my_trades", {"from": "1700000000", "currency_pair": "BTC_USDT", "limit": "1000"}),
    "bitget": ("/api/v2/spot/trade/fills", {"startTime": str(SINCE), "limit": "100"}),
    "mexc": ("/api/v3/myTrades", {"startTime": str(SINCE), "limit": "1000"}),
    "coinbase": ("/api/v3/brokerage/orders/historical/fills", {"product_id": "BTC-USDT", "limit": "250"}),
    "hyperliquid": ("/info", {"type": "userFillsByTime", "startTime": str(SINCE)}),
}
NO_TRADES: Mapping[str, Any] = {"bitget": {"code": "00000", "data": []}}


@EVERY
def test_own_trades_are_asked_for_from_a_moment_on(name: str) -> None:
    path, fields = TRADES[name]
    sent = sent_by(name, VENUES[name].own_trades(SPOT, SINCE, None), NO_TRADES.get(name, {}))
    assert sent.path == path
    assert fields.items() <= {key: str(value) for key, value in sent.fields.items()}.items()


def test_binance_is_asked_for_trades_from_an_id_without_a_moment() -> None:
    fields = said(sent_by("binance", VENUES["binance"].own_trades(SPOT, SINCE, "28457")))
    assert fields == {"symbol": "BTCUSDT", "fromId": "28457", "limit": "1000"}


@EVERY
def test_the_trades_of_one_order_are_asked_for_by_its_id_where_the_venue_can(name: str) -> None:
    venue = VENUES[name]
    fields = sent_by(name, venue.order_trades("77", SPOT, SINCE), NO_TRADES.get(name, {})).fields
    if venue.trade_order_param is None:
        assert name in ("kraken", "hyperliquid")
    else:
        assert fields[venue.trade_order_param] == "77"
    assert not {"startTime", "orderId"} <= fields.keys() or name != "binance"  # it takes only one of them


def test_a_page_of_bybit_is_turned_by_the_cursor_ccxt_keeps_in_it() -> None:
    pages, call = VENUES["bybit"].order_pages, VENUES["bybit"].open_orders(SPOT)
    more = pages.after(call, [{"info": {"nextPageCursor": "abc%3A1"}}, {"info": {}}])
    assert more is not None
    assert "cursor=abc%3A1" in sent_by("bybit", more).url
    assert pages.after(more, [{"info": {}}]) is None
    assert pages.after(more, []) is None


def test_a_full_page_is_followed_by_older_or_newer_ids() -> None:
    okx, binance = VENUES["okx"], VENUES["binance"]
    full = [{"id": str(at), "info": {"ordId": str(at)}, "timestamp": at} for at in range(1000, 2000)]
    assert okx.order_pages.after(okx.open_orders(SPOT), full[:100]) == okx.open_orders(SPOT).plus(after="1000")
    assert okx.order_pages.after(okx.open_orders(SPOT), full[:99]) is None
    more = binance.trade_pages.after(binance.own_trades(SPOT, SINCE, None), full)
    assert more == binance.own_trades(SPOT, None, "2000").plus(fromId="2000")


def test_pages_by_number_by_offset_and_by_moment_end() -> None:
    gate, kraken, mexc, hyper = (VENUES[name] for name in ("gate", "kraken", "mexc", "hyperliquid"))
    rows = [{"timestamp": at, "info": {}} for at in range(2000)]
    assert gate.order_pages.after(gate.open_orders(SPOT).plus(page=2), rows[:100]) == gate.open_orders(SPOT).plus(
        page=3
    )
    first = kraken.own_trades(SPOT, SINCE, None)
    assert kraken.trade_pages.after(first.plus(ofs=50), rows[:50]) == first.plus(ofs=100)
    first = mexc.own_trades(SPOT, 0, None)
    assert mexc.trade_pages.after(first, rows[:1000]) == first.plus(until=0)
    assert mexc.trade_pages.after(first.plus(until=0), rows[:1000]) is None
    first = hyper.own_trades(SPOT, 0, None)
    assert hyper.trade_pages.after(first, rows) == Call("fetch_my_trades", (None, 1999, 2000))
    assert hyper.trade_pages.after(Call("fetch_my_trades", (None, 1999, 2000)), rows) is None


# -- settings, demo, permissions, reasons ------------------------------------------------------------------------------


def test_a_missing_passphrase_is_named() -> None:
    with pytest.raises(SettingsError, match=r"EXCHANGE_API_PASSWORD.*okx.*got nothing"):
        VENUES["okx"].settings("key", "secret", None)


@EVERY
def test_the_demo_account_is_reached_or_refused_clearly(name: str) -> None:
    venue = VENUES[name]
    exchange = open_exchange(venue, Wire())
    before = str(exchange.urls["api"])
    if venue.demo is None:
        with pytest.raises(SettingsError, match=f"EXCHANGE_MODE.*{name} has no demo"):
            venue.use_demo(exchange)
    else:
        venue.use_demo(exchange)
        marked = exchange.options.get("sandboxMode") or exchange.options.get("enableDemoTrading")
        assert str(exchange.urls["api"]) != before or marked


@EVERY
def test_a_signed_request_does_not_ask_anything_else_first(name: str) -> None:
    _, sent = wired(name, VENUES[name].create(order(), False, ONE).on)
    extra = {"gate": ["/api/v4/account/detail"], "hyperliquid": ["/info"]}.get(
        name, []
    )  # once a run; they change nothing
    assert [request.path for request in sent[:-1]] == extra
    assert all(request.method == "GET" or request.path == "/info" for request in sent[:-1])


PERMISSIONS: list[tuple[str, Any, Permissions]] = [
    (
        "bybit",
        {
            "retCode": 0,
            "result": {"readOnly": 0, "ips": ["1.2.3.4"], "permissions": {"Spot": ["SpotTrade"], "Wallet": []}},
        },
        Permissions(True, False),
    ),
    (
        "bybit",
        {
            "retCode": 0,
            "result": {"readOnly": 0, "ips": ["*"], "permissions": {"Spot": ["SpotTrade"], "Wallet": ["Withdraw"]}},
        },
        Permissions(True, True, "not bound to an address: bybit ends it after three months"),
    ),
    (
        "bybit",
        {"retCode": 0, "result": {"readOnly": 1, "ips": ["1.2.3.4"], "permissions": {"Spot": ["SpotTrade"]}}},
        Permissions(False, False),
    ),
    ("binance", {"enableSpotAndMarginTrading": True, "enableWithdrawals": False}, Permissions(True, False)),
    ("okx", {"code": "0", "data": [{"perm": "read_only,withdraw,trade"}]}, Permissions(True, True)),
    ("okx", {"code": "0", "data": [{}]}, Permissions(None, None)),
    ("kraken", {"error": [], "result": {"permissions": ["query-funds", "modify-trades"]}}, Permissions(True, False)),
    ("kucoin", {"code": "200000", "data": {"permission": "General,Spot"}}, Permissions(True, False)),
    ("kucoin", {"code": "200000", "data": {"permission": "General, Transfer"}}, Permissions(False, True)),
    ("bitget", {"code": "00000", "data": {"authorities": ["stow", "stor"]}}, Permissions(True, None)),
    ("mexc", {"canTrade": True, "canWithdraw": True}, Permissions(True, None)),
    ("coinbase", {"can_view": True, "can_trade": True, "can_transfer": False}, Permissions(True, False)),
]


@pytest.mark.parametrize(("name", "reply", "expected"), PERMISSIONS)
def test_what_a_key_may_do_is_read_from_the_venues_own_words(name: str, reply: Any, expected: Permissions) -> None:
    venue = VENUES[name]
    assert venue.permissions is not None
    told, sent = wired(name, venue.permissions.on, reply)
    assert venue.read_permissions(told) == expected
    assert len(sent) == 1


def test_what_can_not_be_asked_is_unknown() -> None:
    silent = {name for name, venue in VENUES.items() if venue.permissions is None}
    assert silent == {"gate", "hyperliquid"}
    assert VENUES["gate"].read_permissions({}) == Permissions(None, None)


REASONS: list[tuple[str, dict[str, Any], CloseReason | None]] = [
    ("bybit", {"rejectReason": "EC_PostOnlyWillTakeLiquidity", "cancelType": "UNKNOWN"}, CloseReason.WOULD_CROSS),
    ("bybit", {"rejectReason": "EC_PerCancelRequest", "cancelType": "CancelByUser"}, None),
    ("bybit", {"rejectReason": "EC_NoError", "cancelType": "UNKNOWN"}, None),
    ("bybit", {"rejectReason": "EC_NoError", "cancelType": "CancelBySmp"}, CloseReason.VENUE),
    ("binance", {"status": "EXPIRED_IN_MATCH"}, CloseReason.VENUE),
    ("binance", {"status": "CANCELED"}, None),
    ("okx", {"cancelSource": "31"}, CloseReason.WOULD_CROSS),
    ("okx", {"cancelSource": "1"}, None),
    ("okx", {"cancelSource": ""}, None),
    ("okx", {"cancelSource": "20"}, CloseReason.VENUE),
    ("kraken", {"reason": "Post only order"}, CloseReason.WOULD_CROSS),
    ("kraken", {"reason": "User requested"}, None),
    ("kraken", {"reason": None}, None),
    ("gate", {"finish_as": "poc"}, CloseReason.WOULD_CROSS),
    ("gate", {"finish_as": "cancelled"}, None),
    ("gate", {"finish_as": "stp"}, CloseReason.VENUE),
    ("bitget", {"cancelReason": "normal_cancel"}, None),
    ("bitget", {"cancelReason": "stp_cancel"}, CloseReason.VENUE),
    ("coinbase", {"reject_message": "Post only order would cross", "status": "FAILED"}, CloseReason.WOULD_CROSS),
    ("coinbase", {"status": "EXPIRED"}, CloseReason.VENUE),
    ("coinbase", {"status": "CANCELLED"}, None),
    ("hyperliquid", {"status": "badAloPxRejected"}, CloseReason.WOULD_CROSS),
    ("hyperliquid", {"status": "marginCanceled"}, CloseReason.VENUE),
    ("hyperliquid", {"status": "canceled"}, None),
    ("kucoin", {"cancelExist": True}, None),
]


@pytest.mark.parametrize(("name", "info", "expected"), REASONS)
def test_a_venue_tells_why_an_order_left_or_does_not(name: str, info: Any, expected: CloseReason | None) -> None:
    assert VENUES[name].reason({"info": info}) is expected


def test_a_call_raises_what_ccxt_raises() -> None:
    class Broken:
        async def fetch_order(self, *args: Any, params: Any) -> Any:
            raise ValueError(params["clOrdId"])

    with pytest.raises(ValueError, match="abc"):
        asyncio.run(Call("fetch_order", (None, SPOT), {"clOrdId": "abc"}).on(Broken()))


def test_a_passphrase_reaches_ccxt() -> None:
    assert VENUES["okx"].settings("key", "secret", PASSWORD)["password"] == PASSWORD
