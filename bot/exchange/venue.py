"""How one exchange of ccxt differs from the others, as data, and the calls that follow from it.

Rule: nothing is sent here: a venue says which method of ccxt to call with what. Prices and amounts leave as the exact
text of the decimal.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from bot.core.actions import PlaceOrder
from bot.core.events import CloseReason
from bot.core.model import FeeSide, Side
from bot.core.money import ceil_to, floor_to, plain
from bot.errors import SettingsError
from bot.exchange import codecs, permissions, reasons
from bot.exchange.calls import ONE_PAGE, Call, Pages, Raw
from bot.exchange.codecs import Codec
from bot.exchange.permissions import Permissions

AS_ID = ""
"""Instead of a param's name: the client id stands where ccxt expects the venue's order id."""


class ItemRefused(Exception):
    """One order of a batch was refused. Its text is what the venue said of it, as JSON."""

    def __init__(self, raw: Raw) -> None:
        super().__init__(json.dumps(raw.get("info"), default=str))


async def _nothing(*_: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """One row. `options` and `extras` go to ccxt's constructor.

    Client ids: `create_by` is the param a new order's passes as; `cancel_by`, `fetch_by` and `list_by` name the params
    a cancel, the look-up of one order, and lists of orders take it as (None: not possible). `past` are the methods that
    list orders which left the book. `reply_client_field`: the raw field it stands in where ccxt overlooks it.

    `batch`: the most orders in one request of ccxt's; 1 also where a batch that fails in part comes back from ccxt so
    that the parts can't be told.

    Own trades: `trade_window_ms` is the longest stretch one request covers, `trades_by_symbol` false where they come
    for all symbols at once (only an unsifted page is seen to be full), `trade_from_id` the param they are asked from
    an id by, `trade_order_param` the one for those of one order, `trade_client_field` the raw field that carries the
    client id, `funding_is_paid` true where funding comes as what was paid, not received.

    `margin_mode`: the method that tells (given a symbol, under `marginMode`) whether the positions of the account are
    `isolated` or `cross`, where they do not tell it themselves.

    `refuses_late`: a post-only order that would cross is accepted first, then closed. `price_digits`: a price may have
    no more significant digits, whole numbers aside. `perpetuals`: the row holds for linear perpetuals too. `lists_all`:
    open orders can be asked for on every symbol at once. `typed_streams`: private streams are opened per kind of
    market. `errands`: what ccxt would do on the account for itself.
    """

    id: str
    codec: Codec = codecs.PLAIN
    create_by: str = "clientOrderId"
    cancel_by: str | None = "clientOrderId"
    fetch_by: str | None = "clientOrderId"
    list_by: str | None = None
    past: tuple[str, ...]
    reply_client_field: str | None = None
    maker_params: Mapping[str, Any] = field(default_factory=lambda: {"postOnly": True})
    taker_params: Mapping[str, Any] = field(default_factory=lambda: {"timeInForce": "IOC"})
    batch: int = 1
    order_pages: Pages = ONE_PAGE
    trade_pages: Pages = ONE_PAGE
    trades_by_symbol: bool = True
    trade_window_ms: int | None = None
    trade_from_id: str | None = None
    trade_order_param: str | None = None
    trade_client_field: str | None = None
    refuses_late: bool = False
    fee_side: FeeSide = FeeSide.RECEIVED
    price_digits: int | None = None
    max_open_orders: int | None = None
    perpetuals: bool = False
    funding_is_paid: bool = False
    margin_mode: str | None = None
    lists_all: bool = True
    typed_streams: bool = True
    errands: tuple[str, ...] = ()
    demo: str | None = None
    key_name: str = "apiKey"
    secret_name: str = "secret"
    needs_password: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)
    permissions: Call | None = None
    read_permissions: Callable[[Any], Permissions] = lambda _: permissions.UNTOLD
    reason: Callable[[Raw], CloseReason | None] = reasons.untold

    def encode(self, client_id: str) -> str:
        """A client id of ours as this venue takes it."""
        return self.codec.write(client_id)

    def decode(self, text: str | None) -> str | None:
        """The client id of ours behind what the venue says, or None where no bot of this kind made it."""
        return self.codec.read_back(text) if text else None

    def create(self, order: PlaceOrder, reduce_only: bool, contract_size: Decimal) -> Call:
        """Send one order: post-only, or immediate-or-cancel when it may take. `contract_size` is base coin per
        contract, 1 on spot; the amount must be a whole number of contract steps."""
        amount = order.amount if contract_size == 1 else order.amount / contract_size
        params: dict[str, Any] = {self.create_by: self.encode(order.client_id)}
        params |= self.taker_params if order.taker else self.maker_params
        if reduce_only:
            params["reduceOnly"] = True
        price = self._sayable(order.price, order.side)
        return Call("create_order", (order.symbol, "limit", order.side.value, plain(amount), plain(price)), params)

    def create_many(self, orders: Sequence[tuple[PlaceOrder, bool]], contract_size: Decimal) -> Call:
        """Send up to `batch` orders of one symbol, each with whether it is reduce-only, in one request. The reply is
        a list; its items are told apart by their client ids."""
        single = [self.create(order, reduce_only, contract_size) for order, reduce_only in orders]
        names = ("symbol", "type", "side", "amount", "price")
        rows = [dict(zip(names, call.args, strict=True)) | {"params": dict(call.params)} for call in single]
        return Call("create_orders", (rows,))

    def cancel(self, client_id: str, order_id: str | None, symbol: str) -> Call | None:
        """Take an order off the book; None where that needs the order id and it is not known."""
        return self._one("cancel_order", self.cancel_by, client_id, order_id, symbol)

    def look_ups(self, client_id: str, order_id: str | None, symbol: str, since_ms: int) -> Sequence[Call]:
        """Ways to find one order, best first. Each gives an order, or a list that may hold it and comes in
        `order_pages`; only all of them together can say that there is none. `since_ms` is a moment before it was sent.
        """
        by_name = self._one("fetch_order", self.fetch_by, client_id, None, symbol)
        by_id = Call("fetch_order", (order_id, symbol)) if order_id is not None and self.list_by is None else None
        lists: list[Call] = []
        if self.list_by is not None:
            named = {self.list_by: self.encode(client_id)}
            lists = [
                replace(call, params=named) for call in (self.open_orders(symbol), *self.past_orders(symbol, None))
            ]
        elif not self.fetch_by:
            lists = [self.open_orders(symbol), *self.past_orders(symbol, since_ms)]
        first = (by_id, by_name) if self.fetch_by == AS_ID else (by_name, by_id)  # a name given as id lasts less long
        return [call for call in first if call is not None] + lists

    def open_orders(self, symbol: str) -> Call:
        """The first page of the orders resting on a symbol; `order_pages.after` turns it."""
        return Call("fetch_open_orders", (symbol, None, self.order_pages.size))

    def all_open_orders(self, symbol: str | None = None) -> Call:
        """The first page of the orders resting on every symbol; on `symbol` only where the venue wants one named."""
        return Call("fetch_open_orders", (None if self.lists_all else symbol, None, self.order_pages.size))

    def past_orders(self, symbol: str, since_ms: int | None) -> Sequence[Call]:
        """The first pages of lists of orders on a symbol, made since a moment, that hold all which left the book
        lately (and maybe resting ones); `order_pages.after` turns them."""
        return [Call(method, (symbol, since_ms, self.order_pages.size)) for method in self.past]

    def own_trades(self, symbol: str, since_ms: int | None, from_id: str | None) -> Call:
        """The first page of our trades from a moment on, or where the venue can from a trade id on (that trade
        included); `trade_pages.after` turns it. Trades of other symbols may be among them."""
        if self.trade_from_id is not None and from_id is not None:
            return Call("fetch_my_trades", (symbol, None, self.trade_pages.size), {self.trade_from_id: from_id})
        return Call("fetch_my_trades", (symbol if self.trades_by_symbol else None, since_ms, self.trade_pages.size))

    def order_trades(self, order_id: str, symbol: str, since_ms: int) -> Call:
        """The first page of one order's trades, where the venue can't select them among others of ours since
        `since_ms`, a moment before its first; `trade_pages.after` turns it."""
        if self.trade_order_param is None:
            return self.own_trades(symbol, since_ms, None)
        since = since_ms if self.trade_from_id is None else None  # who pages by id takes no time beside an order id
        return Call("fetch_my_trades", (symbol, since, self.trade_pages.size), {self.trade_order_param: order_id})

    def settings(self, key: str, secret: str, password: str | None) -> dict[str, Any]:
        """What ccxt's constructor takes. SettingsError when a credential is missing."""
        if self.needs_password and not password:
            raise SettingsError(f"EXCHANGE_API_PASSWORD: expected the passphrase of the {self.id} API key, got nothing")
        words = {self.key_name: key, self.secret_name: secret} | ({"password": password} if password else {})
        return {**words, **self.extras, "enableRateLimit": True, "options": dict(self.options)}

    def use_demo(self, exchange: Any) -> None:
        """Point an exchange of ccxt at the venue's demo account. SettingsError where it has none."""
        if self.demo is None:
            raise SettingsError(f"EXCHANGE_MODE: expected paper or live, got demo: {self.id} has no demo account")
        getattr(exchange, self.demo)(True)

    def dismiss_errands(self, exchange: Any) -> None:
        """Keep ccxt from doing anything on the account that nobody asked for."""
        for errand in self.errands:
            setattr(exchange, errand, _nothing)

    def outcomes(
        self, orders: Sequence[PlaceOrder], replies: Any
    ) -> Sequence[tuple[PlaceOrder, Raw | ItemRefused | None]]:
        """What the reply to `create_many` says of each order, matched by client id: its raw order, that it was refused,
        or None where it says nothing (the order may be live). A refused one may come without any name: it is told by
        its place, where all that have a name stand at theirs."""
        rows = [raw for raw in replies if isinstance(raw, Mapping)]
        names = [self.decode(self._name_in(raw)) for raw in rows]
        told = dict(zip(names, rows, strict=True))
        in_order = len(rows) == len(orders) and all(
            name in (None, order.client_id) for name, order in zip(names, orders, strict=True)
        )
        found: list[tuple[PlaceOrder, Raw | ItemRefused | None]] = []
        for place, order in enumerate(orders):
            raw = rows[place] if in_order else told.get(order.client_id)
            refused = raw is not None and raw.get("status") == "rejected"
            found.append((order, ItemRefused(raw) if raw is not None and refused else raw))
        return found

    def _name_in(self, raw: Raw) -> str | None:
        """The client id a raw order carries, as the venue writes it."""
        name = raw.get("clientOrderId")
        if name is None and self.reply_client_field is not None:
            name = (raw.get("info") or {}).get(self.reply_client_field)
        return name if isinstance(name, str) else None

    def _one(self, method: str, param: str | None, client_id: str, order_id: str | None, symbol: str) -> Call | None:
        """A method about one order, by its client id where it can, else by its order id where that is known."""
        if param == AS_ID:
            return Call(method, (self.encode(client_id), symbol))
        if param is not None:
            return Call(method, (None, symbol), {param: self.encode(client_id)})
        return Call(method, (order_id, symbol)) if order_id is not None else None

    def _sayable(self, price: Decimal, side: Side) -> Decimal:
        """The price in as many digits as the venue takes, rounded away from the market; ccxt would round half up."""
        if self.price_digits is None:
            return price
        step = min(Decimal(1), Decimal(1).scaleb(price.adjusted() - self.price_digits + 1))
        return floor_to(price, step) if side is Side.BUY else ceil_to(price, step)
