"""One row per exchange: how it differs. Everything else treats them alike.

Rule: data first; a function stands in a row only where data can't say it. Each row was read in ccxt's source.
"""

from collections.abc import Mapping

from bot.core.model import FeeSide
from bot.exchange import calls, codecs, permissions, reasons
from bot.exchange.calls import Call, Pages, Raw
from bot.exchange.permissions import Permissions
from bot.exchange.venue import AS_ID, ItemRefused, Venue

__all__ = ["AS_ID", "VENUES", "Call", "ItemRefused", "Pages", "Permissions", "Raw", "Venue"]

DAY_MS = 86_400_000
CLOCK = {"adjustForTimeDifference": True}
SHORT = {"recvWindow": 5000}
"""Milliseconds a signed request stays valid; who takes over an account waits as long."""
NO_CURRENCIES = {"has": {"fetchCurrencies": False}}
"""Coins' networks and withdrawals: a heavy signed request at each start for nothing we use."""

_ROWS = (
    Venue(
        id="bybit",
        typed_streams=False,
        cancel_by="orderLinkId",
        fetch_by=None,
        list_by="orderLinkId",
        past=("fetch_canceled_and_closed_orders",),
        batch=10,
        order_pages=calls.by_cursor(50, "nextPageCursor"),
        trade_pages=calls.by_cursor(100, "nextPageCursor"),
        trade_window_ms=7 * DAY_MS,
        trade_order_param="orderId",
        trade_client_field="orderLinkId",
        refuses_late=True,
        max_open_orders=500,
        perpetuals=True,
        funding_is_paid=True,
        margin_mode="fetch_margin_mode",
        demo="enable_demo_trading",
        options=CLOCK
        | SHORT
        | {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot", "linear"]},
            "enableUnifiedMargin": False,  # else ccxt asks before the first order
            "enableUnifiedAccount": True,
        },
        extras=NO_CURRENCIES,
        permissions=Call("privateGetV5UserQueryApi"),
        read_permissions=permissions.of_bybit,
        reason=reasons.of_bybit,
    ),
    Venue(
        id="binance",
        cancel_by="origClientOrderId",
        fetch_by="origClientOrderId",
        past=("fetch_orders",),
        trade_pages=calls.by_larger_id(1000, "fromId"),
        trade_window_ms=DAY_MS,
        trade_from_id="fromId",
        trade_order_param="orderId",
        max_open_orders=200,
        demo="set_sandbox_mode",
        options=CLOCK
        | SHORT
        | {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchMargins": False,
            "fetchCurrencies": False,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
        },
        permissions=Call("sapiGetAccountApiRestrictions"),
        read_permissions=permissions.of_binance,
        reason=reasons.of_binance,
    ),
    Venue(
        id="okx",
        cancel_by="clOrdId",
        fetch_by="clOrdId",
        past=("fetch_closed_orders", "fetch_canceled_orders"),
        batch=20,
        order_pages=calls.by_smaller_id(100, "after", "ordId"),
        trade_pages=calls.by_smaller_id(100, "after", "billId"),
        trade_order_param="ordId",
        trade_client_field="clOrdId",
        refuses_late=True,
        max_open_orders=500,
        demo="set_sandbox_mode",
        needs_password=True,
        options=CLOCK | {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
        extras=NO_CURRENCIES,
        permissions=Call("privateGetAccountConfig"),
        read_permissions=permissions.of_okx,
        reason=reasons.of_okx,
    ),
    Venue(
        id="kraken",
        typed_streams=False,
        fetch_by=None,
        list_by="clientOrderId",
        past=("fetch_closed_orders",),
        maker_params={"postOnly": True, "oflags": "fciq"},  # fees in quote currency, whichever side
        taker_params={"timeInForce": "IOC", "oflags": "fciq"},
        trade_pages=calls.by_offset(50, "ofs"),
        trades_by_symbol=False,
        refuses_late=True,
        fee_side=FeeSide.QUOTE,
        max_open_orders=80,
        permissions=Call("privatePostGetApiKeyInfo"),
        read_permissions=permissions.of_kraken,
        reason=reasons.of_kraken,
        options=CLOCK,
    ),
    Venue(
        id="kucoin",
        cancel_by="clientOid",
        fetch_by="clientOid",
        create_by="clientOid",
        past=("fetch_closed_orders",),
        lists_all=False,
        trade_pages=calls.by_smaller_id(100, "lastId", "id"),
        trade_window_ms=7 * DAY_MS,
        trade_order_param="orderId",
        refuses_late=True,
        fee_side=FeeSide.QUOTE,
        max_open_orders=200,
        needs_password=True,
        options=CLOCK | {"fetchMarkets": {"types": ["spot"]}, "hf": True, "uta": False},
        extras=NO_CURRENCIES,
        permissions=Call("privateGetUserApiKey"),
        read_permissions=permissions.of_kucoin,
    ),
    Venue(
        id="gate",
        codec=codecs.PREFIXED,
        create_by="text",
        cancel_by=AS_ID,
        fetch_by=AS_ID,  # while it is open and for half an hour after
        past=("fetch_closed_orders",),
        batch=10,
        order_pages=calls.by_number(100),
        trade_pages=calls.by_number(1000),
        trade_window_ms=30 * DAY_MS,
        trade_order_param="order_id",
        trade_client_field="text",
        demo="set_sandbox_mode",
        options=CLOCK | {"fetchMarkets": {"types": ["spot"]}},
        extras=NO_CURRENCIES,
        reason=reasons.of_gate,
    ),
    Venue(
        id="bitget",
        create_by="clientOid",
        cancel_by="clientOid",
        fetch_by="clientOid",
        past=("fetch_canceled_and_closed_orders",),
        batch=50,
        order_pages=calls.by_smaller_id(100, "idLessThan", "orderId"),
        trade_pages=calls.by_smaller_id(100, "idLessThan", "tradeId"),
        trade_order_param="orderId",
        refuses_late=True,
        demo="set_sandbox_mode",
        needs_password=True,
        options=CLOCK | {"fetchMarkets": {"types": ["spot"]}, "uta": False},
        extras=NO_CURRENCIES,
        permissions=Call("privateSpotGetV2SpotAccountInfo"),
        read_permissions=permissions.of_bitget,
        reason=reasons.of_bitget,
    ),
    Venue(
        id="mexc",
        past=("fetch_orders",),
        reply_client_field="newClientOrderId",
        lists_all=False,
        batch=20,
        trade_pages=calls.by_until(1000),
        trade_order_param="orderId",
        trade_client_field="clientOrderId",
        refuses_late=True,
        max_open_orders=500,
        options=CLOCK
        | SHORT
        | {"fetchMarkets": {"types": {"spot": True, "swap": {"linear": False, "inverse": False}}}},
        extras=NO_CURRENCIES,
        permissions=Call("spotPrivateGetAccount"),
        read_permissions=permissions.of_mexc,
    ),
    Venue(
        id="coinbase",
        typed_streams=False,
        codec=codecs.UUID,
        create_by="client_order_id",  # the unified param does not get through
        cancel_by=None,
        fetch_by=None,
        past=("fetch_orders",),
        order_pages=calls.by_cursor(100, "cursor"),
        trade_pages=calls.by_cursor(250, "cursor"),
        trade_order_param="order_id",
        fee_side=FeeSide.QUOTE,
        options=CLOCK,
        extras=NO_CURRENCIES,
        permissions=Call("v3PrivateGetBrokerageKeyPermissions"),
        read_permissions=permissions.of_coinbase,
        reason=reasons.of_coinbase,
    ),
    Venue(
        id="hyperliquid",
        typed_streams=False,
        codec=codecs.HEX,
        past=("fetch_orders",),
        trade_pages=calls.by_time(2000),
        trades_by_symbol=False,
        trade_client_field="cloid",
        price_digits=5,
        max_open_orders=1000,
        perpetuals=True,
        demo="set_sandbox_mode",
        key_name="walletAddress",
        secret_name="privateKey",
        errands=("handle_builder_fee_approval", "set_ref"),
        options={"builderFee": False, "refSet": True},
        reason=reasons.of_hyperliquid,
    ),
)

VENUES: Mapping[str, Venue] = {row.id: row for row in _ROWS}
"""The rows by ccxt's id of the exchange."""
