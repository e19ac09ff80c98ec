"""What the page's tests and its benchmark share: the server as a person starts it, and what people do with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
PATIENCE_MS = 60_000
"""How long a test waits for what must come: nothing is measured by it, and machines may be busy with other work."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@contextmanager
def served(project: Path, *flags: str, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Serve the page; yield the process and the addresses that it printed."""
    command = [sys.executable, "-m", "framelabel", "review", str(project), "--no-browser", "--port", str(port), *flags]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    count = max(1, flags.count("--annotator")) + flags.count("--share")
    urls = [process.stdout.readline().split()[0] for _ in range(count)]
    try:
        yield process, urls
    finally:
        process.terminate()
        process.wait(timeout=60)


def seek(page: Page, frame: int) -> None:
    """Go to a frame and wait until it is shown."""
    page.evaluate("frame => framelabel.seek(frame)", frame)
    page.wait_for_function("frame => document.querySelector('#picture').dataset.frame == frame", arg=str(frame))


def place(page: Page, size: tuple[int, int], point: tuple[float, float]) -> tuple[float, float]:
    """Return where on the screen a point of the picture lies."""
    box = page.locator("#picture").bounding_box()
    assert box is not None
    scale = min(box["width"] / size[0], box["height"] / size[1])
    left = box["x"] + (box["width"] - size[0] * scale) / 2
    top = box["y"] + (box["height"] - size[1] * scale) / 2
    return left + point[0] * scale, top + point[1] * scale


def drag(page: Page, size: tuple[int, int], start: tuple[float, float], stop: tuple[float, float]) -> None:
    """Drag the mouse from one picture position to another."""
    (x1, y1), (x2, y2) = place(page, size, start), place(page, size, stop)
    page.mouse.move(x1, y1)
    page.mouse.down()
    page.mouse.move((x1 + x2) / 2, (y1 + y2) / 2)
    page.mouse.move(x2, y2)
    page.mouse.up()


def said(page: Page, text: str) -> None:
    """Wait until the page says something that contains `text`."""
    page.wait_for_function("text => document.querySelector('#message').textContent.includes(text)", arg=text)


def click_at(page: Page, size: tuple[int, int], point: tuple[float, float], *, alt: bool = False) -> None:
    """Click on a point of the picture."""
    if alt:
        page.keyboard.down("Alt")
    page.mouse.click(*place(page, size, point))
    if alt:
        page.keyboard.up("Alt")
