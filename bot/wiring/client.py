"""The account a plain script trades on: the built-in market, a pretend account on real prices, or a real one.

Rule: the adapters are the worker's own. What is pretended lies in a folder of its own for as long as the script lives,
and goes into a saved session; what is real is asked of the exchange.
"""

import base64
import json
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.core.money import EXACT, plain
from bot.errors import BotError, StateCorrupt
from bot.settings import Settings, parse_settings
from bot.trading.state import Identity
from bot.wiring.opening import Exchange, identity, open_exchange, permitted

Number = int | float | str | Decimal

FUNDS = {"USDT": Decimal(10_000)}
BOT_ID = "lib"


class Client:
    """An account on an exchange, for one symbol. `exchange` is `simulated` (the built-in market, no network) or a ccxt
    id, with `mode` paper (real prices, pretend orders), demo or live. A script that says live is its own confirmation:
    nobody is asked before the first order.

    Pretend accounts: `funds` founds one (`{"USDT": 10000}`), `maker_fee` is a per cent, `seed` makes the simulated
    prices repeatable. Real ones: the API key, which must not be able to withdraw unless `allow_withdrawal_key`;
    `options` go to ccxt's constructor, `leverage` is set on a perpetual, `bot_id` (three letters or digits) marks the
    orders of this script among others on the account. SettingsError where something of it is wrong.
    """

    def __init__(
        self,
        exchange: str = "simulated",
        symbol: str = "BTC/USDT",
        *,
        mode: str = "paper",
        api_key: str = "",
        api_secret: str = "",
        api_password: str = "",
        options: Mapping[str, Any] | None = None,
        leverage: Number | None = None,
        bot_id: str = BOT_ID,
        allow_withdrawal_key: bool = False,
        funds: Mapping[str, Number] | None = None,
        maker_fee: Number = "0.1",
        seed: int | None = None,
    ) -> None:
        said: dict[str, str] = {
            "EXCHANGE": exchange,
            "EXCHANGE_MODE": mode,
            "EXCHANGE_API_KEY": api_key,
            "EXCHANGE_API_SECRET": api_secret,
            "EXCHANGE_API_PASSWORD": api_password,
            "EXCHANGE_OPTIONS": json.dumps(dict(options or {})),
            "SYMBOL": symbol,
            "LEVERAGE": "" if leverage is None else plain(decimal(leverage)),
            "BOT_ID": bot_id,
            "ALLOW_WITHDRAWAL_KEY": "yes" if allow_withdrawal_key else "no",
            "PAPER_FUNDS": ", ".join(f"{plain(decimal(sum_))} {coin}" for coin, sum_ in (funds or FUNDS).items()),
            "PAPER_MAKER_FEE": f"{plain(decimal(maker_fee))}%",
            "SIMULATED_SEED": "" if seed is None else str(seed),
        }
        with localcontext(EXACT):
            self.settings: Settings = parse_settings(said)
        self.symbol = self.settings.symbol
        self._folder = Path(tempfile.mkdtemp(prefix="rexlapis-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)  # a script may end without a word
        self._file = self._folder / "exchange.db"
        self._exchange: Exchange | None = None

    @property
    def identity(self) -> Identity:
        """Whose session it is: this account's, and a script's."""
        found = identity(self.settings)
        return replace(found, account=f"{found.account} script")

    async def open(self) -> Exchange:
        """Begin, or go on where it stands. Called by the manager, on its own thread. SettingsError where the key may
        too much or too little, MarketError."""
        if self._exchange is None:
            self._exchange = exchange = open_exchange(self.settings, SystemClock(), self._folder)
            try:
                await permitted(exchange, self.settings)
            except BotError:
                await self.close()
                raise
        return self._exchange

    async def answered(self, seconds: float) -> bool:
        """Wait until the exchange has answered what it was sent, at most so long; False where nothing was under way."""
        account = self._exchange.account if self._exchange is not None else None
        return account is not None and await account.settled(seconds)

    async def pack(self) -> dict[str, object]:
        """What is pretended, as it stands; empty where nothing is."""
        pretend = self._exchange.pretend if self._exchange is not None else None
        if pretend is None:
            return {}
        await pretend.settled()
        connection = sqlite3.connect(self._file)
        try:
            return {"file": base64.b64encode(connection.serialize()).decode()}
        finally:
            connection.close()

    async def restore(self, packed: Mapping[str, object]) -> None:
        """Put what was packed in place of what is pretended now. StateCorrupt where there is nothing."""
        if self._exchange is None or self._exchange.pretend is None:
            return
        if "file" not in packed:
            raise StateCorrupt("the session holds no pretend exchange; expected a file made by save_to_disk")
        content = base64.b64decode(str(packed["file"]))
        await self.close()
        for leftover in self._folder.iterdir():
            leftover.unlink()
        self._file.write_bytes(content)

    async def close(self) -> None:
        """Send nothing more, await what is on the wire, close sockets and files. Orders stay on the exchange."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.close()

    async def hang_up(self) -> None:
        """As `close`, but for the files: at the end of a script these go with their folder."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await replace(exchange, pretend=None).close()

    def forget(self) -> None:
        """Remove what lies on the disk, once it is closed."""
        shutil.rmtree(self._folder, ignore_errors=True)


def decimal(value: Number) -> Decimal:
    """A number as a person would write it: 0.1 is one tenth, not its binary neighbour."""
    return value if isinstance(value, Decimal) else Decimal(str(value))
