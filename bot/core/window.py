"""Which levels of one market may have an order on the book when there are more levels than places.

Rule: the nearest levels rest. All buys lie below the market and all sells above it, so the nearest buys are those
with the highest targets and the nearest sells those with the lowest; the price itself moves nobody. Sells go first,
but each side may always have a quarter of the places. A level nearer than one that rests takes its place by having a
block of the farthest leave at once, and the border is refilled only up to half a block, so oscillation at the border
costs nothing. An order that leaves holds its place until it is gone: cancel confirmed before create.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Set
from decimal import Decimal

from bot.core.model import Side

UNLIMITED = 1_000_000
LARGEST = 500
"""Blocks are a twentieth of the places, counted up to this many."""


class _Ranks:
    """Levels of one side by nearness (smallest key first)."""

    def __init__(self) -> None:
        self.keys: list[tuple[Decimal, str]] = []

    def add(self, key: tuple[Decimal, str]) -> None:
        insort(self.keys, key)

    def remove(self, key: tuple[Decimal, str]) -> None:
        index = bisect_left(self.keys, key)
        if index < len(self.keys) and self.keys[index] == key:
            del self.keys[index]


class Window:
    """The places of one market. Ids are executor ids; `places` None means there is room for all."""

    def __init__(self, places: int | None) -> None:
        self._places = UNLIMITED if places is None else places
        self._block = max(1, min(self._places, LARGEST) // 20)
        self._needs: dict[str, tuple[Side, tuple[Decimal, str]]] = {}
        self._seated = {Side.BUY: _Ranks(), Side.SELL: _Ranks()}
        self._waiting = {Side.BUY: _Ranks(), Side.SELL: _Ranks()}
        self._seats: set[str] = set()
        self._leaving: set[str] = set()

    def __len__(self) -> int:
        return len(self._seats) + len(self._leaving)

    @property
    def leaving(self) -> Set[str]:
        """Those that have to go and may still be on the book."""
        return self._leaving

    def is_seated(self, executor_id: str) -> bool:
        return executor_id in self._seats

    def needs(self, executor_id: str, side: Side, target: Decimal, occupied: bool) -> bool:
        """Note that a level needs a place (`occupied`: its order is on the book); returns whether it has one."""
        key = (-target if side is Side.BUY else target, executor_id)
        if self._needs.get(executor_id) == (side, key):
            if executor_id in self._leaving and not occupied:
                self._leaving.discard(executor_id)
                self._waiting[side].add(key)
            return executor_id in self._seats
        self.leave(executor_id)
        self._needs[executor_id] = (side, key)
        if occupied or (not self._is_short and len(self) < self._places):
            self._seat(side, key)
            return True
        self._waiting[side].add(key)
        return False

    def leave(self, executor_id: str) -> None:
        """Forget a level that needs no place any more."""
        need = self._needs.pop(executor_id, None)
        if need is None:
            return
        side, key = need
        if executor_id in self._seats:
            self._seats.discard(executor_id)
            self._seated[side].remove(key)
        elif executor_id in self._leaving:
            self._leaving.discard(executor_id)
        else:
            self._waiting[side].remove(key)

    def give_up_farthest(self, side: Side, than: Decimal) -> str | None:
        """Let the farthest level leave for the sake of a limit other than places; None where none is farther away
        than `than`."""
        key = -than if side is Side.BUY else than
        ranks = self._seated[side].keys
        if not ranks or ranks[-1][0] <= key:
            return None
        farthest = ranks[-1]
        self._unseat(side, farthest)
        return farthest[1]

    def settle(self) -> tuple[list[str], list[str]]:
        """Give places to the nearest that wait. Returns who got one, and who has to leave for a nearer one."""
        if not self._is_short:
            return [], []
        seated: list[str] = []
        leaving: list[str] = []
        for side in (Side.SELL, Side.BUY):
            allowed = self._allowed(side)
            for key in self._entering(side, allowed):
                self._waiting[side].remove(key)
                self._seat(side, key)
                seated.append(key[1])
            leaving += self._leavers(side, allowed)
        return seated, leaving

    @property
    def _is_short(self) -> bool:
        return bool(self._waiting[Side.BUY].keys or self._waiting[Side.SELL].keys)

    def _allowed(self, side: Side) -> int:
        """Places this side may use: sells first, a quarter at least for each side that wants it."""
        quarter = self._places // 4
        wanted = {each: len(self._seated[each].keys) + len(self._waiting[each].keys) for each in Side}
        sells = min(wanted[Side.SELL], self._places - min(quarter, wanted[Side.BUY]))
        return max(1, sells) if side is Side.SELL else max(1, self._places - sells)

    def _entering(self, side: Side, allowed: int) -> Iterator[tuple[Decimal, str]]:
        """Those that may enter now: nearer than the farthest that rests, others only by the block."""
        free = min(self._places - len(self), allowed - len(self._seated[side].keys))
        waiting = list(self._waiting[side].keys[: max(free, 0)])
        seated = self._seated[side].keys
        border = seated[-1] if seated else None
        refill = free - self._block // 2 if free >= self._block else 0
        for key in waiting:
            inside = border is None or key < border
            if inside or refill > 0:
                refill -= 1
                yield key

    def _leavers(self, side: Side, allowed: int) -> list[str]:
        """A block of the farthest, where a nearer one waits and has no room (or the side has more than its share)."""
        waiting, seated = self._waiting[side].keys, self._seated[side].keys
        over = len(seated) - allowed
        nearer = bool(waiting and seated and waiting[0] < seated[-1])
        if self._leaving or (over <= 0 and not nearer):
            return []
        if min(self._places - len(self), -over) > 0:
            return []  # there is room for it as it is
        count = max(over, self._block if nearer else over)
        far = [key for key in seated[-count:] if over > 0 or key > waiting[0]]
        for key in far:
            self._unseat(side, key)
        return [executor_id for _, executor_id in far]

    def _seat(self, side: Side, key: tuple[Decimal, str]) -> None:
        self._seats.add(key[1])
        self._seated[side].add(key)

    def _unseat(self, side: Side, key: tuple[Decimal, str]) -> None:
        self._seats.discard(key[1])
        self._seated[side].remove(key)
        self._leaving.add(key[1])
