"""Tells every open page what changed: server-sent events from one broadcaster, and who is here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import orjson

_QUEUE = 256
_PULSE_S = 15.0


class Live:
    """Broadcasts messages to all subscribers. A page that does not read is dropped: it reloads when it comes back."""

    def __init__(self) -> None:
        self._subscribers: dict[asyncio.Queue[bytes | None], str] = {}

    @property
    def present(self) -> list[str]:
        """Names of the people whose page is open."""
        return sorted(Counter(self._subscribers.values()))

    def send(self, kind: str, **facts: Any) -> None:
        """Tell everybody; called in the server's event loop."""
        message = b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(facts) + b"\n\n"
        for queue in list(self._subscribers):
            try:
                queue.put_nowait(message)
            except asyncio.QueueFull:
                self._subscribers.pop(queue, None)

    async def listen(self, name: str) -> AsyncIterator[bytes]:
        """Yield what is sent, as the body of an event stream, until the page goes away."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)
        self._subscribers[queue] = name
        self.send("presence", names=self.present)
        try:
            yield b"retry: 1000\n\n"
            while queue in self._subscribers:
                try:
                    message = await asyncio.wait_for(queue.get(), _PULSE_S)
                except asyncio.TimeoutError:
                    yield b": pulse\n\n"
                    continue
                if message is None:
                    break
                yield message
        finally:
            self._subscribers.pop(queue, None)
            self.send("presence", names=self.present)

    def close(self) -> None:
        """End all streams."""
        for queue in list(self._subscribers):
            self._subscribers.pop(queue, None)
            if not queue.full():
                queue.put_nowait(None)
