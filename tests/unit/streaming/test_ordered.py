"""Frames in work at the same time come out in order, and errors keep their place."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from framelabel.streaming.ordered import ordered_map


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_order_is_kept_when_early_items_are_slow(workers: int) -> None:
    """Results come in the order of the source, whichever worker finishes first."""

    def work(item: int) -> int:
        time.sleep(0.02 if item % 3 == 0 else 0)
        return item * 10

    assert list(ordered_map(work, range(12), workers=workers, name="test")) == [item * 10 for item in range(12)]


def test_source_is_read_only_a_bounded_way_ahead() -> None:
    """A slow consumer slows the source: memory stays bounded on a two-hour file."""
    read = []

    def source() -> Iterator[int]:
        for item in range(100):
            read.append(item)
            yield item

    results = ordered_map(lambda item: item, source(), workers=2, name="test", depth=4)
    next(results)
    assert len(read) <= 5
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("broken", ["source", "function"])
def test_errors_come_after_the_good_results_before_them(broken: str) -> None:
    """A damaged tail loses nothing that was decoded before it."""

    def source() -> Iterator[int]:
        yield from range(5)
        if broken == "source":
            raise OSError("tail")
        yield 5

    def work(item: int) -> int:
        if item == 5:
            raise OSError("tail")
        return item

    seen: list[int] = []
    with pytest.raises(OSError, match="tail"):
        seen.extend(ordered_map(work, source(), workers=2, name="test"))
    assert seen == [0, 1, 2, 3, 4]


def test_closing_stops_the_workers_and_the_source() -> None:
    """Leaving a loop early leaves no thread and no open file behind."""
    closed = []

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    results = ordered_map(lambda item: item, source(), workers=3, name="leaver")
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert closed == [True]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("leaver")]
