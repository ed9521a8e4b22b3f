"""The loopback Binance when things go wrong: limits, bans, lost answers, late truths.

The rule: each story says what the client was told, and what was true all the while.
"""

from __future__ import annotations

from typing import Any

import ccxt.pro as ccxt
import pytest

from tests.venue.binance import BinanceVenue
from tests.venue.binance_stories import PAIR, buy, told
from tests.venue.faults import CREATE


def test_every_answer_tells_the_weight_used_and_too_much_of_it_is_refused_until_the_minute_is_over() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        venue.clock.forward(-venue.clock() % 60_000)  # to the beginning of a minute
        venue.check_time, venue.weight_limit = False, 41
        for used in ("20", "40"):
            await exchange.private_get_account()
            assert exchange.last_response_headers["x-mbx-used-weight-1m"] == used
        with pytest.raises(ccxt.DDoSProtection, match=r"429.*-1003"):
            await exchange.private_get_account()
        assert 0 < int(exchange.last_response_headers["Retry-After"]) <= 60
        venue.clock.forward(60_000)
        await exchange.private_get_account()

    assert told(story).witness.violations() == []


def test_who_goes_on_knocking_inside_the_window_is_banned() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        venue.patience, venue.check_time = 2, False
        venue.faults.next("rate_limited")
        for _ in range(2):
            with pytest.raises(ccxt.DDoSProtection, match="429"):
                await exchange.public_get_time()
        with pytest.raises(ccxt.DDoSProtection, match=r"418.*banned until"):
            await exchange.public_get_time()
        assert exchange.last_response_headers["Retry-After"] == "120"
        venue.clock.forward(venue.ban_ms)
        await exchange.public_get_time()

    assert len(told(story).witness.violations()) == 2


def test_too_many_orders_in_ten_seconds_are_refused_and_nothing_says_when_to_return() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        venue.desk.order_limit = 1
        await buy(exchange, "first")
        with pytest.raises(ccxt.DDoSProtection, match="-1015"):
            await buy(exchange, "second")
        assert "Retry-After" not in exchange.last_response_headers

    told(story)


def test_in_maintenance_only_the_system_status_answers() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        assert (await exchange.fetch_status())["status"] == "ok"
        venue.faults.next("maintenance")
        for _ in range(2):
            with pytest.raises(ccxt.OnMaintenance):
                await exchange.public_get_time()
        assert (await exchange.fetch_status())["status"] == "maintenance"

    told(story)


@pytest.mark.parametrize(
    ("fault", "error", "placed"),
    [
        ("request_lost", ccxt.NetworkError, False),
        ("error_before", ccxt.ExchangeNotAvailable, False),
        ("reply_lost", ccxt.NetworkError, True),
        ("truncated", ccxt.ExchangeError, True),
        ("error_after", ccxt.OperationFailed, True),
        ("timeout_408", ccxt.RequestTimeout, True),
        ("gateway_504", ccxt.NetworkError, True),
    ],
)
def test_an_order_whose_answer_went_wrong_is_found_by_its_client_id(
    fault: str, error: type[Exception], placed: bool
) -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        await exchange.load_markets()
        venue.faults.next(fault, on=CREATE)
        with pytest.raises(error):
            await buy(exchange, "mine")
        if placed:
            assert (await exchange.fetch_order(None, PAIR, {"clientOrderId": "mine"}))["status"] == "open"
        else:
            with pytest.raises(ccxt.OrderNotFound):
                await exchange.fetch_order(None, PAIR, {"clientOrderId": "mine"})

    venue = told(story)
    assert len(venue.witness.attempts_of("mine")) == placed
    assert len(venue.witness.requests_of("mine")) == 2


@pytest.mark.parametrize("fault", ["garbage", "html", "empty_body", "empty_object"])
def test_ccxt_takes_an_answer_without_meaning_for_an_order_without_an_id(fault: str) -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        venue.faults.next(fault, on=CREATE)
        answer = await buy(exchange, "mine")
        assert (answer["id"], answer["status"]) == (None, None)

    assert len(told(story).witness.attempts_of("mine")) == 1


def test_an_order_may_land_after_its_request_was_given_up() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        await exchange.load_markets()
        venue.faults.timing.late_ms = 3000
        venue.faults.next("late_landing", on=CREATE)
        with pytest.raises(ccxt.NetworkError):
            await buy(exchange, "mine")
        assert await exchange.fetch_open_orders(PAIR) == []
        venue.clock.forward(3000)
        venue.check_time = False
        assert [order["clientOrderId"] for order in await exchange.fetch_open_orders(PAIR)] == ["mine"]

    told(story)


def test_a_new_order_may_be_hidden_from_reads_and_can_be_cancelled_all_the_same() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        venue.faults.timing.hidden_ms = 3000
        venue.faults.next("hidden_order")
        placed = await buy(exchange)
        with pytest.raises(ccxt.OrderNotFound, match="-2013"):
            await exchange.fetch_order(placed["id"], PAIR)
        await exchange.cancel_order(placed["id"], PAIR)
        venue.clock.forward(3000)
        venue.check_time = False
        assert (await exchange.fetch_order(placed["id"], PAIR))["status"] == "canceled"

    told(story)


def test_open_orders_may_be_those_of_a_while_ago() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        placed = await buy(exchange)
        venue.clock.forward(400)
        await exchange.cancel_order(placed["id"], PAIR)
        venue.faults.timing.stale_ms = 200
        venue.faults.next("stale_snapshot")
        assert [order["id"] for order in await exchange.fetch_open_orders(PAIR)] == [placed["id"]]
        assert await exchange.fetch_open_orders(PAIR) == []

    told(story)
