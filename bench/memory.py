"""What a worker weighs: the real process with its chat, idle and with 10,000 executors resting."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic, sleep

COUNT = 10_000
GRID = f"/linear 40000 60000 {COUNT} 0.0002 0.5% loop"
SETTLE = 8.0
"""Seconds of beats before it is put on the scales."""
PATIENCE = 60.0


def weigh(folder: Path, lines: Sequence[str] = (), until: str = "What I can do") -> float:
    """Resident MB of a worker on the simulated market, some beats after it has said `until` to the last of `lines`."""
    environ = {
        **os.environ,
        "RESULTS_DIR": str(folder),
        "EXCHANGE": "simulated",
        "TELEGRAM_BOT_TOKEN": "",
        "PAPER_FUNDS": "1000000000 USDT",
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "bot"],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write("".join(f"{line}\n" for line in ("/help", *lines)))
        worker.stdin.flush()
        end = monotonic() + PATIENCE
        for line in worker.stdout:
            if until in line or monotonic() > end:
                break
        sleep(SETTLE)
        return _resident_mb(worker.pid)
    finally:
        worker.kill()
        worker.wait(10)
        for stream in (worker.stdin, worker.stdout):
            if stream is not None:
                stream.close()


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the worker is gone")


def rows() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        idle = weigh(Path(folder))
    yield "idle worker with chat", f"{idle:.0f} MB"
    with tempfile.TemporaryDirectory() as folder:
        full = weigh(Path(folder), (GRID, "1"), "g1 created")
        again = weigh(Path(folder))
    yield f"after a picture, with {COUNT:,} executors resting", f"{full:.0f} MB (+{full - idle:.0f})"
    yield "the same after a restart", f"{again:.0f} MB (+{again - idle:.0f})"
