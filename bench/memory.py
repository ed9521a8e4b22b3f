"""What a worker weighs: the real process with its chat, idle and with 10,000 executors in its state."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

from bench.worlds import resting
from bot.storage.tinydb_store import TinyDBStore

PATIENCE = 30.0


def weigh(folder: Path) -> float:
    """Resident MB of a worker on the simulated market, once it has beaten for some seconds."""
    environ = {**os.environ, "RESULTS_DIR": str(folder), "EXCHANGE": "simulated", "TELEGRAM_BOT_TOKEN": ""}
    worker = subprocess.Popen(
        [sys.executable, "-m", "bot"],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert worker.stdout is not None
        os.set_blocking(worker.stdout.fileno(), False)
        end = monotonic() + PATIENCE
        while not (folder / "exchange.db").exists() and monotonic() < end:
            sleep(0.1)
        sleep(8)  # several beats, and whatever a start leaves behind
        return _resident_mb(worker.pid)
    finally:
        worker.terminate()
        worker.wait(10)


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the worker is gone")


async def _fill(folder: Path) -> None:
    store = TinyDBStore(folder)
    manager, _ = await resting(10_000, store)
    await manager.close()


def rows() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        yield "idle worker with chat", f"{weigh(Path(folder)):.0f} MB"
