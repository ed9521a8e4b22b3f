"""What is asked of ccxt, as data: a method with its arguments, and how the next page of a list is asked for.

Rule: nothing is sent here. A page is turned by what the page itself says, never by guessing how many there are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Raw = Mapping[str, Any]
"""What ccxt hands over: an order, a trade or a reply, with the venue's own words under `info`."""


@dataclass(frozen=True, slots=True)
class Call:
    """A method of ccxt's exchange with its arguments; `params` are the venue's own."""

    method: str
    args: tuple[Any, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)

    async def on(self, exchange: Any) -> Any:
        """Await it on an exchange of ccxt. Raises what ccxt raises."""
        return await getattr(exchange, self.method)(*self.args, params=dict(self.params))

    def plus(self, **params: Any) -> "Call":
        """The same call with more params."""
        return replace(self, params={**self.params, **params})


Turn = Callable[[Call, Sequence[Raw]], Call | None]
"""The call for the page after this one, or None where it was the last."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Lists come in pages of at most `size` (None: ccxt's own default); `turn` asks for the next (None: there is one
    page only)."""

    size: int | None = None
    turn: Turn | None = None

    def after(self, call: Call, page: Sequence[Raw]) -> Call | None:
        """What to ask after `page`, the reply to `call`; None where it was the last."""
        return self.turn(call, page) if self.turn is not None and page else None


ONE_PAGE = Pages()


def by_cursor(size: int, field_name: str) -> Pages:
    """The venue's cursor, which ccxt keeps in one raw entry of the page, is passed as `cursor`."""

    def turn(call: Call, page: Sequence[Raw]) -> Call | None:
        cursor = next((item["info"][field_name] for item in page if item["info"].get(field_name)), None)
        return call.plus(cursor=cursor) if cursor else None

    return Pages(size, turn)


def by_smaller_id(size: int, param: str, field_name: str) -> Pages:
    """A full page is followed by the entries whose raw id is under its smallest."""

    def turn(call: Call, page: Sequence[Raw]) -> Call | None:
        if len(page) < size:
            return None
        return call.plus(**{param: str(min(int(item["info"][field_name]) for item in page))})

    return Pages(size, turn)


def by_larger_id(size: int, param: str) -> Pages:
    """A full page is followed by the entries with ids above its largest; the moment it began at is dropped, since no
    venue of this kind takes both."""

    def turn(call: Call, page: Sequence[Raw]) -> Call | None:
        if len(page) < size:
            return None
        symbol, _, *rest = call.args
        last = max(int(item["id"]) for item in page)
        return replace(call, args=(symbol, None, *rest)).plus(**{param: str(last + 1)})

    return Pages(size, turn)


def by_number(size: int) -> Pages:
    """A full page is followed by the next `page`, counted from 1."""

    def turn(call: Call, page: Sequence[Raw]) -> Call | None:
        return call.plus(page=call.params.get("page", 1) + 1) if len(page) >= size else None

    return Pages(size, turn)


def by_offset(size: int, param: str) -> Pages:
    """A full page is followed by what comes after as many entries."""

    def turn(call: Call, page: Sequence[Raw]) -> Call | None:
        return call.plus(**{param: call.params.get(param, 0) + size}) if len(page) >= size else None

    return Pages(size, turn)


def by_time(size: int) -> Pages:
    """Oldest first: a full page is followed by what came at the moment of its last entry or later."""

    def turn(call: Call, page: Sequence[Raw]) -> Call | None:
        symbol, since, *rest = call.args
        last = max(item["timestamp"] for item in page)
        return replace(call, args=(symbol, last, *rest)) if len(page) >= size and last != since else None

    return Pages(size, turn)


def by_until(size: int) -> Pages:
    """Newest first: a full page is followed by what came up to the moment of its oldest entry."""

    def turn(call: Call, page: Sequence[Raw]) -> Call | None:
        oldest = min(item["timestamp"] for item in page)
        return call.plus(until=oldest) if len(page) >= size and oldest != call.params.get("until") else None

    return Pages(size, turn)
