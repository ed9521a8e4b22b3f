"""What a grid's course gives reason to say: the price has left its range, or nothing trades though it is in there.

Rule: a look takes what was known and returns what is known now, and at most one notice. Each is told once a while for a
grid, whatever the price does at the edge of the range; that a price is back is told where its leaving was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.alerts import BackInRange, OutOfRange, Stalled
from bot.core.lifecycle import Mode
from bot.core.model import Quote
from bot.core.portfolio import Grid, Holding
from bot.core.snapshot import Notice

OUT_AFTER = timedelta(minutes=10)
"""How long the price has to stay outside before it is told."""
OUT_AGAIN = timedelta(hours=4)
STALLED_AFTER = timedelta(hours=12)
STALLED_AGAIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of one grid. `fills`: how many it has had; `still_since`: since when it had none though it could;
    `out_since`: since when the price is outside; `is_out_told`: and that was told."""

    fills: int = -1
    still_since: datetime | None = None
    out_since: datetime | None = None
    is_out_told: bool = False
    out_told_at: datetime | None = None
    stalled_told_at: datetime | None = None

    def to_record(self) -> dict[str, object]:
        times = {name: getattr(self, name) for name in TIMES}
        spelt = {name: at.isoformat() for name, at in times.items() if at is not None}
        return {"fills": self.fills, "is_out_told": self.is_out_told, **spelt}

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "Watch":
        times = {name: datetime.fromisoformat(str(record[name])) for name in TIMES if name in record}
        return cls(fills=int(str(record["fills"])), is_out_told=bool(record["is_out_told"]), **times)


TIMES = ("still_since", "out_since", "out_told_at", "stalled_told_at")
NEW = Watch()


def looked(
    watch: Watch, grid: Grid, fills: int, holding: Holding, quote: Quote | None, now: datetime
) -> tuple[Watch, Notice | None]:
    """One look at a grid that has had so many fills and holds this. Without a price nothing is known anew."""
    if grid.effective_mode is not Mode.RUNNING:  # it is as it is because somebody wants it so
        return replace(watch, fills=fills, still_since=None, out_since=None, is_out_told=False), None
    if quote is None:
        return watch, None
    if grid.spec.minimum == grid.spec.maximum:  # a single price: there is no range to leave
        return _looked_inside(watch, grid, fills, quote, now)
    if quote.ask < grid.spec.minimum or quote.bid > grid.spec.maximum:
        return _looked_outside(replace(watch, fills=fills, still_since=None), grid, holding, quote, now)
    if watch.out_since is not None:
        back = BackInRange(now, grid.id, grid.symbol, quote.bid, watch.out_since) if watch.is_out_told else None
        return replace(watch, fills=fills, still_since=now, out_since=None, is_out_told=False), back
    return _looked_inside(watch, grid, fills, quote, now)


def _looked_outside(
    watch: Watch, grid: Grid, holding: Holding, quote: Quote, now: datetime
) -> tuple[Watch, Notice | None]:
    since = watch.out_since or now
    watch = replace(watch, out_since=since)
    if watch.is_out_told or now - since < OUT_AFTER or _is_recent(watch.out_told_at, now, OUT_AGAIN):
        return watch, None
    is_below = quote.ask < grid.spec.minimum
    told = OutOfRange(
        at=now,
        grid=grid.id,
        symbol=grid.symbol,
        price=quote.bid,
        bound=grid.spec.minimum if is_below else grid.spec.maximum,
        is_below=is_below,
        since=since,
        held=holding.amount,
        cost=holding.cost,
    )
    return replace(watch, is_out_told=True, out_told_at=now), told


def _looked_inside(watch: Watch, grid: Grid, fills: int, quote: Quote, now: datetime) -> tuple[Watch, Notice | None]:
    since = watch.still_since
    if since is None or fills != watch.fills:
        return replace(watch, fills=fills, still_since=now), None
    if now - since < STALLED_AFTER or _is_recent(watch.stalled_told_at, now, STALLED_AGAIN):
        return watch, None
    return replace(watch, stalled_told_at=now), Stalled(now, grid.id, grid.symbol, quote.bid, since)


def _is_recent(at: datetime | None, now: datetime, span: timedelta) -> bool:
    return at is not None and now - at < span
