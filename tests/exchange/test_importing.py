"""ccxt imported without the exchanges nobody asked for."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def said(script: str) -> Any:
    """What a fresh interpreter prints, as JSON."""
    code = f"import json, sys\nfrom bot.exchange.importing import imported\n{script}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_only_the_exchange_that_is_asked_for_is_imported() -> None:
    loaded = said(
        "kind = imported('ccxt.pro').bybit\n"
        "print(json.dumps([kind().id, [name for name in sys.modules if name.startswith('ccxt.')]]))"
    )
    assert loaded[0] == "bybit"
    exchanges = {name for name in loaded[1] if name.rpartition(".")[0] in ("ccxt", "ccxt.async_support", "ccxt.pro")}
    assert {"ccxt.pro.bybit", "ccxt.async_support.bybit"} <= exchanges
    assert not [name for name in exchanges if name.endswith((".binance", ".kraken", ".okx"))]


def test_to_everybody_else_ccxt_looks_as_it_always_does() -> None:
    found = said(
        "from bot.exchange.venues import VENUES\n"
        "pro = imported('ccxt.pro')\n"
        "names = [pro.binanceusdm().id, *(getattr(pro, each)().id for each in VENUES)]\n"
        "import ccxt\n"
        "import ccxt.async_support as asynchronous\n"
        "from ccxt.async_support.kraken import kraken\n"
        "same = asynchronous.kraken is kraken and issubclass(ccxt.pro.kraken, kraken)\n"
        "print(json.dumps([names, same, ccxt.kraken().id, hasattr(ccxt, 'nowhere')]))"
    )
    names, same, plain, nowhere = found
    assert "hyperliquid" in names
    assert names[0] == "binanceusdm"
    assert same
    assert plain == "kraken"
    assert not nowhere
