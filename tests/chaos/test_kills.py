"""`kill -9` of the real worker in the middle of real trading, again and again, while the exchange misbehaves.

Rule: the worker runs as its user starts it, live on a loopback exchange in a thread of the test, commanded through a
pipe; its files are all that a next start knows. The moments are drawn from a seed.
"""

from __future__ import annotations

import math
import os
import random
import time
from pathlib import Path

import pytest

from tests.chaos import oracle
from tests.chaos.places import BINANCE, BYBIT, BYBIT_LINEAR, FUNDS, START, Place, settings
from tests.chaos.tally import Story, Tally
from tests.flows.process import Bot, until
from tests.venue.faults import CALM, NASTY, Plan
from tests.venue.server import threaded

GRID = "/linear 59200 59800 3 0.003 0.5 loop"
LOUD = {"TICK_SECONDS": "0.2", "DAILY_REPORT_AT": ""}
RUDE = {"maintenance", "person_cancels", "stream_stalled", "clock_skew"}
"""Left out where time is real: they make everybody wait for long, or for a person."""
CONVERGES = 90.0


def rough(luck: random.Random) -> Plan:
    return {key: chance * luck.choice((0.3, 1.0)) for key, chance in NASTY.items() if key[0] not in RUDE}


class Killed:
    """A story of one worker that is killed again and again."""

    def __init__(self, place: Place, folder: Path, seed: int, *, rude: bool) -> None:
        self.luck = random.Random(seed)
        self.name = f"seed {seed} ({place.name}), killed"
        self.venue = place.open(seed)
        timing = self.venue.faults.timing
        timing.hang_s, timing.late_ms, timing.hidden_ms, timing.window_ms = 0.7, 1_500, 1_500, 1_000
        self.place, self.folder, self.rude = place, folder, rude
        self.market = place.market(self.venue)
        funds = {coin: self.venue.ledger.accounts["key"].wallet[coin] for coin in FUNDS}
        self.case = oracle.Case(place, self.venue, funds, folder / "results")
        self.kills = 0
        self.wrong: list[str] = []

    def bot(self) -> Bot:
        return Bot(self.folder, {**settings(self.place, self.venue, timeout_ms=500), **LOUD})

    def wave(self) -> None:
        """The price goes up and down with time."""
        price = START - 500 + int(700 * math.sin(time.monotonic() * 1.5)) + self.luck.randint(-60, 60)
        self.market.move(price, price + 1)

    def trade(self, seconds: float) -> None:
        until_at = time.monotonic() + seconds
        while time.monotonic() < until_at:
            self.wave()
            time.sleep(0.05)

    def begin(self) -> None:
        """The first start: the owner confirms the account and makes a grid; then it dies."""
        with self.bot() as bot:
            bot.out.wait_for("Trade live?")
            bot.say("1", GRID)
            create = bot.out.wait_for("] ✅ Create")
            bot.say(create.partition("[")[2].partition("]")[0])
            bot.out.wait_for("created")
            if self.rude:
                self.venue.faults.use(rough(self.luck))
            self._die(bot, self.luck.uniform(0, 0.5))

    def _die(self, bot: Bot, seconds: float) -> None:
        self.trade(seconds)
        bot.kill()
        self.kills += 1
        self.wrong += oracle.doubled(self.case, oracle.kept(self.case.folder))

    def live_and_die(self) -> None:
        with self.bot() as bot:
            before = len(self.venue.witness.calls)
            if self.luck.random() < 0.8:
                until(lambda: len(self.venue.witness.calls) > before + 3, what="a request")
            self._die(bot, self.luck.uniform(0, 1.2))

    def end_in_peace(self) -> None:
        """A life that is not cut short, with a venue that behaves: they agree, and stay agreed."""
        self.venue.faults.use(CALM)
        before = len(self.venue.witness.calls)
        with self.bot() as bot:
            until(lambda: len(self.venue.witness.calls) > before + 8, what="a life")
            deadline, calm = time.monotonic() + CONVERGES, 0
            while calm < 6:
                found = self.unsettled()
                calm = 0 if found else calm + 1
                if time.monotonic() > deadline or not bot.is_running:
                    self.wrong += found
                    break
                time.sleep(0.2)
            code, _ = bot.stop()
            self.wrong += [f"it ended with {code}"] if code else []
            self.wrong += [line for line in bot.errors.lines if "Traceback" in line]
        self.wrong += oracle.differences(self.case, oracle.kept(self.case.folder))

    def unsettled(self) -> list[str]:
        """What is different, and whose order is still to come."""
        belief = oracle.kept(self.case.folder)
        bare = [key for key, each in belief.executors.items() if each.order is None or not each.order.rests]
        return [*oracle.differences(self.case, belief), *(f"{key} has nothing on the book" for key in bare)]

    def story(self) -> Story:
        ledger = self.venue.ledger
        counts = (self.kills, len(ledger.fills), oracle.kept(self.case.folder).totals.trades, len(ledger.orders))
        return Story(self.name, self.wrong, *counts, len(self.venue.witness.calls), dict(self.venue.faults.met))


def a_life_of_kills(place: Place, folder: Path, seed: int, kills: int, *, rude: bool = True) -> Tally:
    killed = Killed(place, folder, seed, rude=rude)
    with threaded(killed.venue):
        killed.begin()
        while killed.kills < kills:
            killed.live_and_die()
        killed.end_in_peace()
    tally = Tally()
    tally.add(killed.story())
    if path := os.environ.get("CHAOS_TABLE"):
        tally.write(Path(path))
    return tally


def test_nothing_is_doubled_or_lost_when_the_worker_is_killed_while_it_trades_live(tmp_path: Path) -> None:
    tally = a_life_of_kills(BYBIT, tmp_path, seed=1, kills=2, rude=False)
    assert tally.violations == []
    assert tally.counts["orders"] >= 3


@pytest.mark.slow
@pytest.mark.parametrize("place", [BINANCE, BYBIT, BINANCE, BYBIT_LINEAR], ids=str)
@pytest.mark.parametrize("seed", range(10, 15))
def test_nothing_is_doubled_or_lost_by_ten_kills(tmp_path: Path, place: Place, seed: int) -> None:
    tally = a_life_of_kills(place, tmp_path, seed, kills=10)
    assert tally.violations == []
    assert tally.counts["orders"] > 0
