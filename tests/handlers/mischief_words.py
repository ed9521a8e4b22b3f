"""What is sent to a bot by people who know how, who nearly know, and who try: words, callback data, attachments.

The rule: data only; who sends it, and when, is `mischief.py`.
"""

from __future__ import annotations

from typing import Any

GRIDS = [
    "-1% +1% 5 0.001 0.5% loop", "-1% +1% 9 0.0005 0.4% loop above=wait", "-0.5% +0.5% 4 0.002 0.5%",
    "eth -2% +2% 7 0.01 0.6% loop", "sol -3% +1% 3 1 1% loop", "btc 60000 65000 6 2000USDT 0.5% loop",
    "BTC/USDT 60,000 65k 5 0.001 0.5 loop", "-1% +1% 5 500usdt 0.5% loop stop=62000",
    "-1% +1% 3 0.001 0.5% take=62600", "-0.3% +0.3% 24 0.0005 0.4% loop",
    "60000 62000 10 0.001 0.5 stop=59000 stop_sell=yes", "-1% +1% 2 0.001 0.01%", "60000 62000 5 1,000 0.5",
    "1 2 3 0.001 0.5", "65000 60000 5 0.001 0.5", "-1% +1% 0 0.001 0.5%", "-1% +1% 1 9999 1%",
    "-1% +1% 2001 0.001 0.5%", "-1% +1% 150 0.0002 0.5%", "doge -1% +1% 5 1 1%", "NaN inf 5 1e9 -0%", "btc",
    "eth usdt", "-1% +1% 3 0.00001 0.5%", "-99.9% +10000% 9 0.001 0.5% force",
    "-1% +1% 9 0.001 0.5% mean=62000 sigma=3 loop",
]  # fmt: skip
EDITS = [
    "count=9", "profit=0.6%", "count=30 profit=0.7%", "qty=0.002", "min=-1% max=+1%", "stop=50000", "stop=none",
    "loop=no", "budget=900", "count=1", "count=0", "min=1", "above=wait", "take=70000 stop=69000",
    "profit=0.0001%", "x=1", "=", "",
]  # fmt: skip
WORDS: dict[str, list[str]] = {
    "linear": GRIDS,
    "normal": GRIDS,
    "geometric": GRIDS,
    "new": ["", "", "", "eth", "sol normal -1% +1% 4 1000usdt 1% loop", *GRIDS[:3]],
    "backtest": ["", "linear", "linear -1% +1% 5 0.001 0.5% loop days=0", "days=1", "cubic 1 2 3", "-1% +1% 9 days=61"],
    "pnl": ["", "day", "week ID", "month", "all ID", "ID day", "year", "ID ID"],
    "trades": ["", "5", "0", "1000", "1.5", "-1", "99999999999999999999"],
    "logs": ["", "5", "0", "lots"],
    "price": ["", "btc", "eth", "ETH/USDT", "doge", "btc eth"],
    "alerts": ["", "fills off", "alarms off", "trades digest", "levels silent", "fills", "everything off", "off fills"],
    "restore": ["", "rexlapis-tst-20261122T100000Z.json.gz", "../../etc/passwd", "g1", "rexlapis"],
    "start": ["", "", "claim", "x" * 64],
}
"""What follows a command; ID stands for the id of some grid or level. All others are followed by one, or nothing."""
STEPS = [
    "btc", "eth", "linear", "normal", "geometric", "60000 65000", "-1% +1%", "5%", "±2%", "week", "5", "20",
    "0.001", "2000usdt", "25%", "smallest", "0.5%", "yes", "no", "once", "loop", "back", "suggest", "cancel",
    "count=6 profit=0.6%", "mean=62000", "mean=1", "stop=50000 take=70000", "above=wait", "force", "budget=1",
    "min=60000", "symbol=sol", "1,000", "60k 65k", "g1", "0", "99999", "-1% +1% 4 0.001 0.5% loop",
]  # fmt: skip
ABSURD = [
    "=", "%", "-", "—1%", "1e9", "-0", "0x10", "٣٤٥", "１２", "½", "∞", "NaN", "null", "None",
    "g1; DROP TABLE grids", "%s%n", "{0}", "<b>", "</pre>", "&amp;", "<a href='tg://user?id=7'>", "&#0;",
    "\u202eover", "\u200b", "مرحبا ١٠٠", "שלום 5", "Ме́сто", "сancel", "ВТС", "Сreate", "🤷‍♀️🏳️‍🌈",
    "👨‍👩‍👧‍👦" * 9, "a\u0301" * 30, "\ud7ff", "\U0010ffff", "\x01\x02", "x" * 300, "9" * 400,
    "0." + "0" * 300 + "1", "1,2,3", "1.2.3", "1,234.5,6", "+ -", "g", "g0", "g1.", "g1.1.1", "G01", "#1.2",
    "all", "ALL", "g99999999999", "g-1", "=5", "count==5", "count=5=6", "loop loop", "force force",
    "@loopback_bot", "/", "//start",
]  # fmt: skip
FORGED = [
    "", ":", "create:", "create", "create:0", ":x", "sell_now:a1", "panic:deadbeef0000", "apply:" + "f" * 12,
    "restore:z", "guide_0:x", "guide_99:y", "guide_-1:q", "guide_rest:", "new:", "new:q", "now:x",
    "alert_fills:", "alert_alarms:1", "card_stop:g1", "leaf:::", "x" * 64, "создать:1", "🤷:1", "\n:\n",
    "create:create:create", "again:1", "without:1", "live:1", "rebuild:x", "follow:y", "go_on:",
    "candles_1d:nonce", "backtest:", "cancel:g1", "CREATE:1", "create :1", "[object Object]",
]  # fmt: skip
TELEGRAM = {"id": 777_000, "is_bot": False, "first_name": "Telegram"}
"""Who posts of a channel come from in a discussion."""
FAR = [0, 1, 1_000_000_000, 2**31 - 1, 2**32]
"""Moments no client is in, in Unix time."""


def attachments() -> dict[str, Any]:
    """What a message may hold beside a text, as the Bot API shows it."""
    file = {"file_id": "AwA", "file_unique_id": "u1"}
    return {
        "contact": {"phone_number": "+100", "first_name": "</b>", "user_id": 7},
        "location": {"latitude": 1.5, "longitude": -2.5},
        "sticker": {**file, "type": "regular", "width": 1, "height": 1, "is_animated": False, "is_video": False},
        "voice": {**file, "duration": 1},
        "video_note": {**file, "duration": 1, "length": 1},
        "dice": {"emoji": "🎲", "value": 6},
        "poll": poll(),
        "venue": {"location": {"latitude": 0.0, "longitude": 0.0}, "title": "t", "address": "a"},
        "game": {"title": "g", "description": "d", "photo": []},
        "invoice": {"title": "i", "description": "d", "start_parameter": "", "currency": "XTR", "total_amount": 1},
        "pinned_message": {"message_id": 1, "date": 0, "chat": {"id": 7, "type": "private"}},
        "successful_payment": {
            "currency": "XTR", "total_amount": 1, "invoice_payload": "create", "telegram_payment_charge_id": "a",
            "provider_payment_charge_id": "b",
        },
        "web_app_data": {"data": "create:1", "button_text": "Create"},
        "users_shared": {"request_id": 1, "users": [{"user_id": 666}]},
        "write_access_allowed": {},
        "message_auto_delete_timer_changed": {"message_auto_delete_time": 1},
        "new_chat_title": "t",
        "delete_chat_photo": True,
        "something_of_tomorrow": {"a": [1]},
    }  # fmt: skip


def poll() -> dict[str, Any]:
    """A poll that asks for trouble."""
    return {
        "id": "1", "question": "/panic?", "options": [], "total_voter_count": 0, "is_closed": False,
        "is_anonymous": True, "type": "regular", "allows_multiple_answers": False, "allows_revoting": False,
    }  # fmt: skip
