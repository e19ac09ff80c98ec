"""What the page benchmark measures in one browser: first picture, steps, seeks, drawing, memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.effort_goals import Goal
from tests.benchmarks.page_footage import CROWD, CROWDED, FAR_SYNC, LOOP_FRAMES, NEAR_SYNC
from tests.benchmarks.page_tab import tab
from tests.browser.pages import CHROMIUM, FLAGS, served

FULL_HD = {"width": 2280, "height": 1420}
"""Window in which the picture is shown in its 1920 columns, so that the full picture is asked for."""
LAPTOP = {"width": 1280, "height": 800}
"""Window of the memory part: what grows, grows with the steps, whatever their size."""
NO_GOAL = float("inf")
"""For figures that nobody has set a goal for."""
ROUNDS = 5
PAUSE_MS = 200
"""Between two steps of a person; the pictures ahead arrive meanwhile."""

STEP = """async ([frame, pause]) => {
  await new Promise((done) => setTimeout(done, pause));
  const begun = performance.now();
  await framelabel.seek(frame);
  framelabel.stage.context.getImageData(0, 0, 1, 1); // the canvases are really painted, not only asked to
  framelabel.stage.marks.getImageData(0, 0, 1, 1);
  return performance.now() - begun;
}"""
DRAW = """what => {
  const begun = performance.now();
  framelabel.stage[what]();
  framelabel.stage.marks.getImageData(0, 0, 1, 1);
  if (what === 'draw') framelabel.stage.context.getImageData(0, 0, 1, 1);
  return performance.now() - begun;
}"""
WALK = """(async () => {
  for (let step = 0; step < %d; step += 1) await framelabel.seek(%d + step);
})()"""


@contextmanager
def browsing() -> Iterator[Browser]:
    """Yield a headless browser."""
    if CHROMIUM is None:
        raise RuntimeError("no Chromium on this machine (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def opened(browser: Browser, url: str, size: dict[str, int] = FULL_HD) -> Page:
    """Return the page as a new person sees it in a window of this size, once it is ready."""
    page = browser.new_context(viewport={"width": size["width"], "height": size["height"]}).new_page()
    page.goto(url)
    page.wait_for_selector("body[data-ready=yes]")
    return page


def usable(project: Path) -> list[Goal]:
    """Measure from the start of the server to its address, and from there to a frame with its labels on screen."""
    starting, opening = [], []
    with browsing() as browser:
        browser.new_page().goto("about:blank")
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            with served(project) as (_, [url]):
                starting.append(time.perf_counter() - begun)
                context = browser.new_context(viewport={"width": FULL_HD["width"], "height": FULL_HD["height"]})
                page = context.new_page()
                begun = time.perf_counter()
                page.goto(url, wait_until="commit")
                page.wait_for_selector("body[data-ready=yes]")
                opening.append(time.perf_counter() - begun)
                context.close()
    return [
        Goal("server listens, median s", float(np.median(starting)), NO_GOAL),
        Goal("page usable: 100,000 labels, two hours of 1080p, cold, median s", float(np.median(opening)), 1.5),
    ]


def steps(project: Path) -> list[Goal]:
    """Measure steps to the next frame at 1080p, with the pause of a person between them, and without any."""
    with served(project) as (_, [url]), browsing() as browser:
        page = opened(browser, url)
        page.evaluate(STEP, [1000, 0])
        width = page.evaluate("() => framelabel.stage.image.width")
        if width != 1920:
            raise RuntimeError(f"the page shows {width} columns, not 1920")
        paused = [page.evaluate(STEP, [frame, PAUSE_MS]) for frame in range(1001, 1041)]
        held = [page.evaluate(STEP, [frame, 0]) for frame in range(1041, 1121)]
    return [
        Goal("next frame at 1080p, prefetched, median ms", float(np.median(paused)), 50.0),
        Goal("next frame with the key held down, median ms", float(np.median(held)), NO_GOAL),
    ]


def seeks(project: Path) -> list[Goal]:
    """Measure random seeks where sync frames are 2 s apart, as cameras write them, and 10 s, as x264 does."""
    generator = np.random.default_rng(5)
    goals = []
    with served(project) as (_, [url]), browsing() as browser:
        page = opened(browser, url)
        for place, text, target in ((NEAR_SYNC, "2 s", 400.0), (FAR_SYNC, "10 s", NO_GOAL)):
            loops = generator.integers(0, 180_000 // LOOP_FRAMES, 40)
            frames = loops * LOOP_FRAMES + generator.integers(place.start, place.stop, 40)
            taken = [page.evaluate(STEP, [int(frame), 400]) for frame in frames]
            goals.append(Goal(f"random seek, sync frames {text} apart, median ms", float(np.median(taken)), target))
    return goals


def boxes(project: Path) -> list[Goal]:
    """Measure drawing a frame with 1,000 boxes: picture, outlines and all."""
    with served(project) as (_, [url]), browsing() as browser:
        page = opened(browser, url)
        page.evaluate(STEP, [CROWDED, 0])
        count = page.evaluate("() => framelabel.stage.labels.length")
        if count < CROWD:
            raise RuntimeError(f"frame {CROWDED} shows {count} boxes")
        marks = [page.evaluate(DRAW, "drawMarks") for _ in range(60)][20:]
        everything = [page.evaluate(DRAW, "draw") for _ in range(60)][20:]
    return [
        Goal("1,000 boxes drawn, median ms", float(np.median(marks)), 16.0),
        Goal("1,000 boxes and the 1080p picture under them, median ms", float(np.median(everything)), NO_GOAL),
    ]


def memory(project: Path, count: int) -> list[Goal]:
    """Step through `count` frames and compare memory after a fifth of them with memory at the end."""
    with served(project) as (process, [url]), tab(url, LAPTOP) as page:
        page.send("Performance.enable")
        part = max(count // 20, 1)
        sizes = []
        for first in range(0, count, part):
            page.run(WALK % (part, first))
            page.send("HeapProfiler.collectGarbage")
            heap = {item["name"]: item["value"] for item in page.send("Performance.getMetrics")["metrics"]}
            sizes.append((_resident(process.pid), _renderer(), heap["JSHeapUsedSize"] / 2**20))
            print(f"  {first + part} steps: server {sizes[-1][0]:.0f} MB, tab {sizes[-1][1]:.0f} MB", flush=True)
    table = np.array(sizes)
    early, late = table[4:8].max(axis=0), table[-4:].max(axis=0)
    print(f"  after {count // 5} steps: server {early[0]:.0f} MB, tab {early[1]:.0f} MB, scripts {early[2]:.1f} MB")
    print(f"  after {count} steps: server {late[0]:.0f} MB, tab {late[1]:.0f} MB, scripts {late[2]:.1f} MB")
    growth = (late / early - 1) * 100
    return [
        Goal(f"server memory grows over {count} steps, %", float(growth[0]), 5.0),
        Goal(f"tab memory grows over {count} steps, %", float(growth[1]), 5.0),
        Goal(f"script memory grows over {count} steps, %", float(growth[2]), 5.0),
    ]


def _resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def _renderer() -> float:
    """Return the resident memory of our browser's largest page process in MB."""
    sizes = [0.0]
    for child in psutil.Process().children(recursive=True):
        try:
            if "--type=renderer" in child.cmdline():
                sizes.append(float(child.memory_info().rss) / 2**20)
        except psutil.Error:
            continue
    return max(sizes)
