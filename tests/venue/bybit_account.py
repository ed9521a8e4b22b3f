"""Bybit's private endpoints about the account: the key, the wallet, positions, leverage and modes.

The rule: what is set to what it already is, is refused, as it is there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from tests.venue import bybit_shapes as shapes
from tests.venue.bybit_market import market_of
from tests.venue.bybit_rules import Json, Refusal, category, plain, refusal_of
from tests.venue.ledger import Market
from tests.venue.model import Account, Kind, Reason, Refused

if TYPE_CHECKING:
    from tests.venue.bybit import BybitVenue

_MARGIN_MODES = ("ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN")


def query_api(venue: BybitVenue, account: Account, params: Json) -> Json:
    """user/query-api: what the key may do, from where and until when."""
    days = 90 if account.expires_ms is None else (account.expires_ms - venue.clock()) // 86_400_000
    expires = account.expires_ms if account.expires_ms is not None else venue.clock() + days * 86_400_000
    wallet = ["AccountTransfer", "SubMemberTransfer", *(["Withdraw"] if account.can_withdraw else [])]
    return {
        "id": "13770661",
        "note": "loopback",
        "apiKey": account.key,
        "readOnly": int(account.read_only),
        "secret": "",
        "permissions": {
            "ContractTrade": ["Order", "Position"],
            "Spot": ["SpotTrade"],
            "Wallet": wallet,
            "Options": [],
            "Derivatives": [],
            "CopyTrading": [],
            "BlockTrade": [],
            "Exchange": [],
            "NFT": [],
            "Affiliate": [],
            "Earn": [],
        },
        "ips": list(account.ips),
        "type": 1,
        "deadlineDay": days,
        "expiredAt": _iso(expires),
        "createdAt": "2025-10-16T02:24:40Z",
        "unified": 0,
        "uta": 1,
        "userID": 24600000,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_1",
        "kycRegion": "",
    }


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def info(venue: BybitVenue, account: Account, params: Json) -> Json:
    """account/info."""
    return {
        "marginMode": account.margin_mode,
        "updatedTime": str(venue.clock()),
        "unifiedMarginStatus": 5,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def wallet_balance(venue: BybitVenue, account: Account, params: Json) -> Json:
    """account/wallet-balance."""
    if params.get("accountType") != "UNIFIED":
        raise Refusal(10001, "accountType only support UNIFIED.")
    coins = set(str(params["coin"]).split(",")) if params.get("coin") else None
    return {"list": [shapes.wallet(venue.ledger, account, coins)]}


def coin_info(venue: BybitVenue, account: Account, params: Json) -> Json:
    """asset/coin/query-info."""
    coins = {coin for market in venue.ledger.markets.values() for coin in (market.rules.base, market.rules.quote)}
    chain = {
        "confirmation": "3",
        "withdrawFee": "1",
        "depositMin": "0",
        "withdrawMin": "2",
        "chainDeposit": "1",
        "chainWithdraw": "1",
        "minAccuracy": "6",
        "withdrawPercentageFee": "0",
        "contractAddress": "",
    }
    rows = [
        {"name": coin, "coin": coin, "remainAmount": "1000000", "chains": [{"chainType": coin, "chain": coin, **chain}]}
        for coin in sorted(coins | set(account.wallet))
    ]
    return {"rows": rows}


def fee_rate(venue: BybitVenue, account: Account, params: Json) -> Json:
    """account/fee-rate; of perpetuals when no category is named."""
    kind = category({"category": "linear", **params})
    rows = [
        {
            "symbol": market.rules.id,
            "baseCoin": "",
            "takerFeeRate": plain(market.rules.taker_fee),
            "makerFeeRate": plain(market.rules.maker_fee),
        }
        for market in venue.ledger.markets.values()
        if market.rules.kind is kind and params.get("symbol", market.rules.id) == market.rules.id
    ]
    return {"category": kind.value, "list": rows}


def positions(venue: BybitVenue, account: Account, params: Json) -> Json:
    """position/list: a symbol's row is there even when nothing is held."""
    kind = category(params)
    if kind is not Kind.LINEAR or not (params.get("symbol") or params.get("settleCoin")):
        raise Refusal(10001, "params error: symbol or settleCoin is required")
    if params.get("symbol"):
        markets = [market_of(venue.ledger, params)]
    else:
        markets = [
            market
            for market in venue.ledger.markets.values()
            if market.rules.kind is Kind.LINEAR
            and market.rules.quote == params["settleCoin"]
            and venue.ledger.position(account, market.rules.id).amount
        ]
    held = [(venue.ledger.position(account, market.rules.id), market) for market in markets]
    rows = [shapes.position(position, market, account) for position, market in held]
    return {"category": "linear", "list": rows, "nextPageCursor": ""}


def set_leverage(venue: BybitVenue, account: Account, params: Json) -> Json:
    """position/set-leverage: both sides the same in one-way mode."""
    market = _contract(venue, params)
    try:
        buy, sell = (Decimal(params[key]) for key in ("buyLeverage", "sellLeverage"))
    except (KeyError, TypeError, InvalidOperation) as error:
        raise Refusal(10001, "params error: buyLeverage or sellLeverage invalid") from error
    if buy != sell and not account.hedged:
        raise Refusal(10001, "buy leverage not equal sell leverage")
    if not 1 <= buy <= market.rules.max_leverage:
        raise refusal_of(Refused(Reason.LEVERAGE_OUT_OF_RANGE), Kind.LINEAR)
    position = venue.ledger.position(account, market.rules.id)
    if position.leverage == buy:
        raise refusal_of(Refused(Reason.LEVERAGE_UNCHANGED), Kind.LINEAR)
    position.leverage = buy
    return {}


def set_margin_mode(venue: BybitVenue, account: Account, params: Json) -> Json:
    """account/set-margin-mode: refused with reasons, never for being set already."""
    mode = params.get("setMarginMode")
    if mode not in _MARGIN_MODES:
        raise Refusal(10001, "params error: setMarginMode invalid")
    account.margin_mode = str(mode)
    return {"reasons": []}


def switch_mode(venue: BybitVenue, account: Account, params: Json) -> Json:
    """position/switch-mode: 0 is one-way, 3 is hedge; not while something is held or open."""
    if params.get("mode") not in (0, 3):
        raise Refusal(10001, "params error: mode invalid")
    hedged = params["mode"] == 3
    if hedged == account.hedged:
        raise refusal_of(Refused(Reason.MODE_UNCHANGED), Kind.LINEAR)
    if any(position.amount for position in account.positions.values()):
        raise refusal_of(Refused(Reason.POSITION_OPEN), Kind.LINEAR)
    if venue.ledger.open_orders(account, kind=Kind.LINEAR):
        raise refusal_of(Refused(Reason.ORDERS_OPEN), Kind.LINEAR)
    account.hedged = hedged
    return {}


def _contract(venue: BybitVenue, params: Json) -> Market:
    if category(params) is not Kind.LINEAR:
        raise Refusal(10001, "params error: Illegal category")
    return market_of(venue.ledger, params)
