"""What hosts are handed fits the project: one command, one Python, settings that exist, a root that is only read."""

import configparser
import json
import re
import shlex
import tomllib
from pathlib import Path

from bot.settings import NAMES

ROOT = Path(__file__).parent.parent
COMMAND = "python -m bot"
STOP_SECONDS = 5


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile's last stage, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", text("Dockerfile"))
    stage = joined[joined.rindex("\nFROM ") :]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in stage.splitlines() if line and line[0] != "#"]


def test_every_host_starts_the_same_command() -> None:
    assert text("Procfile") == f"worker: {COMMAND}\n"
    assert list(json.loads(text("app.json"))["formation"]) == ["worker"]
    assert json.loads(dict(instructions())["CMD"]) == shlex.split(COMMAND)
    assert re.search(r"^ExecStart=\S+/\.venv/bin/python -m bot$", text("deploy/rexlapis-bot.service"), re.MULTILINE)
    assert "command:" not in text("compose.yaml")


def test_image_and_heroku_run_the_python_that_the_project_names() -> None:
    named = text(".python-version").strip()
    assert re.search(rf"^ARG PYTHON={re.escape(named)}$", text("Dockerfile"), re.MULTILINE)
    lowest = tomllib.loads(text("pyproject.toml"))["project"]["requires-python"].removeprefix(">=")
    assert [int(part) for part in named.split(".")] >= [int(part) for part in lowest.split(".")]
    assert not (ROOT / "runtime.txt").exists()


def test_the_image_installs_by_hash_runs_as_nobody_in_particular_and_carries_no_secret() -> None:
    assert "--require-hashes" in text("Dockerfile")
    assert "PIP_NO_CACHE_DIR=1" in text("Dockerfile")
    found = instructions()
    assert dict(found)["USER"].split(":")[0] not in ("0", "root")
    assert dict(found)["STOPSIGNAL"] == "SIGTERM"
    assert dict(found)["VOLUME"] == "/app/results"
    copied = [value.split()[0] for name, value in found if name == "COPY" and not value.startswith("--from")]
    kept = [line.removeprefix("!") for line in text(".dockerignore").splitlines() if line.startswith("!")]
    assert {path.rstrip("/") for path in copied} <= set(kept) == {"requirements.txt", "bot", "handlers"}
    assert "*" in text(".dockerignore").splitlines()


def test_hosts_grant_a_stop_its_time_and_a_root_that_is_only_read() -> None:
    compose = text("compose.yaml")
    bot = compose[compose.index("  bot:") : compose.index("\n  postgres:")]
    grace = re.search(r"stop_grace_period: (\d+)s", bot)
    assert grace is not None and int(grace[1]) > STOP_SECONDS
    assert "read_only: true" in bot and "condition: service_healthy" in bot and "healthcheck:" in compose
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(text("deploy/rexlapis-bot.service"))
    service = unit["Service"]
    assert int(service["TimeoutStopSec"]) > STOP_SECONDS
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == f"{service['WorkingDirectory']}/results"
    assert service["Restart"] == "always" and service["RestartPreventExitStatus"] == "2"


def test_the_settings_that_hosts_ask_for_exist() -> None:
    assert set(json.loads(text("app.json"))["env"]) <= set(NAMES)
    named = re.findall(r"^ +([A-Z][A-Z_]+): ", text("compose.yaml"), re.MULTILINE)
    assert {name for name in named if not name.startswith("POSTGRES_")} <= set(NAMES)
