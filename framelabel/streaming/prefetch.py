"""A thread and a bounded queue at a seam between two stages."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

_POLL_S = 0.1


class _End:
    """Travels behind the last item; carries the source's error when there was one."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class prefetch(Generic[T]):  # noqa: N801 - used as a verb: `for frame in prefetch(reader, depth=8)`
    """Run `source` in a thread, at most `depth` items ahead of the consumer.

    A slow consumer slows the source. The source's error is raised in order, after the good items before it.
    Closing (or leaving a `with` block) stops the thread and closes the source; closing again does nothing.
    """

    def __init__(self, source: Iterable[T], *, depth: int, name: str) -> None:
        if depth < 1:
            msg = f"depth must be at least 1, got {depth}"
            raise ValueError(msg)
        self._source = iter(source)
        self._queue: queue.Queue[T | _End] = queue.Queue(depth)
        self._stopped = threading.Event()
        self._finished = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._finished:
            raise StopIteration
        item = self._queue.get()
        if not isinstance(item, _End):
            return item
        self._finished = True
        self._thread.join()
        if item.error is not None:
            raise item.error
        raise StopIteration

    def __enter__(self) -> prefetch[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the thread and close the source."""
        self._stopped.set()
        self._finished = True
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._queue.get(timeout=_POLL_S)
            self._thread.join(timeout=0)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._source:
                if not self._put(item):
                    break
        except BaseException as caught:  # noqa: BLE001 - handed to the consumer, in order
            error = caught
        finally:
            close = getattr(self._source, "close", None)
            if close is not None:
                close()
            self._put(_End(error))

    def _put(self, item: T | _End) -> bool:
        """Queue an item; return False when the consumer has closed."""
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._queue.put(item, timeout=_POLL_S)
                return True
        return False
