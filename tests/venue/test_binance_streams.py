"""The loopback Binance's websockets, as ccxt.pro hears them.

The rule: a story first makes sure that the connection stands, then lets something happen; nothing waits for time.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import ccxt.pro as ccxt
import pytest

from tests.venue.binance import BinanceVenue
from tests.venue.binance_stories import PAIR, begin, buy, client, told
from tests.venue.faults import CREATE, PRIVATE_STREAM


def test_best_prices_are_told_at_once_and_when_they_move() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        first = await exchange.watch_bids_asks([PAIR])
        assert (first[PAIR]["bid"], first[PAIR]["ask"]) == ("50000.00000000", "50000.01000000")
        watch = await begin(exchange.watch_bids_asks([PAIR]))
        venue.desk.market_named("BTCUSDT").move("49000.00", "49000.05")
        assert (await watch)[PAIR]["ask"] == "49000.05000000"
        assert (await exchange.watch_ticker(PAIR))["last"] == "49000.00000000"

    told(story)


def test_a_book_is_a_snapshot_and_the_changes_that_follow() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        book = await exchange.watch_order_book(PAIR)
        assert book["bids"][0] == [50000.0, 1000.0]
        watch = await begin(exchange.watch_order_book(PAIR))
        venue.desk.market_named("BTCUSDT").move("49999.00", "49999.01")
        book = await watch
        assert (book["bids"][0], book["asks"][0]) == ([49999.0, 1000.0], [49999.01, 1000.0])
        assert book["nonce"] == venue.desk.books["BTCUSDT"].update_id

    told(story)


def test_an_order_is_told_to_its_owner_state_by_state() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        await exchange.load_markets()
        await exchange.authenticate()
        watch = await begin(exchange.watch_orders(PAIR))
        placed = await buy(exchange, "mine")
        assert [order["status"] for order in await watch] == ["open"]
        watch = await begin(exchange.watch_orders(PAIR))
        venue.ledger.partial_fills = 1.0
        venue.desk.market_named("BTCUSDT").move("48999.00")
        (partly,) = await watch
        assert (partly["status"], partly["clientOrderId"], partly["id"]) == ("open", "mine", placed["id"])
        assert 0 < float(partly["filled"]) < 0.01
        watch, trades = await begin(exchange.watch_orders(PAIR)), await begin(exchange.watch_my_trades(PAIR))
        venue.ledger.partial_fills = 0.0
        venue.desk.market_named("BTCUSDT").move("48998.00")
        (whole,) = await watch
        assert (whole["status"], whole["filled"]) == ("closed", "0.01000000")
        assert {trade["takerOrMaker"] for trade in await trades} == {"maker"}
        assert len(exchange.myTrades) == len(venue.ledger.fills) == 2

    told(story)


def test_an_order_may_be_told_before_its_request_is_answered() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        await exchange.load_markets()
        await exchange.authenticate()
        watch = await begin(exchange.watch_orders(PAIR))
        venue.faults.next("slow_reply", on=CREATE)
        request = await begin(buy(exchange, "mine"))
        assert [order["clientOrderId"] for order in await watch] == ["mine"]
        assert not request.done()
        assert (await request)["status"] == "open"

    told(story)


def test_a_cancel_is_told_with_both_ids() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        placed = await buy(exchange, "mine")
        await exchange.authenticate()
        watch = await begin(exchange.watch_orders(PAIR))
        gone = await exchange.cancel_order(placed["id"], PAIR)
        (order,) = await watch
        assert (order["status"], order["clientOrderId"]) == ("canceled", "mine")
        assert (order["info"]["c"], order["info"]["C"]) == (gone["clientOrderId"], "mine")

    told(story)


def test_money_is_told_when_it_is_locked() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        await exchange.load_markets()
        await exchange.authenticate()
        watch = await begin(exchange.watch_balance())
        await buy(exchange)
        assert (await watch)["USDT"] == {"free": "9510.00000000", "used": "490.00000000", "total": "10000"}

    told(story)


def test_the_owners_stream_needs_the_right_signature() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        async with client(venue, secret="wrong") as stranger:
            with pytest.raises(KeyError) as slip:  # ccxt trips over its own tidying up
                await stranger.authenticate()
        assert isinstance(slip.value.__context__, ccxt.AuthenticationError)
        assert "-1022" in str(slip.value.__context__)

    told(story)


def test_an_event_that_is_lost_is_only_seen_by_reading() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        first = await buy(exchange, "first")
        await exchange.authenticate()
        watch = await begin(exchange.watch_orders(PAIR))
        venue.faults.next("event_lost", on=PRIVATE_STREAM, times=2)  # the report and the balance
        await exchange.cancel_order(first["id"], PAIR)
        await buy(exchange, "second")
        assert [order["clientOrderId"] for order in await watch] == ["second"]
        assert (await exchange.fetch_order(first["id"], PAIR))["status"] == "canceled"

    told(story)


def test_a_server_that_goes_away_says_so_and_the_client_comes_back() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        await exchange.load_markets()
        await exchange.authenticate()
        watch = await begin(exchange.watch_orders(PAIR))
        venue.streams.announce_shutdown()
        venue.cut_streams()
        with pytest.raises(ccxt.NetworkError):
            await watch
        await exchange.authenticate()
        watch = await begin(exchange.watch_orders(PAIR))
        await buy(exchange, "mine")
        assert [order["clientOrderId"] for order in await watch] == ["mine"]

    told(story)


def test_frames_are_answered_as_binance_answers_them() -> None:
    async def story(venue: BinanceVenue, exchange: Any) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(venue.ws_url + "/stream") as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 1})
            assert await socket.receive_json() == {"result": None, "id": 1}
            event = await socket.receive_json()
            assert (event["stream"], event["data"]["s"]) == ("btcusdt@bookTicker", "BTCUSDT")
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
            assert await socket.receive_json() == {"result": ["btcusdt@bookTicker"], "id": 2}
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@nothing"], "id": 3})
            assert (await socket.receive_json())["error"]["code"] == 2

    told(story)
