"""Work on several items of a stream at once and hand the results on in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def ordered_map(
    function: Callable[[A], B], source: Iterable[A], *, workers: int, name: str, depth: int = 0
) -> Iterator[B]:
    """Yield `function(item)` for each item, in order, computed by `workers` threads.

    The source is read in the consumer's thread, at most `depth` items ahead (0: two for each worker, plus one). An
    error of the source or of the function is raised in order, after the good results before it. Closing waits for the
    items in work, drops those that wait, and closes the source.

    >>> list(ordered_map(abs, [-1, 2, -3], workers=2, name="abs"))
    [1, 2, 3]
    """
    if workers < 1:
        msg = f"workers must be at least 1, got {workers}"
        raise ValueError(msg)
    ahead = depth or 2 * workers + 1
    items = iter(source)
    pending: deque[Future[B]] = deque()
    failure: BaseException | None = None
    exhausted = False
    pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
    try:
        while True:
            while not exhausted and len(pending) < ahead:
                try:
                    pending.append(pool.submit(function, next(items)))
                except StopIteration:
                    exhausted = True
                except Exception as error:  # noqa: BLE001 - raised below, after the results before it
                    failure, exhausted = error, True
            if not pending:
                break
            yield pending.popleft().result()
        if failure is not None:
            raise failure
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        close = getattr(items, "close", None)
        if close is not None:
            close()
