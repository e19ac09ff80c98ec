"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared")).resolve()

_SHARED_REASON = "shared data absent"


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return a function from a path below the shared folder to that path; skips the test where it is absent."""

    def locate(relative: str) -> Path:
        path = SHARED / relative
        if not path.exists():
            pytest.skip(f"{_SHARED_REASON}: {relative} (set FRAMELABEL_SHARED)")
        return path

    return locate


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests were skipped because the shared data is not there."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if _SHARED_REASON in str(report.longrepr)]
    terminalreporter.write_line(f"skipped for want of shared data: {len(skipped)}")
