"""The audit behind `framelabel route`: a frozen population, boxes drawn from it, and what people said of them.

A promise is about one population and one set of independent draws, so both are kept with the project: the units as
they were when the first box was drawn, and every draw in order. New labels from a model begin a new audit.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.frames import VideoId
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.store.documents import Document
from framelabel.store.project import Project
from framelabel.workflows.population import Population, document_name

PILOT, PROOF = "audit: pilot", "audit: proof"
"""Reasons of audit tasks: the first sample calibrates, the second proves."""
_RIGHT, _WRONG = {"right", "accept", "yes"}, {"wrong", "reject", "fix", "no"}


@dataclass(frozen=True, slots=True)
class Draw:
    """One piece (a box, a tag, an event, a whole track) drawn for the audit."""

    phase: str
    """PILOT or PROOF."""
    unit: int
    """Row of the population."""
    frame: int
    task_id: int


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Every draw in order, and how often the answers were put to the test."""

    draws: tuple[Draw, ...] = ()
    above: float = 0.0
    """Probability from which on the proof was drawn."""
    looks: int = 0
    answered_at_last_look: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    """What the last test found."""

    def save(self, project: Project, subject: str = "box") -> None:
        """Keep the log with the project."""
        content = {
            "draws": [[draw.phase, draw.unit, draw.frame, draw.task_id] for draw in self.draws],
            "above": self.above,
            "looks": self.looks,
            "answered_at_last_look": self.answered_at_last_look,
            "result": self.result,
        }
        name = document_name("audit", subject)
        project.put_document(Document("routing", name, "application/json", json.dumps(content).encode()))

    @staticmethod
    def load(project: Project, subject: str = "box") -> AuditLog:
        """Return the kept log, empty when there is none."""
        document = project.document("routing", document_name("audit", subject))
        if document is None:
            return AuditLog()
        content = json.loads(document.content)
        content["draws"] = tuple(Draw(*row) for row in content["draws"])
        return AuditLog(**content)

    def of_phase(self, phase: str) -> list[Draw]:
        """Return the draws of one phase, in order."""
        return [draw for draw in self.draws if draw.phase == phase]


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What people said of the boxes of one phase."""

    unit: NDArray[np.int64]
    """(n,) row of the population, in the order drawn."""
    is_wrong: NDArray[np.bool_]
    """(n,)."""
    waiting: int
    """Questions that nobody has answered yet; a piece drawn several times is one question."""


def verdicts(draws: Iterable[Draw], answers: Iterable[Answer]) -> Verdicts:
    """Gather the judgements: most of the answers to a box decide, a tie counts as wrong; "skip" is no answer."""
    votes: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for answer in answers:
        said = answer.verdict.lower()
        if said in _RIGHT or said in _WRONG:
            votes[answer.task_id][int(said in _WRONG)] += 1
    units, wrong = [], []
    waiting = set()
    for draw in draws:
        right_votes, wrong_votes = votes.get(draw.task_id, (0, 0))
        if right_votes + wrong_votes == 0:
            waiting.add(draw.task_id)
            continue
        units.append(draw.unit)
        wrong.append(wrong_votes >= right_votes)
    return Verdicts(np.array(units, np.int64), np.array(wrong, np.bool_), len(waiting))


def ask(
    project: Project, log: AuditLog, population: Population, units: NDArray[np.int64], phase: str, seed: int
) -> AuditLog:
    """Draw one piece of each of these units, put new ones into the review queue, and return the longer log.

    A piece drawn again is not asked again: its answer counts twice.
    """
    # not the stream that drew the units: which box of a unit is judged must not depend on which unit it is
    random = np.random.default_rng([seed, 1])
    starts = population.starts()
    place = starts[units] + np.floor(random.random(len(units)) * population.size[units]).astype(np.int64)
    known = {(draw.unit, draw.frame): draw.task_id for draw in log.draws}
    wanted: dict[tuple[int, int], Task] = {}
    for unit, row in zip(units.tolist(), place.tolist(), strict=True):
        frame = int(population.frame[row])
        if (unit, frame) not in known and (unit, frame) not in wanted:
            wanted[unit, frame] = _task(population, unit, row, phase)
    ids = project.append_tasks(list(wanted.values()))
    known.update(zip(wanted, ids, strict=True))
    drawn = [
        Draw(phase, unit, int(population.frame[row]), known[unit, int(population.frame[row])])
        for unit, row in zip(units.tolist(), place.tolist(), strict=True)
    ]
    return replace(log, draws=(*log.draws, *drawn))


def _task(population: Population, unit: int, row: int, phase: str) -> Task:
    """Return the question about one piece of a unit."""
    is_box = population.subject == "box"
    frame = int(population.frame[row])
    return Task(
        kind=TaskKind(population.subject),
        video_id=VideoId(int(population.video_id[unit])),
        start=frame if is_box else int(population.start[unit]),
        stop=frame + 1 if is_box else int(population.stop[unit]),
        track_id=int(population.track_id[unit]),
        subject_id=int(population.subject_id[unit]),
        question=_QUESTIONS[population.subject](population, unit, row),
        choices=("right", "wrong"),
        priority=1e6,
        reason=phase,
    )


def _about_box(population: Population, unit: int, row: int) -> str:
    track = int(population.track_id[unit])
    sides = ", ".join(f"{side:.1f}" for side in population.xyxy[row])
    subject = f"track {track}" if track != NO_TRACK else "the box"
    return f"Is {subject} at ({sides}) right: a {population.names[population.class_id[unit]]}, in the right place?"


def _about_track(population: Population, unit: int, _: int) -> str:
    return (
        f"Is track {population.track_id[unit]} right as a whole: one {population.names[population.class_id[unit]]} "
        f"from frame {population.start[unit]} to {population.stop[unit] - 1}, always the same one, from its first "
        "sight to its last, in the right place?"
    )


def _about_tag(population: Population, unit: int, _: int) -> str:
    name, value = population.names[population.class_id[unit]].split(": ", 1)
    return f"Is it right to say of this frame: {name} is {value}?"


def _about_event(population: Population, unit: int, _: int) -> str:
    track = int(population.track_id[unit])
    who = f" by track {track}" if track != NO_TRACK else ""
    return (
        f"Did this happen: {population.names[population.class_id[unit]]}{who}, "
        f"frames {population.start[unit]} to {population.stop[unit] - 1}?"
    )


_QUESTIONS: dict[str, Callable[[Population, int, int], str]] = {
    "box": _about_box,
    "track": _about_track,
    "tag": _about_tag,
    "event": _about_event,
}
