"""One copy of a worker after another, on one database: of any number of them one trades, and nothing is told twice.

Live on a loopback exchange with a loopback Telegram; each copy has a disk of its own, as hosts that wipe it give.
"""

import logging
import random
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.places import BYBIT
from tests.flows import chat
from tests.flows.deployment import Deployment, became_holder, deployed, freeze, stands_by, thaw
from tests.flows.process import STOP_SECONDS, Bot, until
from tests.storage.postgres_server import PostgresServer
from tests.telegram.people import Person

log = logging.getLogger(__name__)
PRICE = re.compile(r"^BTC/USDT")


def answers(owner: Person) -> int:
    """How often the price was told."""
    return sum(bool(PRICE.match(text)) for text in owner.texts)


def rolls(world: Deployment, old: Bot, chance: random.Random) -> tuple[Bot, float]:
    """A new copy beside the old one, which is stopped then; the new one, and the seconds in which nobody asked."""
    new = world.copy()
    stands_by(new)
    world.owner.say("/price")
    time.sleep(chance.uniform(0, 0.3))
    code, seconds = old.stop()
    assert (code, [line for line in old.errors.lines if "stands by" not in line]) == (0, [])
    assert seconds < STOP_SECONDS
    world.owner.say("/price")
    began = until(lambda: world.calls(new), 20, "a request of the new copy")[0].at_ms
    last = world.calls(old)[-1].at_ms
    assert last / 1000 <= became_holder(new) + 0.001 <= began / 1000 + 0.002
    world.first_order(new)
    assert world.calls(old)[-1].at_ms == last
    return new, (began - last) / 1000


def rolling(server: PostgresServer, folder: Path, count: int, seed: int) -> list[float]:
    chance = random.Random(seed)
    with deployed(BYBIT, server, folder) as world:
        bot, gaps = world.trades(), []
        for _ in range(count):
            bot, gap = rolls(world, bot, chance)
            gaps.append(gap)
            assert world.doubled() == []
        world.api.wait_for_sync(lambda: answers(world.owner) >= 2 * count, 30, "every answer")
        ends_well(world)
        lines = Counter(world.closed())
        assert bot.stop()[0] == 0
        assert answers(world.owner) == 2 * count
        assert not any("polls with the same token" in text for text in world.owner.texts)
        told, counted = chat.closed_told(world.owner.texts)
        assert not told - lines
        assert sum(told.values()) + counted == sum(lines.values())
        assert world.differences() == []
    return gaps


def ends_well(world: Deployment) -> None:
    """The price stands still: what is kept and told is what the exchange says."""
    world.calm()
    until(lambda: not world.differences(), 60, "books that agree with the exchange")
    lines = Counter(world.closed())
    world.api.wait_for_sync(lambda: is_told(world.owner, lines), 30, "every closed trade")


def is_told(owner: Person, lines: Counter[str]) -> bool:
    told, counted = chat.closed_told(owner.texts)
    return sum((lines - told).values()) <= counted


def test_a_new_copy_takes_over_from_the_old_one_within_seconds(server: PostgresServer, tmp_path: Path) -> None:
    assert max(rolling(server, tmp_path, 1, seed=1)) < 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_fifty_deployments_under_load_double_and_lose_nothing(
    server: PostgresServer, tmp_path: Path, seed: int
) -> None:
    gaps = rolling(server, tmp_path, 10, seed)
    log.warning("nobody asked for %.1f s (median), %.1f s (most)", sorted(gaps)[len(gaps) // 2], max(gaps))
    assert max(gaps) < 10


def lease_end(world: Deployment) -> float:
    """When the lease ends unless it is renewed; seconds since 1970."""
    _, left, _ = world.holder()
    return time.time() + left


def takes_over(world: Deployment, new: Bot, ends: float) -> None:
    """Soon after the lease has ended, and it sends once nothing of the former holder can arrive any more."""
    first = world.first_order(new)
    assert ends - 0.2 <= became_holder(new) < ends + 10
    assert first.at_ms / 1000 >= ends + 5 - 0.2


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_after_a_kill_the_next_copy_trades_once_the_lease_is_over(
    server: PostgresServer, tmp_path: Path, attempt: int
) -> None:
    with deployed(BYBIT, server, tmp_path) as world:
        old = world.trades()
        new = world.copy()
        stands_by(new)
        time.sleep(attempt)
        old.kill()
        takes_over(world, new, lease_end(world))
        assert world.doubled() == []
        ends_well(world)
        assert new.stop()[0] == 0
        assert world.differences() == []


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_a_copy_that_was_frozen_past_its_lease_sends_nothing_and_ends(
    server: PostgresServer, tmp_path: Path, attempt: int
) -> None:
    with deployed(BYBIT, server, tmp_path) as world:
        old = world.trades()
        new = world.copy()
        stands_by(new)
        time.sleep(attempt)
        freeze(old)
        sent = len(world.sent(old))
        takes_over(world, new, lease_end(world))
        world.first_order(new, since=3)
        thaw(old)
        assert old.wait(15) == 75
        assert any("this copy ends" in line for line in old.errors.lines)
        assert len(world.sent(old)) == sent
        assert world.doubled() == []
        ends_well(world)
        assert new.stop()[0] == 0
        assert world.differences() == []
