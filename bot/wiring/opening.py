"""Which adapters trade: by exchange and mode. Shared by the front doors, and the only place that asks.

| EXCHANGE    | EXCHANGE_MODE | prices           | orders                        |
|-------------|---------------|------------------|-------------------------------|
| `simulated` | –             | built-in market  | pretend account               |
| a ccxt id   | `paper`       | that exchange's  | pretend account               |
| a ccxt id   | `demo`        | its demo's       | its demo account              |
| a ccxt id   | `live`        | that exchange's  | that exchange                 |
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.client_ids import DIGITS
from bot.core.events import Event
from bot.core.pricing import Offsets
from bot.errors import MarketError, SettingsError, StateCorrupt
from bot.exchange.paper import PaperGateway
from bot.exchange.paper_file import Kept
from bot.exchange.simulated import open_simulated
from bot.ports import Clock, MarketData, OrderGateway, Policy
from bot.settings import Settings
from bot.trading.state import Identity

if TYPE_CHECKING:
    from bot.exchange.ccxt_gateway import CcxtGateway
    from bot.exchange.ccxt_market import CcxtMarket
    from bot.exchange.connection import Connection

Hear = Callable[[Sequence[Event]], None]


@dataclass(slots=True)
class Exchange:
    """Prices and orders of one account. `account` and `connection` are None where nobody's money is at stake."""

    data: MarketData
    gateway: OrderGateway
    pretend: PaperGateway | None = None
    account: "CcxtGateway | None" = None
    connection: "Connection | None" = None
    _listeners: list[Callable[[Hear], None]] = field(default_factory=list)

    def listen(self, hear: Hear) -> None:
        """Have whatever comes by itself heard at once: events, or none of them when a price has changed."""
        for listener in self._listeners:
            listener(hear)

    def rest_until(self, at: datetime | None) -> None:
        """Send nothing before a moment: the exchange asked for it before the restart."""
        if at is not None and self.connection is not None:
            self.connection.queue.silence(f"{self.connection.name} asked for silence before the restart", at)

    @property
    def was_cut(self) -> bool:
        """Whether something that was sent may still arrive after `close`."""
        return self.account is not None and self.account.was_cut

    def hush(self) -> None:
        """Send nothing more; what is on the wire may still be answered."""
        if self.connection is not None:
            self.connection.queue.stop()

    async def close(self) -> None:
        """Send nothing more, keep what is pretended, close the sockets."""
        if self.account is not None:
            await self.account.close()
        elif self.connection is not None:
            await self.connection.close()
        if self.pretend is not None:
            await self.pretend.close()


def identity(settings: Settings) -> Identity:
    """BOT_ID and the account: one of pretence has its exchange's name, a real one a fingerprint of its key."""
    token, key = settings.telegram_bot_token, settings.exchange_api_key
    source = token.get_secret_value().partition(":")[0] if token else key.get_secret_value() if key else "terminal"
    number = int.from_bytes(hashlib.sha256(source.encode()).digest()[:8])
    bot = settings.bot_id or "".join(DIGITS[number // 36**place % 36] for place in range(3))
    if settings.exchange == "simulated":
        return Identity(bot, "simulated")
    if settings.exchange_mode == "paper":
        return Identity(bot, f"{settings.exchange} paper")
    account = hashlib.sha256(key.get_secret_value().encode()).hexdigest()[:12] if key else "no key"
    return Identity(bot, f"{settings.exchange} {settings.exchange_mode} {account}")


def is_paper(settings: Settings) -> bool:
    return settings.exchange == "simulated" or settings.exchange_mode == "paper"


def open_exchange(settings: Settings, clock: Clock, folder: Path | None, kept: Kept | None = None) -> Exchange:
    """The adapters, nothing asked yet. The pretend account is kept in `folder` (None: in memory), unless it is `kept`
    elsewhere. SettingsError, StateError."""
    path = folder / "exchange.db" if folder is not None else None
    if (
        is_paper(settings)
        and folder is not None
        and kept is None
        and any(folder.glob("state.*"))
        and not (folder / "exchange.db").exists()
    ):
        raise StateCorrupt(
            f"{path} is gone, though the state tells of orders on that pretend exchange: put it back, "
            f"or begin anew by removing {folder}"
        )
    if settings.exchange == "simulated":
        data, gateway = open_simulated(
            kept or path, clock, settings.simulated_seed, settings.paper_funds, settings.paper_maker_fee
        )
        return Exchange(data, gateway, pretend=gateway)
    return _open_ccxt(settings, clock, kept or path)


def warm_up(settings: Settings) -> None:
    """Load what takes long to load, beside whatever else is waited for."""

    def load() -> None:
        import bot.exchange.ccxt_gateway
        import bot.exchange.connection  # noqa: F401

    if settings.exchange != "simulated":
        threading.Thread(target=load, name="loading", daemon=True).start()


def open_history(settings: Settings, clock: Clock) -> "tuple[CcxtMarket, Connection]":
    """An exchange's public data alone, whatever the mode. SettingsError."""
    from bot.exchange.ccxt_market import CcxtMarket
    from bot.exchange.connection import connect

    if settings.exchange == "simulated":
        raise SettingsError("EXCHANGE: the simulated market has no history; expected an exchange such as bybit")
    connection = connect(settings.exchange, "paper", {}, settings.exchange_options, clock)
    return CcxtMarket(connection, has_key=False), connection


async def permitted(exchange: Exchange, settings: Settings) -> str:
    """What the API key may do, in words. SettingsError where the bot will not trade with it, MarketError."""
    if exchange.account is None:
        return "none is needed"
    try:
        may = await exchange.account.permissions()
    except MarketError as error:
        if settings.exchange_mode == "live":
            raise
        return f"is not asked what it may do, as no money is at stake ({error})"  # demos lack that endpoint
    note = f"; {may.note}" if may.note else ""
    if may.trade is False:
        raise SettingsError(f"EXCHANGE_API_KEY: expected a key that may trade, this one may only read{note}")
    if may.withdraw and not settings.allow_withdrawal_key:
        raise SettingsError(
            "EXCHANGE_API_KEY: expected a key that can't withdraw, this one can: make another without that right, "
            "or set ALLOW_WITHDRAWAL_KEY=yes"
        )
    told = {True: "may", False: "may not", None: "may or may not (the exchange does not tell)"}
    return f"{told[may.trade]} trade, {told[may.withdraw]} withdraw{note}"


def _open_ccxt(settings: Settings, clock: Clock, place: Path | Kept | None) -> Exchange:
    from bot.exchange.ccxt_gateway import CcxtGateway  # ccxt takes a second and a hundred megabytes
    from bot.exchange.ccxt_market import CcxtMarket
    from bot.exchange.connection import connect
    from bot.exchange.paper_market import open_paper

    words = (settings.exchange_api_key, settings.exchange_api_secret, settings.exchange_api_password)
    keys = {
        name: secret.get_secret_value() if secret is not None else None
        for name, secret in zip(("key", "secret", "password"), words, strict=True)
    }
    connection = connect(settings.exchange, settings.exchange_mode, keys, settings.exchange_options, clock)
    market = CcxtMarket(connection, has_key=not is_paper(settings))
    if is_paper(settings):
        account = identity(settings).account
        data, pretend = open_paper(place, market, clock, settings.paper_funds, settings.paper_maker_fee, account)
        return Exchange(
            data,
            pretend,
            pretend=pretend,
            connection=connection,
            _listeners=[lambda hear: market.listen(lambda: hear(()))],
        )
    if connection.venue is None:
        raise SettingsError(f"EXCHANGE: orders on {settings.exchange} are not known to this bot")
    gateway = CcxtGateway(connection, connection.venue, market, settings.leverage)
    return Exchange(market, gateway, account=gateway, connection=connection, _listeners=[gateway.listen])


def policy(settings: Settings) -> Policy:
    """How the trader trades, by the settings."""
    return Policy(
        offsets=Offsets(settings.maker_offset_buy, settings.maker_offset_sell),
        max_open_orders=settings.max_open_orders,
        max_exposure=settings.max_exposure,
        max_daily_loss=settings.max_daily_loss,
        leverage=settings.leverage,
        timezone=settings.timezone,
        ask_first=settings.exchange != "simulated" and settings.exchange_mode == "live",
    )
