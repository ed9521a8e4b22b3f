"""What holds for every test: money is exact in each of them, as it is behind each front door."""

from collections.abc import Iterator
from decimal import getcontext, setcontext

import pytest

from bot.core.money import use_exact


@pytest.fixture(autouse=True)
def exact_money() -> Iterator[None]:
    """The exact context for one test; what was there before comes back."""
    before = getcontext()
    use_exact()
    yield
    setcontext(before)
