"""Bybit's private endpoints about orders: create, cancel, both in batches, and reading orders and executions.

The rule: a create is acknowledged with an order id and nothing else; pages carry a cursor even when nothing follows;
reads leave out what is not visible yet and what is forgotten already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote

from tests.venue import bybit_shapes as shapes
from tests.venue.bybit_rules import MOST_OF_A_BATCH, Json, Refusal, category, new_order, refusal_of
from tests.venue.faults import READ
from tests.venue.model import Account, Kind, Order, Reason, Refused

if TYPE_CHECKING:
    from tests.venue.bybit import BybitVenue

_WEEK = 7 * 24 * 3_600_000
_DAY = 24 * 3_600_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """An answer that has a part in retExtInfo."""

    result: Json
    extra: Json


def create(venue: BybitVenue, account: Account, params: Json) -> Json:
    """order/create."""
    wish = new_order(params, hedged=account.hedged)
    try:
        order = venue.ledger.place(account, wish)
    except Refused as refused:
        raise refusal_of(refused, wish.kind) from refused
    return {"orderId": order.id, "orderLinkId": order.client_id}


def cancel(venue: BybitVenue, account: Account, params: Json) -> Json:
    """order/cancel: acknowledged now, done a little later."""
    order = _named(venue, account, params)
    try:
        venue.ledger.cancel(order)
    except Refused as refused:
        raise refusal_of(refused, order.rules.kind) from refused
    return {"orderId": order.id, "orderLinkId": order.client_id}


def cancel_all(venue: BybitVenue, account: Account, params: Json) -> Json:
    """order/cancel-all."""
    orders = venue.ledger.open_orders(account, str(params.get("symbol", "")), category(params))
    for order in orders:
        venue.ledger.cancel(order)
    return {"list": [{"orderId": order.id, "orderLinkId": order.client_id} for order in orders], "success": "1"}


def create_batch(venue: BybitVenue, account: Account, params: Json) -> Batch:
    """order/create-batch: each order by itself."""
    rows, outcomes = [], []
    for item in _items(params):
        made: Json = {"orderId": "", "orderLinkId": ""}
        code, message = 0, "OK"
        try:
            if venue.faults.strike("partial_batch"):
                raise Refusal(10006, "Too many visits. Exceeded the API Rate Limit.")
            made = create(venue, account, item)
        except Refusal as refusal:
            code, message = refusal.code, refusal.message
        created = str(venue.clock()) if code == 0 else ""
        rows.append({"category": item["category"], "symbol": item.get("symbol", ""), **made, "createAt": created})
        outcomes.append({"code": code, "msg": message})
    return Batch({"list": rows}, {"list": outcomes})


def cancel_batch(venue: BybitVenue, account: Account, params: Json) -> Batch:
    """order/cancel-batch."""
    rows, outcomes = [], []
    for item in _items(params):
        named = {key: str(item.get(key, "")) for key in ("orderId", "orderLinkId")}
        code, message = 0, "OK"
        try:
            named = cancel(venue, account, item)
        except Refusal as refusal:
            code, message = refusal.code, refusal.message
        rows.append({"category": item["category"], "symbol": item.get("symbol", ""), **named})
        outcomes.append({"code": code, "msg": message})
    return Batch({"list": rows}, {"list": outcomes})


def _items(params: Json) -> list[Json]:
    kind = category(params)
    items = params.get("request")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise Refusal(10001, "params error: request invalid")
    if len(items) > MOST_OF_A_BATCH:
        raise Refusal(10001, f"params error: request has more than {MOST_OF_A_BATCH} orders")
    return [{**item, "category": kind.value} for item in items]


def _named(venue: BybitVenue, account: Account, params: Json) -> Order:
    """The order that orderId (first) or orderLinkId names."""
    kind = category(params)
    order_id, link_id = params.get("orderId"), params.get("orderLinkId")
    if not order_id and not link_id:
        raise Refusal(10001, "params error: OrderId or orderLinkId is required")
    for order in reversed(venue.ledger.orders_of(account)):
        same = order.id == order_id if order_id else order.client_id == link_id
        if same and order.rules.kind is kind and order.rules.id == params.get("symbol"):
            return order
    raise refusal_of(Refused(Reason.UNKNOWN_ORDER), kind)


def realtime(venue: BybitVenue, account: Account, params: Json) -> Json:
    """order/realtime: open orders; by id also those that ended a little while ago."""
    kind = category(params)
    by_id = params.get("orderId") or params.get("orderLinkId")
    if kind is Kind.LINEAR and not (by_id or any(params.get(key) for key in ("symbol", "baseCoin", "settleCoin"))):
        raise Refusal(10001, "params error: symbol, settleCoin or baseCoin is required")
    now = venue.clock()
    stale = not by_id and venue.faults.strike("stale_snapshot", READ)
    states = []
    for order in _matching(venue, account, params, kind):
        state = order.as_of(now - venue.faults.timing.stale_ms) if stale else order
        if state is None:
            continue
        lately = (by_id or params.get("openOnly") in ("1", 1)) and state.updated_ms >= now - venue.remembers_ms
        if state.is_open or lately:
            states.append(state)
    return _page(states, params, kind, lambda state: state.id, shapes.order, 20, 50)


def history(venue: BybitVenue, account: Account, params: Json) -> Json:
    """order/history: what has ended; a cancelled order without trades is forgotten after a day."""
    kind = category(params)
    start, end = _window(venue, params)
    now = venue.clock()
    states = [
        order
        for order in _matching(venue, account, params, kind)
        if not order.is_open
        and order.updated_ms + venue.history_lag_ms <= now
        and start <= order.created_ms <= end
        and (order.filled or order.updated_ms > now - _DAY)
    ]
    return _page(states, params, kind, lambda state: state.id, shapes.order, 20, 50)


def executions(venue: BybitVenue, account: Account, params: Json) -> Json:
    """execution/list: trades, or funding payments."""
    kind = category(params)
    start, end = _window(venue, params)
    wanted = params.get("execType") or None
    rows: list[Json] = []
    if wanted != "Funding":
        fills = venue.ledger.fills_of(account, str(params.get("symbol", "")), kind)
        now = venue.clock()
        rows += [shapes.execution(fill) for fill in fills if start <= fill.at_ms <= end and fill.visible_ms <= now]
    if wanted in (None, "Funding") and kind is Kind.LINEAR:
        paid = [paid for paid in venue.ledger.fundings if paid.account == account.key and start <= paid.at_ms <= end]
        rows += [shapes.funding(payment) for payment in paid if params.get("symbol") in (None, "", payment.market)]
    for key in ("orderId", "orderLinkId"):
        rows = [row for row in rows if params.get(key) in (None, "", row[key])]
    rows = [row for row in rows if wanted in (None, row["execType"])]
    rows.sort(key=lambda row: int(row["execTime"]), reverse=True)
    return _page(rows, params, kind, lambda row: str(row["execId"]), lambda row: row, 50, 100)


def _matching(venue: BybitVenue, account: Account, params: Json, kind: Kind) -> list[Order]:
    """Visible orders that the filters of a read name, the newest first."""
    order_id, link_id = params.get("orderId"), params.get("orderLinkId")
    found = []
    for order in reversed(venue.ledger.orders_of(account)):
        if order.rules.kind is not kind or order.visible_ms > venue.clock():
            continue
        if order_id or link_id:
            named = order.id == order_id if order_id else order.client_id == link_id
        else:
            named = (
                params.get("symbol") in (None, "", order.rules.id)
                and params.get("baseCoin") in (None, "", order.rules.base)
                and params.get("settleCoin") in (None, "", order.rules.quote)
            )
        if named:
            found.append(order)
    return found


def _window(venue: BybitVenue, params: Json) -> tuple[int, int]:
    """At most seven days; the one end follows from the other."""
    try:
        start, end = (int(params[key]) if params.get(key) else None for key in ("startTime", "endTime"))
    except ValueError as error:
        raise Refusal(10001, "params error: startTime or endTime invalid") from error
    if start is None and end is None:
        end = venue.clock()
        return end - _WEEK, end
    if start is None or end is None:
        return (start, start + _WEEK) if start is not None else ((end or 0) - _WEEK, end or 0)
    if end < start or end - start > _WEEK:
        raise Refusal(10001, "params error: The time range between startTime and endTime cannot exceed 7 days")
    return start, end


def _page(
    rows: Sequence[T],
    params: Json,
    kind: Kind,
    key: Callable[[T], str],
    shape: Callable[[T], Json],
    usual: int,
    most: int,
) -> Json:
    """A page and the cursor behind it, which is there whenever the page has anything on it."""
    try:
        limit = int(params.get("limit") or usual)
    except ValueError as error:
        raise Refusal(10001, "params error: limit invalid") from error
    if limit < 1:
        raise Refusal(10001, "params error: limit invalid")
    keys = [key(row) for row in rows]
    last = unquote(str(params.get("cursor") or "")).rpartition(":")[2]
    first = keys.index(last) + 1 if last in keys else 0 if not last else len(rows)
    page = rows[first : first + min(limit, most)]
    cursor = f"{first + len(page)}%3A{key(page[-1])}" if page else ""
    return {"category": kind.value, "list": [shape(row) for row in page], "nextPageCursor": cursor}
