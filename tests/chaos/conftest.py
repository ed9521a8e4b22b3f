"""What a killed process leaves behind in the one that goes on testing is no fault of anybody's."""

import pytest

LEFT_BEHIND = (
    "ignore:coroutine '.*' was never awaited:RuntimeWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::ResourceWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "chaos":
            for each in LEFT_BEHIND:
                item.add_marker(pytest.mark.filterwarnings(each))
