"""What a project's answers say about the people who gave them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from framelabel.core.tasks import Answer, Task
from framelabel.review.intervals import interval
from framelabel.review.skill import Skill, measure

_ASSUMED_SKILL = (0.98, 0.95, 1.0)
"""Accuracy of a person (value, low, high) while no golden task was answered."""
_ASSUMED_SECONDS = 3.0
_FULL_FACTOR = 3.0
_ENOUGH = 5
"""Timed answers from which on a kind of task has a time of its own."""


def golden_skills(tasks: Iterable[Task], answers: Sequence[Answer]) -> list[Skill]:
    """Return the skill of every annotator who answered golden tasks, by name; not by what they made known themselves.

    Where the known answer is "reject", "fix" says the same: it is not right as it is.
    """
    golden = [task for task in tasks if task.gold is not None]
    gold = {task.id: str((task.gold or {}).get("verdict", "")) for task in golden}
    own = {task.id: frozenset((task.gold or {}).get("known_by", ())) for task in golden}
    answers = [
        replace(item, verdict="reject") if item.verdict == "fix" and gold[item.task_id] == "reject" else item
        for item in answers
        if item.task_id in gold and item.annotator not in own[item.task_id]
    ]
    labels = sorted({verdict for verdict in gold.values() if verdict} | {item.verdict for item in answers})
    number = {label: place for place, label in enumerate(labels)}
    given: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for answer in answers:
        if gold[answer.task_id] and answer.verdict != "skip":
            known = number[gold[answer.task_id]]
            given[answer.annotator].append((known, number[answer.verdict], answer.seconds))
    found = []
    for name, rows in sorted(given.items()):
        truths, said, seconds = zip(*rows, strict=True)
        found.append(replace(measure(name, truths, said, seconds, len(labels)), labels=tuple(labels)))
    return found


def annotator_skill(tasks: Iterable[Task], answers: Sequence[Answer]) -> tuple[float, float, float]:
    """Return the pooled accuracy on golden tasks as (value, low, high); an assumption when there are none."""
    skills = golden_skills(tasks, answers)
    right, count = sum(skill.right for skill in skills), sum(skill.count for skill in skills)
    if count == 0:
        return _ASSUMED_SKILL
    low, high = interval(right, count, 0.95)
    return right / count, low, high


def seconds_per_answer(answers: Sequence[Answer]) -> float:
    """Return the median time of an answer; 3 s while none was taken."""
    taken = [answer.seconds for answer in answers if answer.seconds > 0]
    return float(np.median(taken)) if taken else _ASSUMED_SECONDS


def seconds_by_band(tasks: Iterable[Task], answers: Sequence[Answer]) -> dict[str, float]:
    """Return the median time of a "quick" and of a "full" check; the pooled one for a band with too few answers.

    Drawing a box right takes longer than saying yes: until `_ENOUGH` such answers were timed, three times as long.
    """
    band = {task.id: task.reason.rpartition(": ")[2] for task in tasks}
    times: dict[str, list[float]] = defaultdict(list)
    for answer in answers:
        if answer.seconds > 0:
            times[band.get(answer.task_id, "")].append(answer.seconds)
    pooled = seconds_per_answer(answers)
    quick = float(np.median(times["quick"])) if len(times["quick"]) >= _ENOUGH else pooled
    full = float(np.median(times["full"])) if len(times["full"]) >= _ENOUGH else _FULL_FACTOR * quick
    return {"quick": quick, "full": full}
