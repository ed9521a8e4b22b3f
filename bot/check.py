"""`python -m bot check`: whether a worker could run with these settings. A row for each thing it needs.

Rule: it looks and changes nothing but a file it removes again; it takes no lock, so it may run beside a worker. Whoever
does not answer is given up after a while, and all rows come whatever one of them finds.
"""

import asyncio
import json
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from bot.clock import SystemClock
from bot.core.model import Position
from bot.core.money import plain
from bot.errors import BotError, MarketError, SettingsError, StateCorrupt, StateUnwritable
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.inspection import inspect
from bot.storage.tinydb_store import TinyDBStore
from bot.wiring.opening import Exchange, identity, is_paper, open_exchange, permitted

TELEGRAM = "https://api.telegram.org"
PATIENCE = 10.0


async def main(settings: Settings) -> int:
    """Print the rows; 0 when all is well, else 1."""
    logging.getLogger().addHandler(logging.NullHandler())  # the rows say it all
    opened = Opened(settings)
    looks: tuple[tuple[str, Callable[[Settings], Awaitable[str]]], ...] = (
        ("settings", _settings),
        ("exchange", opened.market),
        ("key", opened.key),
        ("store", _store),
        ("telegram", _telegram),
    )
    good = True
    for name, look in looks:
        try:
            found, sign = await look(settings), "ok"
        except BotError as error:
            found, sign, good = str(error), "NO", False
        print(f"{name:<10} {sign:<3} {found}", flush=True)
    return 0 if good else 1


async def _settings(settings: Settings) -> str:
    return f"{settings.exchange}, {settings.symbol}, a beat every {settings.tick_seconds:g} s, {settings.timezone}"


class Opened:
    """The exchange, opened for the row of its market and closed after that of the account."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._exchange: Exchange | None = None
        self._is_silent = False
        self._is_listed = False

    async def market(self, settings: Settings) -> str:
        """What anybody may ask: the price, and how far the clocks are apart."""
        self._exchange = open_exchange(settings, SystemClock(), None)
        return await self._patiently(self._market(self._exchange))

    async def key(self, settings: Settings) -> str:
        """What the key may do, and what is on its account."""
        try:
            if is_paper(settings):
                return "none is needed"
            if self._exchange is None or self._is_silent:
                raise MarketError("not asked, as the row above says")
            return await self._patiently(self._account(self._exchange))
        finally:
            if self._exchange is not None:
                await self._exchange.close()

    async def _patiently(self, work: Coroutine[Any, Any, str]) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                return await work
        except TimeoutError:
            self._is_silent = True
            raise MarketError(f"{self._settings.exchange} gives no answer within {PATIENCE:g} s") from None

    async def _market(self, exchange: Exchange) -> str:
        symbol = self._settings.symbol
        self._refuse_unlisted(symbol, await exchange.data.symbols())
        quote = await exchange.data.quote(symbol)
        if not quote.is_sane:
            raise MarketError(f"{symbol} has no sane price now")
        price = f"{symbol} bid {plain(quote.bid)} ask {plain(quote.ask)}"
        if exchange.connection is None:
            return f"simulated market, {price}"
        mode = "pretend orders on its prices" if exchange.account is None else self._settings.exchange_mode
        return ", ".join((self._settings.exchange, mode, price, *_clock(exchange.connection.clock_ahead_ms)))

    def _refuse_unlisted(self, symbol: str, symbols: Sequence[str]) -> None:
        self._is_listed = symbol in symbols
        if not self._is_listed:
            base = symbol.partition("/")[0]
            near = sorted(each for each in symbols if each.startswith(f"{base}/")) or sorted(symbols)
            name, such = self._settings.exchange, ", ".join(near[:5])
            raise MarketError(f"SYMBOL: {name} has no {symbol}; expected a market it has, such as {such}")

    async def _account(self, exchange: Exchange) -> str:
        may = await permitted(exchange, self._settings)
        if not self._is_listed:
            return may
        market = await exchange.data.market(self._settings.symbol)
        funds = (await exchange.gateway.balances()).get(market.quote)
        free = plain(funds.free) if funds is not None else "0"
        told = [may, f"{free} {market.quote} free", f"maker fee {plain(market.maker_fee_ratio * 100)} %"]
        if market.perpetual:
            told.append(_position(await exchange.gateway.position(market.symbol), self._settings, market.base))
        return "; ".join(told)


def _clock(ahead_ms: int | None) -> tuple[str, ...]:
    """How far this host's clock is off; it is made up for."""
    if ahead_ms is None:
        return ()
    return (f"this host's clock is {abs(ahead_ms):,} ms {'ahead of' if ahead_ms > 0 else 'behind'} its own",)


def _position(position: Position | None, settings: Settings, coin: str) -> str:
    """How the account stands on a perpetual, and what the first order will set there. MarketError in hedge mode."""
    if position is None:
        raise MarketError(f"the position on {settings.symbol} is not told")
    if not position.one_way:
        raise MarketError(f"{settings.symbol}: expected one-way mode, the account is in hedge mode: switch it there")
    margin = "isolated" if position.isolated else "cross"
    leverage = f"leverage {plain(position.leverage)}" if position.leverage is not None else "leverage not told"
    held = f"{plain(position.amount)} {coin} held" if position.amount else "nothing held"
    sets = [] if position.isolated or position.amount else ["isolated margin"]
    if settings.leverage is not None and settings.leverage != position.leverage and not position.amount:
        sets.append(f"leverage {plain(settings.leverage)}")
    plan = f" (the first order sets {' and '.join(sets)})" if sets else ""
    return f"one-way, {margin} margin, {leverage}, {held}{plan}"


async def _store(settings: Settings) -> str:
    folder = settings.results_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".check-") as file:
            file.write(b"x")
            os.fsync(file.fileno())
    except OSError as error:
        raise StateUnwritable(
            f"RESULTS_DIR {folder} can't be written ({error.strerror}): choose a folder that can"
        ) from None
    if settings.database_url is not None:
        database = Database(settings.database_url.get_secret_value())
        try:
            return await inspect(database, identity(settings).account, settings.bot_id)
        finally:
            await database.close()
    tables = await TinyDBStore(folder).load()
    if tables and is_paper(settings) and not (folder / "exchange.db").exists():
        raise StateCorrupt(f"{folder / 'exchange.db'} is gone, though the state tells of orders there: put it back")
    grids, executors = len(tables.get("grids", {})), len(tables.get("executors", {}))
    return f"{folder}, {grids} grids with {executors} levels kept" if tables else f"{folder}, empty so far"


async def _telegram(settings: Settings) -> str:
    token = settings.telegram_bot_token
    if token is None:
        return "no token: the chat is this terminal"
    address = f"{settings.telegram_api_url or TELEGRAM}/bot{token.get_secret_value()}/getMe"
    name = await asyncio.to_thread(_get_me, address)
    owners = len(settings.telegram_owner_ids)
    return f"@{name}, " + (f"{owners} owner(s)" if owners else "no owner yet: the worker will print a link to claim it")


def _get_me(address: str) -> str:
    try:
        with urlopen(address, timeout=PATIENCE) as answer:
            return str(json.load(answer)["result"]["username"])
    except URLError as error:
        code = getattr(error, "code", None)
        if code in (401, 404):
            raise SettingsError("TELEGRAM_BOT_TOKEN: Telegram refuses it; expected the token from BotFather") from None
        raise MarketError(f"not reached: {code or type(error.reason).__name__}") from None
    except (OSError, ValueError, KeyError, TypeError, HTTPException) as error:
        raise MarketError(f"no sense in its answer: {type(error).__name__}") from None
