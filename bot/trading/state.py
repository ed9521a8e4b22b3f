"""The trader's state in memory, and what of it has changed since it was last kept.

Rule: every change goes through `put_*`; sums (exposure, holdings, levels left) follow each change as it happens, so
nothing is ever added up anew.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import cast

from bot.core.accounting import RoundTrip
from bot.core.client_ids import Owner, base36
from bot.core.curve import Point
from bot.core.executor import PositionExecutor
from bot.core.flows import NO_FLOW, BookedFill, Flow
from bot.core.lifecycle import State
from bot.core.margin import UNKNOWN, Standing
from bot.core.model import Fill, FundingPaid, Market, Side
from bot.core.money import ZERO
from bot.core.portfolio import NO_TRADES, NOTHING_HELD, Grid, Holding, Totals
from bot.core.snapshot import Notice
from bot.errors import StateForeign
from bot.ports import Key

ORPHANS, INHERITANCE, VIGIL = "orphans", "inheritance", "vigil"
NOTES = ("chat", "updates", ORPHANS, INHERITANCE, VIGIL)
"""Tables of plain values: two that belong to the chat, and the rooms of the same names."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose state this is: BOT_ID, and one line naming exchange, mode and account (a fingerprint, never the key)."""

    bot: str
    account: str


@dataclass(frozen=True, slots=True)
class Meta:
    """What the state knows about itself. `day_base` is total profit by currency when `day` began; `confirmed_live`:
    the owner has allowed this account to trade live; `quiet_until`: the exchange wants no request before; `taken_off`
    and `taken_at`: levels whose orders a person took off the book since then, still to be asked about."""

    bot: str
    account: str
    epoch: int = 0
    next_grid: int = 1
    next_notice: int = 1
    day: str = ""
    day_base: tuple[tuple[str, Decimal], ...] = ()
    seen_at: datetime | None = None
    confirmed_live: bool = False
    quiet_until: datetime | None = None
    taken_off: tuple[str, ...] = ()
    taken_at: datetime | None = None

    @property
    def owner(self) -> Owner:
        return Owner(self.bot, base36(self.epoch, 3, "epoch"))

    def to_record(self) -> dict[str, object]:
        return {
            "bot": self.bot,
            "account": self.account,
            "epoch": self.epoch,
            "next_grid": self.next_grid,
            "next_notice": self.next_notice,
            "day": self.day,
            "day_base": {currency: str(value) for currency, value in self.day_base},
            "seen_at": _text(self.seen_at),
            "confirmed_live": self.confirmed_live,
            "quiet_until": _text(self.quiet_until),
            "taken_off": list(self.taken_off),
            "taken_at": _text(self.taken_at),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "Meta":
        base = cast("dict[str, str]", record["day_base"])
        return cls(
            bot=str(record["bot"]),
            account=str(record["account"]),
            epoch=cast(int, record["epoch"]),
            next_grid=cast(int, record["next_grid"]),
            next_notice=cast(int, record["next_notice"]),
            day=str(record["day"]),
            day_base=tuple((currency, Decimal(value)) for currency, value in base.items()),
            seen_at=_time(record["seen_at"]),
            confirmed_live=bool(record.get("confirmed_live")),
            quiet_until=_time(record.get("quiet_until")),
            taken_off=tuple(cast("list[str]", record.get("taken_off", ()))),
            taken_at=_time(record.get("taken_at")),
        )


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def _is_left(executor: PositionExecutor) -> bool:
    """Whether its grid, where it trades once, has still to wait for this level."""
    return executor.state is not State.COMPLETED and executor.left_at is None


class TradingState:
    """Grids, executors, totals and what is still to be told; see the module's rule."""

    def __init__(self, identity: Identity) -> None:
        self.meta = Meta(identity.bot, identity.account)
        self.markets: dict[str, Market] = {}
        self.cursors: dict[str, str] = {}
        self.grids: dict[str, Grid] = {}
        self.executors: dict[str, PositionExecutor] = {}
        self.members: dict[str, list[str]] = {}
        self.totals: dict[str, Totals] = {}
        self.standings: dict[str, Standing] = {}
        self.unwritten: dict[str, RoundTrip] = {}
        self.flows: dict[str, Flow] = {}
        self.fills: dict[str, BookedFill] = {}
        self.points: dict[str, Point] = {}
        self.outbox: dict[str, Notice] = {}
        self.exposure: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        self.holdings: dict[str, Holding] = {}
        self.left: defaultdict[str, int] = defaultdict(int)
        self.notes: dict[str, dict[str, Mapping[str, object]]] = {}
        self.changes: dict[Key, object | None] = {}
        self.was_empty = True
        self._prefix = self.meta.owner.prefix

    def load(self, tables: Mapping[str, Mapping[str, object]], identity: Identity) -> None:
        """Take over what a store holds. StateForeign when it belongs to another account."""
        if "meta" not in tables:
            self.put_meta(self.meta)
            return
        self.was_empty = False
        self.meta = Meta.from_record(cast("dict[str, object]", tables["meta"]["meta"]))
        if self.meta.account != identity.account:
            raise StateForeign(
                f"the state belongs to {self.meta.account}, not to {identity.account}: "
                "set another RESULTS_DIR for this account, or go back to the former settings"
            )
        self.markets = dict(cast("Mapping[str, Market]", tables.get("markets", {})))
        self.cursors = {key: str(cast("dict[str, str]", doc)["at"]) for key, doc in tables.get("cursors", {}).items()}
        self.totals = dict(cast("Mapping[str, Totals]", tables.get("totals", {})))
        self.standings = dict(cast("Mapping[str, Standing]", tables.get("standings", {})))
        self.unwritten = dict(cast("Mapping[str, RoundTrip]", tables.get("unwritten", {})))
        self.flows = dict(cast("Mapping[str, Flow]", tables.get("flows", {})))
        self.fills = dict(cast("Mapping[str, BookedFill]", tables.get("fills", {})))
        self.points = dict(cast("Mapping[str, Point]", tables.get("points", {})))
        self.outbox = dict(cast("Mapping[str, Notice]", tables.get("outbox", {})))
        for table in NOTES:
            self.notes[table] = dict(cast("Mapping[str, Mapping[str, object]]", tables.get(table, {})))
        for grid in cast("Mapping[str, Grid]", tables.get("grids", {})).values():
            self.grids[grid.id] = grid
            self.members[grid.id] = []
        executors = cast("Mapping[str, PositionExecutor]", tables.get("executors", {}))
        for executor in sorted(executors.values(), key=lambda each: each.level.number):
            self.put_executor(executor)
        self.changes.clear()
        self._prefix = self.meta.owner.prefix

    @property
    def prefix(self) -> str:
        """What the ids made in the present epoch begin with."""
        return self._prefix

    # -- changes ---------------------------------------------------------------------------------------------------

    def begin_epoch(self, luck: Callable[[int], int]) -> None:
        """Make no id again that was made before, whatever the store has lost. `luck(n)` is a number below n."""
        used = {self.meta.epoch, *(int(executor.prefix[3:], 36) for executor in self.executors.values())}
        epoch = luck(36**3)
        while epoch in used:
            epoch = luck(36**3)
        self.put_meta(replace(self.meta, epoch=epoch))
        self._prefix = self.meta.owner.prefix

    def put_meta(self, meta: Meta) -> None:
        self.meta = meta
        self.changes["meta", "meta"] = meta.to_record()

    def put_note(self, key: Key, note: Mapping[str, object] | None) -> None:
        """Keep (or forget) something the chat wants to know after a restart."""
        table, note_id = key
        notes = self.notes.setdefault(table, {})
        if note is None:
            notes.pop(note_id, None)
        else:
            notes[note_id] = note
        self.changes[key] = note

    def put_market(self, market: Market) -> None:
        self.markets[market.symbol] = market
        self.changes["markets", market.symbol] = market

    def put_cursor(self, symbol: str, cursor: str) -> None:
        self.cursors[symbol] = cursor
        self.changes["cursors", symbol] = {"at": cursor}

    def put_grid(self, grid: Grid) -> None:
        self.grids[grid.id] = grid
        self.members.setdefault(grid.id, [])
        self.changes["grids", grid.id] = grid

    def put_executor(self, executor: PositionExecutor) -> None:
        key, grid_id = executor.id, executor.level.grid
        before = self.executors.get(key)
        self.executors[key] = executor
        self.changes["executors", key] = executor
        if before is None:
            self.members[grid_id].append(key)
            self.left[grid_id] += _is_left(executor)
            self.exposure[executor.market.quote] += executor.exposure
            self._hold(executor, executor.books.held, executor.books.held_cost, executor.books.unsettled)
            return
        if executor.state is not before.state or executor.left_at is not before.left_at:
            self.left[grid_id] += _is_left(executor) - _is_left(before)
        if executor.order is not before.order or executor.books is not before.books:
            self.exposure[executor.market.quote] += executor.exposure - before.exposure
        if executor.books is not before.books:
            now, then = executor.books, before.books
            self._hold(executor, now.held - then.held, now.held_cost - then.held_cost, now.unsettled - then.unsettled)

    def _hold(self, executor: PositionExecutor, amount: Decimal, cost: Decimal, unsettled: Decimal) -> None:
        for key in (executor.level.grid, executor.market.symbol):
            self.holdings[key] = self.holdings.get(key, NOTHING_HELD).plus(amount, cost, unsettled)

    def drop_executor(self, key: str) -> None:
        """Forget an executor whose grid has ended; its coins must have been noted on the grid."""
        executor = self.executors.pop(key)
        books = executor.books
        self.exposure[executor.market.quote] -= executor.exposure
        self._hold(executor, -books.held, -books.held_cost, -books.unsettled)
        self.left[executor.level.grid] -= _is_left(executor)
        self.members[executor.level.grid].remove(key)
        self.changes["executors", key] = None
        if self.totals.pop(key, None) is not None:
            self.changes["totals", key] = None

    def drop_grid(self, grid_id: str) -> None:
        """Forget a grid that was never kept; its number is not used again."""
        for key in list(self.members[grid_id]):
            self.drop_executor(key)
        del self.grids[grid_id], self.members[grid_id]
        self.changes["grids", grid_id] = None

    def add_trade(self, trade: RoundTrip, day: str) -> None:
        """Count a closed trade in every sum it belongs to, and note its ledger line as unwritten."""
        total = f"all:{trade.currency}"
        for key in (trade.executor, trade.grid, f"{trade.grid}:{day}", total, f"{total}:{day}"):
            self.totals[key] = after = self.totals.get(key, NO_TRADES).plus(trade)
            self.changes["totals", key] = after
        self.unwritten[trade.key] = trade
        self.changes["unwritten", trade.key] = trade

    def add_fill(self, grid_id: str, day: str, side: Side, fill: Fill) -> None:
        """Count what a fill moved in the sum of its grid; what that was before a day's first fill stays known."""
        before, mark = self.flows.get(grid_id, NO_FLOW), f"{grid_id}:{day}"
        if mark not in self.flows:
            self.flows[mark] = self.changes["flows", mark] = before
        self.flows[grid_id] = self.changes["flows", grid_id] = before.traded(side, fill)

    def put_fill(self, fill: BookedFill) -> None:
        """Note a fill as not yet in the journal of fills."""
        self.fills[fill.key] = fill
        self.changes["fills", fill.key] = fill

    def fills_written(self, fills: Iterable[BookedFill]) -> None:
        for fill in fills:
            self.fills.pop(fill.key, None)
            self.changes["fills", fill.key] = None

    def put_point(self, point: Point) -> None:
        self.points[point.key] = point
        self.changes["points", point.key] = point

    def drop_point(self, point: Point) -> None:
        self.points.pop(point.key, None)
        self.changes["points", point.key] = None

    def put_standing(self, symbol: str, standing: Standing) -> None:
        self.standings[symbol] = standing
        self.changes["standings", symbol] = standing

    def add_funding(self, paid: FundingPaid, currency: str, day: str) -> None:
        """Count funding, once, in the sums of its market and currency."""
        standing = self.standing(paid.symbol)
        if standing.knows(paid):
            return
        self.put_standing(paid.symbol, standing.with_booked(paid))
        flow = self.flows.get(paid.symbol, NO_FLOW).funded(paid.amount)
        self.flows[paid.symbol] = self.changes["flows", paid.symbol] = flow
        for sum_ in (f"funding:{paid.symbol}", f"all:{currency}"):
            for key in (sum_, f"{sum_}:{day}"):
                self.totals[key] = after = self.totals.get(key, NO_TRADES).funded(paid.amount)
                self.changes["totals", key] = after

    def written(self, trades: list[RoundTrip]) -> None:
        for trade in trades:
            self.unwritten.pop(trade.key, None)
            self.changes["unwritten", trade.key] = None

    def add_notice(self, notice: Notice) -> str:
        """Put a notice into the outbox; returns its id (ids sort in order of time)."""
        key = f"{self.meta.next_notice:09d}"
        self.put_meta(replace(self.meta, next_notice=self.meta.next_notice + 1))
        self.outbox[key] = notice
        self.changes["outbox", key] = notice
        return key

    def drop_notice(self, key: str) -> None:
        if self.outbox.pop(key, None) is not None:
            self.changes["outbox", key] = None

    # -- sums ------------------------------------------------------------------------------------------------------

    @property
    def currencies(self) -> list[str]:
        """Quote currencies in which a trade was closed, or funding paid."""
        quotes = dict.fromkeys(market.quote for market in self.markets.values())
        return [currency for currency in quotes if f"all:{currency}" in self.totals]

    def total(self, key: str) -> Totals:
        return self.totals.get(key, NO_TRADES)

    def flow(self, key: str) -> Flow:
        """What fills have moved for a grid (`g1`), or funding for a symbol."""
        return self.flows.get(key, NO_FLOW)

    def flow_before(self, grid_id: str, days: Sequence[str]) -> Flow | None:
        """What a grid's fills had moved before the first one told in these days; None: there was none in them."""
        marks = (self.flows.get(f"{grid_id}:{day}") for day in days)
        return next((mark for mark in marks if mark is not None), None)

    def standing(self, symbol: str) -> Standing:
        return self.standings.get(symbol, UNKNOWN)

    def holding(self, key: str) -> Holding:
        """What a grid (`g1`) or a symbol holds now."""
        return self.holdings.get(key, NOTHING_HELD)
