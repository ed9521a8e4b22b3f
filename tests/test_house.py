"""The house rules that no linter knows: purity of the core, sizes, names, bulkheads, requirement files."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
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
BULKHEADS = {"handlers/chat/failures.py", "handlers/chat/notify.py"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
FLOATS = {"bot/core/grids.py"}  # quantiles of the normal distribution, made Decimal and rounded at once
LONGEST = 400


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def module(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=name_of(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(module(path)))


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


def is_float(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id == "Exception") for kind in kinds)


def those(paths: Iterable[Path], breaks: Callable[[Path], object]) -> list[str]:
    """The files that break a rule."""
    return [name_of(path) for path in paths if breaks(path)]


def test_the_core_touches_no_world() -> None:
    worldly = {"now", "utcnow", "today", "open", "print", "input", "__import__"}
    assert not those(CORE, lambda path: {module.split(".")[0] for module in imported(path)} & IMPURE)
    assert not those(CORE, lambda path: set(called(path)) & worldly)
    assert not those(CORE, lambda path: any(isinstance(n, ast.AsyncFunctionDef | ast.Await) for n in nodes(path)))


def test_money_in_the_core_passes_through_no_float() -> None:
    money = [path for path in CORE if name_of(path) not in FLOATS]
    assert not those(money, lambda path: "float" in set(called(path)))
    assert not those(money, lambda path: [n for n in nodes(path) if is_float(n)])


def test_a_file_can_be_read_in_one_go() -> None:
    assert not those(SOURCES, lambda path: path.read_text(encoding="utf-8").count("\n") > LONGEST)


def test_a_module_says_what_it_is_for() -> None:
    begins = re.compile(r'"""\S')
    assert not those(SOURCES + TESTS, lambda path: not begins.match(path.read_text(encoding="utf-8")))


def test_a_module_is_named_for_what_it_holds() -> None:
    assert not those(SOURCES + TESTS, lambda path: {path.stem, path.parent.name} & VAGUE)


def test_broad_excepts_stand_in_the_bulkheads_only() -> None:
    others = [path for path in SOURCES if name_of(path) not in BULKHEADS]
    assert not those(others, lambda path: any(isinstance(n, ast.ExceptHandler) and is_broad(n) for n in nodes(path)))


def test_only_settings_read_the_environment() -> None:
    def reads(path: Path) -> set[str]:
        return {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)} & {"environ", "getenv"}

    assert not those([path for path in SOURCES if name_of(path) != "bot/settings.py"], reads)


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
