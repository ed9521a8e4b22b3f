"""ccxt without the hundred exchanges nobody asked for: a second and seventy megabytes less.

Rule: its three packages name every exchange at once. While they are imported each of those modules is passed over, and
afterwards an exchange is imported when it is first asked for, by whomever: to others ccxt looks as it always does.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = ("ccxt", "ccxt.async_support", "ccxt.pro")


class _Later(MetaPathFinder, Loader):
    """Stands for each module of an exchange: a name to import, and nothing behind it."""

    def __init__(self) -> None:
        self.passed_over: list[str] = []

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        package, _, name = fullname.rpartition(".")
        if package not in PACKAGES or not any(Path(folder, f"{name}.py").exists() for folder in path or ()):
            return None
        return ModuleSpec(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__.rpartition(".")[2]
        setattr(module, name, None)
        self.passed_over.append(module.__name__)


class _Package(ModuleType):
    """A package of exchanges, each of them imported when it is asked for. As in ccxt its name there is its class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.__dict__.get("exchanges", ()):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        importlib.import_module(f"{self.__name__}.{name}")
        return self.__dict__[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and hasattr(value, name):
            value = getattr(value, name)
        super().__setattr__(name, value)


def imported(name: str) -> Any:
    """One of ccxt's modules, such as `ccxt.pro` or `ccxt.base.errors`."""
    if PACKAGES[0] not in sys.modules:
        _import_without_exchanges()
    return importlib.import_module(name)


def _import_without_exchanges() -> None:
    later = _Later()
    sys.meta_path.insert(0, later)
    try:
        for package in PACKAGES:
            importlib.import_module(package)
    finally:
        sys.meta_path.remove(later)
    for module in later.passed_over:
        package, _, name = module.rpartition(".")
        del sys.modules[module]
        delattr(sys.modules[package], name)
    for package in PACKAGES:
        sys.modules[package].__class__ = _Package
