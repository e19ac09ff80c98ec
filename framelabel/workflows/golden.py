"""Golden tasks: questions whose answer is known, asked again among the open ones to measure who answers how well."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from framelabel.core.errors import UsageError
from framelabel.core.tasks import Task
from framelabel.store.project import Project

_EVERYBODY = 1_000_000
"""Answers wanted: each person is asked once, however many there are."""
_LEAST_PEOPLE = 2


def hide(project: Project, count: int, *, known_by: str = "", feedback: bool = False, seed: int = 1) -> int:
    """Ask tasks with known answers again, each at the place of an open task chosen at random; return how many.

    Copies are asked, so that no answer to the original counts twice. They look like any other task: kind, frames,
    question, choices and reason are those of the original, be it about a box, a track, an event or a whole frame.
    Equally many of each answer are taken, as far as there are. Who made an answer known is not measured by it.

    Args:
        project: open for writing.
        count: tasks to hide, at most.
        known_by: the person whose answers count as known; "" for tasks that two or more people answered alike and
            nobody otherwise.
        feedback: people are told the known answer once they have answered.
        seed: decides which tasks are taken, and where they are hidden.

    Raises:
        UsageError: no answer is known, or no task is open to hide among.
    """
    tasks = project.tasks(open_only=False)
    taken = {int(task.gold["source"]) for task in tasks if task.gold is not None and "source" in task.gold}
    answers = _known_answers(project, known_by)
    known: dict[str, list[tuple[Task, list[str]]]] = defaultdict(list)
    for task in tasks:
        if task.gold is None and task.id in answers and task.id not in taken:
            verdict, people = answers[task.id]
            known[verdict].append((task, people))
    if not known:
        whose = f"by {known_by}" if known_by else "alike by two people"
        msg = f"{project.path}: no other task is answered {whose}; golden tasks are made of known answers"
        raise UsageError(msg)
    places = [task.priority for task in project.tasks() if task.gold is None]
    if not places:
        msg = f"{project.path}: no task is open to hide golden ones among; framelabel route or tag makes some"
        raise UsageError(msg)
    random = np.random.default_rng(seed)
    piles = [[pile[place] for place in random.permutation(len(pile))] for _, pile in sorted(known.items())]
    golden: list[Task] = []
    while len(golden) < count and any(piles):
        for pile in piles:
            if pile and len(golden) < count:
                task, people = pile.pop()
                gold = {
                    "verdict": answers[task.id][0],
                    "source": task.id,
                    "known_by": people,
                    "feedback": feedback,
                }
                place = float(random.choice(places))
                golden.append(replace(task, id=0, gold=gold, priority=place, answers_wanted=_EVERYBODY))
    project.append_tasks(golden)
    return len(golden)


def _known_answers(project: Project, known_by: str) -> dict[int, tuple[str, list[str]]]:
    """Return task id -> (the known answer, who gave it)."""
    said: dict[int, dict[str, str]] = defaultdict(dict)
    for answer in project.answers():
        if answer.verdict != "skip" and known_by in ("", answer.annotator):
            said[answer.task_id][answer.annotator] = answer.verdict
    least = 1 if known_by else _LEAST_PEOPLE
    return {
        task_id: (next(iter(given.values())), sorted(given))
        for task_id, given in said.items()
        if len(given) >= least and len(set(given.values())) == 1
    }
