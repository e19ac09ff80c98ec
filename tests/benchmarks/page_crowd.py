"""Twenty people at work on one project through the page's own addresses: no error, nothing lost, nothing doubled."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from framelabel.core.frames import VideoId
from framelabel.store.project import Project
from tests.benchmarks.effort_goals import Goal
from tests.benchmarks.page_measures import browsing, opened
from tests.browser.pages import served

PACE_S = (0.4, 1.6)
"""A person takes this long for an item: two or three times as fast as people are."""
CONFIRMED, DRAWN = 0.15, 0.1
"""Shares of items after which a box is corrected or drawn as well."""


@dataclass
class Worker:
    """One simulated annotator, and what the server told them it stored."""

    name: str
    url: str
    saves: list[float] = field(default_factory=list)
    pictures: list[float] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    drawn: list[tuple[int, int]] = field(default_factory=list)
    """Track and frame of every box that was accepted."""
    errors: list[str] = field(default_factory=list)

    def work(self, until: float) -> None:
        """Take tasks, look at their frames, answer, and correct, until the time is over."""
        chance = random.Random(self.name)
        origin = self.url.split("/?", 1)[0]
        with httpx.Client(base_url=origin, headers={"origin": origin}, timeout=30) as client:
            client.get(self.url, follow_redirects=True)
            while time.monotonic() < until:
                try:
                    self._item(client, chance)
                except (httpx.HTTPError, KeyError, TypeError) as error:
                    self.errors.append(f"{self.name}: {error!r}")
                time.sleep(chance.uniform(*PACE_S))

    def _item(self, client: httpx.Client, chance: random.Random) -> None:
        task = self._post(client, "/api/task", {})["task"]
        if task is None:
            return
        frame = int(task["start"])
        begun = time.perf_counter()
        picture = client.get(f"/api/videos/1/frames/{frame}", params={"width": 640})
        self.pictures.append(time.perf_counter() - begun)
        if picture.headers.get("x-frame") != str(frame):
            self.errors.append(f"{self.name}: asked for frame {frame}, got {picture.headers.get('x-frame')}")
        client.get("/api/videos/1/labels", params={"start": frame, "stop": frame + 100}).raise_for_status()
        verdict = chance.choice(["accept", "accept", "reject"])
        self._save(client, "/api/answer", {"task": task["id"], "verdict": verdict, "seconds": 1.0})
        self.answers.append((int(task["id"]), verdict))
        x, y = chance.uniform(0, 1700), chance.uniform(0, 900)
        box = {"action": "box", "video": 1, "frame": frame, "xyxy": [x, y, x + 90, y + 60]}
        lot = chance.random()
        if lot < DRAWN:
            done = self._save(client, "/api/edit", {**box, "class": "car"})
            self.drawn.append((int(done["track"]), frame))
        elif lot < DRAWN + CONFIRMED:
            self._save(client, "/api/edit", {**box, "track": task["track_id"]})

    def _save(self, client: httpx.Client, path: str, content: dict[str, Any]) -> dict[str, Any]:
        begun = time.perf_counter()
        answer = self._post(client, path, content)
        self.saves.append(time.perf_counter() - begun)
        return answer

    @staticmethod
    def _post(client: httpx.Client, path: str, content: dict[str, Any]) -> dict[str, Any]:
        answer = client.post(path, json=content)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def crowd(project: Path, count: int, minutes: float) -> list[Goal]:
    """Let `count` people work while a browser looks on; then compare what is stored with what they were told."""
    names = [f"person_{number:02}" for number in range(count)]
    flags = [flag for name in [*names, "onlooker"] for flag in ("--annotator", name)]
    with served(project, *flags) as (_, urls), browsing() as browser:
        page = opened(browser, urls[-1])
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        workers = [Worker(name, url) for name, url in zip(names, urls, strict=False)]
        until = time.monotonic() + 60 * minutes
        threads = [threading.Thread(target=worker.work, args=(until,)) for worker in workers]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            page.wait_for_timeout(500)
        for thread in threads:
            thread.join()
    errors = [*problems, *(error for worker in workers for error in worker.errors)]
    for error in errors[:5]:
        print(f"  {error}")
    saves = np.array([seconds for worker in workers for seconds in worker.saves]) * 1000
    pictures = np.array([seconds for worker in workers for seconds in worker.pictures]) * 1000
    lost, doubled = _compared(project, workers)
    answers = sum(len(worker.answers) for worker in workers)
    print(f"  {count} people, {minutes:g} minutes: {answers} answers, {len(saves) - answers} boxes")
    print(f"  a save: median {np.median(saves):.0f} ms, longest {saves.max():.0f} ms")
    print(f"  a picture somewhere in two hours: median {np.median(pictures):.0f} ms")
    return [
        Goal(f"errors of {count} people in {minutes:g} minutes", len(errors), 0),
        Goal(f"answers and boxes of {count} people lost", lost, 0),
        Goal(f"answers and boxes of {count} people doubled", doubled, 0),
        Goal(f"a save among {count} people, 95th percentile ms", float(np.percentile(saves, 95)), 100.0),
    ]


def _compared(project: Path, workers: list[Worker]) -> tuple[int, int]:
    """Return how much of what the server accepted is not stored, and how much is stored twice."""
    with Project(project) as stored:
        answers = Counter((item.task_id, item.annotator, item.verdict) for item in stored.answers())
        wanted = {task.id: task.answers_wanted for task in stored.tasks(open_only=False)}
        rows = Counter((item.track_id, item.frame) for item in stored.annotations(VideoId(1)))
    said = [(task, worker.name, verdict) for worker in workers for task, verdict in worker.answers]
    drawn = [place for worker in workers for place in worker.drawn]
    lost = sum(answers[item] == 0 for item in said) + sum(rows[place] == 0 for place in drawn)
    by_task = Counter(task for task, _, _ in answers.elements())
    doubled = sum(count - 1 for count in answers.values()) + sum(rows[place] - 1 for place in drawn if rows[place] > 1)
    doubled += sum(max(count - wanted[task], 0) for task, count in by_task.items())
    return lost, doubled + len(drawn) - len(set(drawn))
