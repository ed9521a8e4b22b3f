"""`python -m bot check`: whether a worker could run with these settings. A row for each thing it needs.

Rule: it looks and changes nothing but a file it removes again; it takes no lock, so it may run beside a worker.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import Awaitable, Callable
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import urlopen

from bot.clock import SystemClock
from bot.core.money import plain
from bot.errors import BotError, MarketError, SettingsError, StateCorrupt, StateUnwritable
from bot.opening import Exchange, is_paper, open_exchange, permitted
from bot.settings import Settings
from bot.storage.tinydb_store import TinyDBStore

TELEGRAM = "https://api.telegram.org"
PATIENCE = 10.0


async def main(settings: Settings) -> int:
    """Print the rows; 0 when all is well, else 1."""
    looks: tuple[tuple[str, Callable[[Settings], Awaitable[str]]], ...] = (
        ("settings", _settings),
        ("exchange", _exchange),
        ("key", _key),
        ("store", _store),
        ("telegram", _telegram),
    )
    good = True
    for name, look in looks:
        try:
            found, sign = await look(settings), "ok"
        except BotError as error:
            found, sign, good = str(error), "NO", False
        print(f"{name:<10} {sign:<3} {found}")
    return 0 if good else 1


async def _settings(settings: Settings) -> str:
    return f"{settings.exchange}, {settings.symbol}, a beat every {settings.tick_seconds:g} s, {settings.timezone}"


async def _exchange(settings: Settings) -> str:
    exchange = open_exchange(settings, SystemClock(), None)
    try:
        async with asyncio.timeout(PATIENCE * 3):
            return await _answers(settings, exchange)
    except TimeoutError:
        raise MarketError(f"{settings.exchange} gives no answer") from None
    finally:
        await exchange.close()


async def _answers(settings: Settings, exchange: Exchange) -> str:
    quote = await exchange.data.quote(settings.symbol)
    if not quote.is_sane:
        raise MarketError(f"{settings.symbol} has no sane price now")
    price = f"{settings.symbol} bid {quote.bid} ask {quote.ask}"
    if settings.exchange == "simulated":
        return f"simulated market, {price}; no key is needed"
    if exchange.account is None:
        return f"{settings.exchange}, pretend orders on its prices, {price}; no key is needed"
    market = await exchange.data.market(settings.symbol)
    funds = (await exchange.gateway.balances()).get(market.quote)
    free = f"{plain(funds.free)} {market.quote} free" if funds is not None else f"no {market.quote}"
    return f"{settings.exchange} {settings.exchange_mode}, {price}, {free}"


async def _key(settings: Settings) -> str:
    if is_paper(settings):
        return "none is needed"
    exchange = open_exchange(settings, SystemClock(), None)
    try:
        return await permitted(exchange, settings)
    finally:
        await exchange.close()


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
