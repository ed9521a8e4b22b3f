"""The house rules that no linter knows: purity of the core, sizes, names, bulkheads, requirement files."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bot.core.lifecycle import diagram

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for room in ("bot", "handlers") for path in (ROOT / room).rglob("*.py"))
CORE = [path for path in SOURCES if path.is_relative_to(ROOT / "bot/core")]
TESTS = sorted(path for room in ("tests", "bench") for path in (ROOT / room).rglob("*.py"))

IMPURE = {
    "asyncio",
    "logging",
    "time",
    "random",
    "os",
    "pathlib",
    "uuid",
    "ccxt",
    "tinydb",
    "telegram",
    "apscheduler",
    "secrets",
    "socket",
    "subprocess",
    "sys",
    "threading",
    "io",
    "tempfile",
}
BULKHEADS = {"bot/scheduler.py", "handlers/chat/failures.py", "handlers/chat/notify.py"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
FLOATS = {"bot/core/grids.py"}  # quantiles of the normal distribution, made Decimal and rounded at once
LONGEST = 400


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=name_of(path))))


def imported(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def called(path: Path) -> Iterator[str]:
    """Names of the functions and methods called, without what stands before the dot."""
    for node in nodes(path):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr


def is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id == "Exception") for kind in kinds)


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_touches_no_world(path: Path) -> None:
    assert not {module.split(".")[0] for module in imported(path)} & IMPURE
    assert not set(called(path)) & {"now", "utcnow", "today", "open", "print", "input", "__import__"}
    assert not [node for node in nodes(path) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_money_in_the_core_passes_through_no_float(path: Path) -> None:
    if name_of(path) not in FLOATS:
        assert "float" not in set(called(path))
        assert not [n for n in nodes(path) if isinstance(n, ast.Constant) and isinstance(n.value, float)]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_can_be_read_in_one_go(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=name_of)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=name_of)
def test_a_module_is_named_for_what_it_holds(path: Path) -> None:
    assert not {path.stem, path.parent.name} & VAGUE


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_broad_excepts_stand_in_the_bulkheads_only(path: Path) -> None:
    if name_of(path) not in BULKHEADS:
        assert not [n.lineno for n in nodes(path) if isinstance(n, ast.ExceptHandler) and is_broad(n)]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_settings_read_the_environment(path: Path) -> None:
    if name_of(path) != "bot/settings.py":
        names = {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
        assert not names & {"environ", "getenv"}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_by_hash_and_name_no_place(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|@ |^-|/", text, re.MULTILINE)
    packages = [entry for entry in text.replace("\\\n", " ").splitlines() if entry]
    assert packages
    assert all(re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry) for entry in packages)


def test_the_worker_and_its_tests_run_the_same_packages() -> None:
    worker, tests = (
        set(re.findall(r"^([a-z0-9.-]+==\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert worker <= tests


def test_the_readme_shows_the_state_machine_as_the_table_has_it() -> None:
    assert "\n".join(diagram()) in (ROOT / "README.md").read_text(encoding="utf-8")
