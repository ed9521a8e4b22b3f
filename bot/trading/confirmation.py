"""The question before an account trades live for the first time: whose it is, what is on it, and what limits the bot.

Rule: it is asked even where the balance can't be read; then it says so.
"""

import logging
from decimal import Decimal

from bot.core.snapshot import LiveAsked
from bot.errors import MarketError
from bot.ports import Policy, World

log = logging.getLogger(__name__)


async def question(world: World, policy: Policy, account: str) -> LiveAsked:
    """All that the owner should see before pressing Trade live."""
    funds: tuple[tuple[str, Decimal], ...] | None = None
    try:
        balances = await world.gateway.balances()
    except MarketError as error:
        log.warning("the balance can't be read: %s", error)
    else:
        funds = tuple((coin, balance.total) for coin, balance in sorted(balances.items()) if balance.total)
    return LiveAsked(
        at=world.clock.now(),
        account=account,
        balances=funds,
        max_exposure=policy.max_exposure,
        max_daily_loss=policy.max_daily_loss,
        max_open_orders=policy.max_open_orders,
    )
