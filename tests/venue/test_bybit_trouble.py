"""The loopback Bybit's streams and faults, as the real ccxt meets them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import ccxt.async_support as ccxt
import ccxt.pro
import pytest

from tests.venue.bybit import BybitVenue
from tests.venue.bybit_stage import PERP, SPOT, D, Stage, client, code, dress, heard, subscribed, told, until
from tests.venue.faults import AFTER, BEFORE, CANCEL, CREATE, CREATE_BATCH, NASTY, PRIVATE_STREAM, READ
from tests.venue.model import Actor, Ending
from tests.venue.server import threaded

# --- streams --------------------------------------------------------------------------------------


def test_streams_tell_of_orders_trades_balances_positions_and_books() -> None:
    async def story(here: Stage) -> None:
        here.ccxt.options["watchPositions"]["fetchPositionsSnapshot"] = False
        assert (await heard(here.ccxt.watch_bids_asks([SPOT])))[SPOT]["bid"] == "100.0"
        assert (await heard(here.ccxt.watch_order_book(PERP, 50)))["asks"][0][0] == 100.1
        assert (await heard(here.ccxt.watch_ticker(PERP)))["ask"] == "100.1"
        watches = {
            "order": here.ccxt.watch_orders(),
            "execution": here.ccxt.watch_my_trades(),
            "wallet": here.ccxt.watch_balance(),
            "position": here.ccxt.watch_positions(),
        }
        tasks = {topic: asyncio.ensure_future(heard(watch)) for topic, watch in watches.items()}
        await subscribed(here, *tasks)
        await here.buy("99", "s-1", PERP)
        (order,) = await tasks["order"]
        assert (order["clientOrderId"], order["status"], order["symbol"]) == ("s-1", "open", PERP)
        here.perp.move("98.8", "98.9")
        assert (await tasks["execution"])[0]["takerOrMaker"] == "maker"
        assert (await tasks["position"])[0]["contracts"] == "0.1"
        await tasks["wallet"]
        await heard(until(lambda: here.ccxt.orderbooks[PERP]["asks"][0][0] == 98.9))
        here.venue.cut_streams()
        with pytest.raises(ccxt.NetworkError):
            await heard(here.ccxt.watch_orders())

    told(story)


def test_the_event_may_come_before_the_reply() -> None:
    async def story(here: Stage) -> None:
        watching = asyncio.ensure_future(heard(here.ccxt.watch_orders()))
        await subscribed(here, "order")
        here.venue.faults.next("slow_reply", CREATE)
        creating = asyncio.ensure_future(here.buy("99", "early"))
        assert (await watching)[0]["clientOrderId"] == "early"
        assert not creating.done()
        await creating

    told(story)


def test_funding_comes_among_the_executions_of_the_stream() -> None:
    async def story(here: Stage) -> None:
        here.ccxt.options["watchMyTrades"]["execType"] = ["Funding"]
        await here.buy("101", symbol=PERP)
        watching = asyncio.ensure_future(heard(here.ccxt.watch_my_trades()))
        await subscribed(here, "execution")
        here.venue.ledger.pay_funding("BTCUSDT", "-0.001")
        (row,) = await watching
        assert (row["info"]["execType"], row["info"]["execFee"]) == ("Funding", "-0.010005")

    told(story)


def test_stream_faults_lose_double_delay_and_stall() -> None:
    async def story(here: Stage) -> None:
        task = asyncio.ensure_future(heard(here.ccxt.watch_orders()))
        await subscribed(here, "order")
        here.venue.faults.next("event_lost", PRIVATE_STREAM)
        await here.buy("99", "lost")
        here.venue.faults.next("event_twice", PRIVATE_STREAM)
        await here.buy("99", "twice")
        assert [order["clientOrderId"] for order in await task] == ["twice"]
        here.venue.stall_streams()
        await here.buy("99", "silent")
        with pytest.raises(asyncio.TimeoutError):
            while "silent" not in [o["clientOrderId"] for o in await asyncio.wait_for(here.ccxt.watch_orders(), 0.1)]:
                pass
        assert here.venue.faults.met == {"event_lost": 1, "event_twice": 1}

    told(story)


# --- trouble --------------------------------------------------------------------------------------

_MILD = ("slow_reply",)
_ANSWERED = ("garbage", "empty_body", "empty_object", "html")


@pytest.mark.parametrize("name", [name for name in (*BEFORE, *AFTER) if name not in _MILD + _ANSWERED])
def test_whether_an_order_stands_can_not_be_told_from_the_error(name: str) -> None:
    async def story(here: Stage) -> None:
        here.venue.faults.timing.hang_s = 0.08
        here.ccxt.timeout = 50
        here.venue.faults.next(name, CREATE)
        with pytest.raises(ccxt.BaseError):
            await here.buy("99", "who-knows")
        assert len(here.venue.witness.requests_of("who-knows")) == 1
        assert here.venue.faults.met[name] == 1
        stands = len(here.venue.ledger.orders_of(here.account, "who-knows"))
        assert stands == (name in AFTER)
        if name == "late_landing":
            here.venue.clock.forward(here.venue.faults.timing.late_ms)
            here.venue.ledger.run_due()
            assert len(here.venue.ledger.orders_of(here.account, "who-knows")) == 1

    told(story)


@pytest.mark.parametrize("name", _ANSWERED)
def test_an_answer_that_means_nothing_still_leaves_an_order_behind(name: str) -> None:
    async def story(here: Stage) -> None:
        here.venue.faults.next(name, CREATE)
        with suppress(ccxt.BaseError):
            assert (await here.buy("99", "odd"))["id"] is None
        assert len(here.venue.ledger.orders_of(here.account, "odd")) == 1

    told(story)


def test_reads_may_hide_a_new_order_lag_behind_and_withhold_a_trade() -> None:
    async def story(here: Stage) -> None:
        here.venue.faults.next("hidden_order")
        here.venue.faults.next("late_trade")
        await here.buy("99", "shy")
        assert await here.ccxt.fetch_open_orders(SPOT) == []
        here.venue.clock.forward(here.venue.faults.timing.hidden_ms)
        assert len(await here.ccxt.fetch_open_orders(SPOT)) == 1
        here.venue.faults.next("stale_snapshot", READ)
        assert await here.ccxt.fetch_open_orders(SPOT) == []
        here.spot.move("98")
        assert await here.ccxt.fetch_my_trades(SPOT) == []
        here.venue.clock.forward(here.venue.faults.timing.hidden_ms)
        assert len(await here.ccxt.fetch_my_trades(SPOT)) == 1

    told(story)


def test_a_request_inside_the_window_of_a_rate_limit_is_a_violation() -> None:
    async def story(here: Stage) -> None:
        here.venue.limits["/v5/account/wallet-balance"] = 2
        await here.ccxt.fetch_balance()
        await here.ccxt.fetch_balance()
        assert await code(here.ccxt.fetch_balance(), ccxt.RateLimitExceeded) == "10006"
        assert int(here.ccxt.last_response_headers["X-Bapi-Limit-Reset-Timestamp"]) > here.venue.clock()
        assert here.venue.witness.violations() == []
        assert await code(here.ccxt.fetch_balance()) == "10006"
        assert len(here.venue.witness.violations()) == 1
        here.venue.clock.forward(1000)
        await here.ccxt.fetch_balance()

    told(story)


def test_a_person_and_the_venue_may_cancel_when_the_market_moves() -> None:
    async def story(here: Stage) -> None:
        orders = [await here.buy("99"), await here.buy("98")]
        here.venue.faults.next("person_cancels")
        here.venue.faults.next("venue_cancels")
        here.spot.move("100.01")
        ended = {(await here.status(order["id"]))[1] for order in orders}
        assert ended == {"CancelByUser", "CancelByAdmin"}
        assert {order.ending for order in here.venue.ledger.orders.values()} == {Ending.HAND, Ending.VENUE}

    told(story)


def test_under_every_fault_at_once_the_ledger_still_balances() -> None:
    async def story(here: Stage) -> None:
        venue = here.venue
        venue.faults.use({key: chance * 4 for key, chance in NASTY.items()})
        venue.faults.timing.hang_s = venue.faults.timing.slow_s = 0.001
        venue.faults.timing.window_ms = venue.faults.timing.maintenance_ms = 5
        for number in range(120):
            here.spot.walk(venue.ledger.rng)
            price = str(here.spot.bid.quantize(D("0.01")))
            works = {
                CREATE: here.buy(price, f"c{number}"),
                CREATE_BATCH: here.ccxt.fetch_open_orders(SPOT),
                CANCEL: here.ccxt.cancel_all_orders(SPOT),
                READ: here.ccxt.fetch_my_trades(SPOT),
            }
            for kind, work in works.items():
                if kind is not CANCEL or number % 10 == 0:
                    await asyncio.gather(work, return_exceptions=True)
                else:
                    work.close()
        assert len(venue.faults.met) > 15
        assert venue.witness.duplicates() == {}
        fills = venue.ledger.fills_of(here.account)
        bought = sum((fill.amount * fill.order.side.sign - (fill.fee_coin == "BTC") * fill.fee for fill in fills), D(0))
        assert here.account.wallet["BTC"] == 1 + bought
        assert {order.wish.by for order in venue.ledger.orders.values()} == {Actor.API}

    told(story)


# --- in a thread ----------------------------------------------------------------------------------


def test_the_venue_runs_in_a_thread_of_its_own() -> None:
    venue = BybitVenue()
    spot, _, account = dress(venue)

    async def story() -> None:
        exchange = client(venue)
        try:
            await exchange.create_order(SPOT, "limit", "buy", "0.1", "99")
        finally:
            await exchange.close()

    with threaded(venue):
        asyncio.run(story())
        spot.move("98")
    assert len(venue.ledger.fills_of(account)) == 1
