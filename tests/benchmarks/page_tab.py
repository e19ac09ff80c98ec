"""A tab whose requests nobody records, for measuring memory.

Playwright switches on the network part of Chromium's developer tools, which keeps something of every request for as
long as the page is open: some kilobytes in the page's process, request after request. No person's browser does that.
This tab speaks the same protocol through a pipe (`--remote-debugging-pipe`: JSON texts, each ended by a zero byte) and
switches on nothing unless asked.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from tests.browser.pages import CHROMIUM, FLAGS

_READ_FROM, _WRITE_TO = 3, 4
"""File descriptors that Chromium reads commands from and writes answers to."""
_OPENS_WITHIN_S = 120.0


class Tab:
    """One page of a browser, driven by commands of the Chrome DevTools Protocol."""

    def __init__(self, commands: BinaryIO, answers: BinaryIO) -> None:
        """Speak through these two ends of a running browser's pipes."""
        self._commands, self._answers = commands, answers
        self._number = 0
        self._session = ""

    def open(self, url: str) -> None:
        """Open the page and wait until it is ready.

        Raises:
            RuntimeError: it is not ready after two minutes.
        """
        target = self.send("Target.createTarget", url=url)["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        until = time.monotonic() + _OPENS_WITHIN_S
        while not self._is_ready():
            if time.monotonic() > until:
                raise RuntimeError(f"{url} is not ready after {_OPENS_WITHIN_S:.0f} s")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            return bool(self.run("document.body?.dataset.ready") == "yes")
        except RuntimeError:  # between two documents there is nothing to run it in
            return False

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result.

        Raises:
            RuntimeError: the browser refuses it, or is gone.
        """
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while True:
            answer = json.loads(self._text())
            if answer.get("id") != self._number:
                continue  # an event
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            result: dict[str, Any] = answer["result"]
            return result

    def run(self, script: str) -> Any:
        """Return what an expression comes to; a promise is waited for.

        Raises:
            RuntimeError: the script fails.
        """
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", script))
        return answer["result"].get("value")

    def _text(self) -> bytes:
        parts = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("the browser is gone")
            parts += byte
        return bytes(parts)


@contextmanager
def tab(url: str, size: dict[str, int]) -> Iterator[Tab]:
    """Yield a page in a headless browser of its own, ready, in a window of this size."""
    if CHROMIUM is None:
        raise RuntimeError("no Chromium on this machine (Debian: apt install chromium)")
    ours_read, theirs_write = os.pipe()
    theirs_read, ours_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = _launched(Path(profile) / "profile", size, theirs_read, theirs_write)
        os.close(theirs_read)
        os.close(theirs_write)
        with os.fdopen(ours_write, "wb") as commands, os.fdopen(ours_read, "rb") as answers:
            try:
                page = Tab(commands, answers)
                page.open(url)
                yield page
            finally:
                browser.terminate()
                browser.wait(timeout=20)


def _launched(profile: Path, size: dict[str, int], commands: int, answers: int) -> psutil.Process:
    """Start the browser with the ends of two pipes under the numbers that it expects them to have."""
    flags = ["--headless", *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    command = [str(CHROMIUM), *flags, f"--window-size={size['width']},{size['height']}"]
    # copies out of the way first: an end may already have the number that the other is to get
    source, target = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 16) for end in (commands, answers))
    pipes: list[tuple[int, ...]] = [
        (os.POSIX_SPAWN_DUP2, source, _READ_FROM),
        (os.POSIX_SPAWN_DUP2, target, _WRITE_TO),
    ]
    silent = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
    browser = psutil.Process(os.posix_spawn(command[0], command, os.environ, file_actions=[*pipes, silent]))
    os.close(source)
    os.close(target)
    return browser
