"""Looking, in the chat: status, grids, orders, the market, why; with the real application, trader and market."""

from decimal import Decimal
from pathlib import Path

from handlers.commands import COMMANDS
from tests.handlers.trading_stage import Stage, play

QUIET = "60000 61000 3 0.001 0.5%"
"""Below the market: its buys rest and nothing trades."""


def test_the_greeting_names_the_first_step(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        told = await stage.ask("/start", "Hello Olga")
        assert told.startswith("Hello Olga. I trade grids")
        begin = await stage.owner.wait_for("Begin with New grid or /new")
        assert [button.text for button in begin.now.buttons] == ["➕ New grid"]
        assert "made and steered by the owner" in await stage.ask("/start", person=stage.viewer)

    play(story, tmp_path)


def test_help_is_made_from_the_table_for_whoever_asks(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        told = await stage.ask("/help")
        assert all(f"/{command.name}" in told and command.help in told for command in COMMANDS)
        seen = await stage.ask("/help", person=stage.viewer)
        assert "/status" in seen and "/panic" not in seen

    play(story, tmp_path)


def test_without_grids_every_page_says_what_to_do_next(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        nothing = "No grid runs. /new makes one step by step; /help lists everything."
        assert await stage.ask("/status") == f"{nothing}\n11:00:00, heartbeat 0 s ago"
        assert await stage.ask("/grids") == nothing
        assert (await stage.ask("/orders")).startswith("No order of this bot rests on the book.")
        assert await stage.ask("/balance") == "Balance\nUSDT 10,000"

    play(story, tmp_path)


def test_status_is_one_glance(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid(QUIET)
        told = await stage.ask("/status")
        assert told.splitlines() == [
            "BTC/USDT 62,500",
            "g1 running, 3 orders, 0 holding",
            "60,000 ▕···········▏▸ 61,000 above the range",
            "Next: buys 61,000 (−2.40 %)",
            "Today no trade, in all 0 USDT",
            "11:00:00, heartbeat 0 s ago",
        ]

    play(story, tmp_path)


def test_status_shows_the_profit_of_today(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        await stage.pass_time(60)
        told = await stage.ask("/status", "Next:")
        totals = stage.manager.state.total("all:USDT")
        assert f" in {totals.trades} trades, in all " in told
        assert "Today +" in told
        assert "●" in told

    play(story, tmp_path)


def test_status_tells_trouble_first(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.manager.heartbeat.troubles["exchange"] = "<timeout>"
        assert (await stage.ask("/status")).startswith("⚠️ Exchange: <timeout>\n")

    play(story, tmp_path)


def test_grids_lists_each_with_its_counts(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid(QUIET)
        await stage.grid("eth 3000 3100 2 0.01 0.5%")
        await stage.ask("/pause g2", "paused")
        assert await stage.ask("/grids") == (
            "2 grids\n"
            "g1 BTC/USDT linear, running\n60,000 … 61,000, 3 levels: 3 resting, 0 holding; 0 USDT\n"
            "g2 ETH/USDT linear, ⏸ paused\n3,000 … 3,100, 2 levels: 0 resting, 0 holding; 0 USDT\n"
            "/grid g1 looks at one, /pnl at the profit."
        )

    play(story, tmp_path)


def test_very_many_orders_come_in_pages(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("50000 62000 300 0.0002 0.5%")
        assert "300 orders on the book" in await stage.ask("/orders", "300  buy 62,000.00 0.0002 −0.80%")
        assert "275  buy" in await stage.press("›", "275  buy")
        assert "2 of 12" in stage.owner.last.now.buttons[-1].text
        await stage.press("»", " 1  buy 50,000.00")
        await stage.owner.press("›").wait()  # beyond the end is the end
        assert "12 of 12" in stage.owner.last.now.buttons[-1].text
        await stage.press("«", "300  buy 62,000.00")

    play(story, tmp_path)


def test_an_ended_grid_can_still_be_looked_at(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid(QUIET)
        await stage.ask("/stop g1", "Stop g1?")
        await stage.press("Keep coins", "g1 ends")
        await stage.pass_time(1000, beat=100)
        await stage.manager.fold()
        told = await stage.ask("/grid g1", "g1 BTC/USDT")
        assert "ended (by a person)" in told and "its trades stay in /pnl all g1" in told
        assert "No level of it is left" in await stage.ask("/why g1", "g1 BTC/USDT")
        assert "There is no grid or level" in await stage.ask("/why g1.1")
        assert "Profit of g1, all time" in await stage.ask("/pnl g1")

    play(story, tmp_path)


def test_orders_stand_nearest_first(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid(QUIET)
        assert await stage.ask("/orders") == (
            "3 orders on the book\n"
            "g1 BTC/USDT, 3 orders, price 62,500\n"
            "# does     at amount   away\n"
            "3  buy 61,000  0.001 −2.40%\n"
            "2  buy 60,500  0.001 −3.20%\n"
            "1  buy 60,000  0.001    −4%"
        )

    play(story, tmp_path)


def test_the_price_names_any_market(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        told = "BTC/USDT at 11:00:00\nbid 62,500.00, ask 62,500.03, spread 0.03 (0.000048 %)"
        assert await stage.ask("/price") == told
        assert (await stage.ask("/price ethusdt")).startswith("ETH/USDT at 11:00:00\nbid 3,400.00, ask ")
        assert "isn't a market here" in await stage.ask("/price <b>")
        assert "more than was expected. Example: /price BTC/USDT" in await stage.ask("/price btc eth")
        await stage.grid(QUIET)
        assert "g1 60,000 ▕" in await stage.ask("/price btc")

    play(story, tmp_path)


def test_the_balance_says_what_rests_and_what_grids_hold(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid(QUIET)
        assert await stage.ask("/balance") == "Balance\nUSDT 10,000 (9,818.5 free, 181.5 in orders)"
        await stage.grid("63000 64000 5 0.001 0.5%")
        await stage.pass_time(40)
        assert "of it grids hold 0.00" in await stage.ask("/balance", "Balance")

    play(story, tmp_path)


def test_why_speaks_of_a_level_and_draws_like_levels_together(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid(QUIET)
        assert await stage.ask("/why g1") == (
            "g1 BTC/USDT: running\nLevels 1–3: buy on the book: its order rests at its target. "
            "It trades when the price gets there.\n/why g1.1 looks at one level."
        )
        assert await stage.ask("/why 1.2") == (
            "g1.2 buys 0.001 at 60,500, sells at 60,802.5; cycle 1\n"
            "Buy on the book: its order rests at its target.\n"
            "On the book: buy 0.001 at 60,500 (−3.20 % from the price).\n"
            "It trades when the price gets there."
        )
        await stage.ask("/pause g1.2", "paused")
        told = await stage.ask("/why g1.2", "g1.2 buys")
        assert "The level itself is paused: /resume g1.2 goes on." in told
        told = await stage.ask("/why g1", "running")
        assert (
            "Level 2: to buy: its entry is off the book while it is paused" in told
            and "Levels 1, 3: buy on the book" in told
        )

    play(story, tmp_path)


def test_why_names_the_last_refusal_and_the_next_try(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 3 0.001 0.5% force")
        await stage.manager.beat()
        told = await stage.ask("/why g1", "running")
        assert "Levels 1–2: to buy: the exchange refused it for want of funds. It is tried once a minute" in told
        assert "Next try at 11:0" in told
        level = told.partition("The exchange said to ")[2].partition(":")[0]
        told = await stage.ask(f"/why {level}", f"{level} buys")
        assert "The exchange said: not enough funds" in told and "Next try at 11:0" in told

    play(story, tmp_path, funds={"USDT": Decimal(100)})


def test_an_id_is_asked_for_where_one_is_missing(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert "The id of a grid or a level is missing. Example: /" in await stage.ask("/why")
        assert "There is no grid or level" in await stage.ask("/why g4")
        assert "isn't the id of" in await stage.ask("/why <i>")

    play(story, tmp_path)


def test_very_many_grids_stay_readable(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for _ in range(30):
            await stage.grid("60000 61000 1 0.0001 0.5%")
        told = await stage.ask("/status")
        assert "… and 18 more grids: /grids" in told
        assert (await stage.ask("/grids")).startswith("30 grids\n")
        assert "Panic?" in await stage.ask("/panic")
        told = await stage.ask("/stop all", "Stop g1")
        assert "and 20 more?" in told
        await stage.press("Keep coins", "end: 30 orders leave the book")
        await stage.manager.beat()
        assert await stage.ask("/grids", "No grid runs")

    play(story, tmp_path)
