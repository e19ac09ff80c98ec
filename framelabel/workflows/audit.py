"""The audit behind `framelabel route`: a frozen population, boxes drawn from it, and what people said of them.

A promise is about one population and one set of independent draws, so both are kept with the project: the units as
they were when the first box was drawn, and every draw in order. New labels from a model begin a new audit.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.frames import VideoId
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.review.features import TrackTable
from framelabel.store.documents import Document
from framelabel.store.project import Project

PILOT, PROOF = "audit: pilot", "audit: proof"
"""Reasons of audit tasks: the first sample calibrates, the second proves."""
_RIGHT, _WRONG = {"right", "accept", "yes"}, {"wrong", "reject", "fix", "no"}


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Every unit that a model made and nobody has touched, as it was when the audit began."""

    video_id: NDArray[np.int64]
    """(N,)."""
    track_id: NDArray[np.int64]
    """(N,) NO_TRACK for a single box."""
    class_id: NDArray[np.int32]
    """(N,)."""
    size: NDArray[np.int64]
    """(N,) boxes of the unit."""
    features: NDArray[np.float64]
    """(N, F) see `review.features`."""
    frame: NDArray[np.int64]
    """(sum of sizes,) frame ordinals, unit after unit."""
    xyxy: NDArray[np.float32]
    """(sum of sizes, 4) boxes, for the question to the auditor."""
    newest_run: int
    """Runs after this one have added labels that the audit does not know."""
    human_boxes: int
    """Boxes left out because people made them or touched their track."""

    def __len__(self) -> int:
        return len(self.size)

    @staticmethod
    def of(table: TrackTable, video_ids: Sequence[VideoId], newest_run: int) -> Population:
        """Take the units that no person has touched."""
        kept = np.flatnonzero(~table.is_human)
        rows = table.rows
        own = np.flatnonzero(~table.is_human[rows.group]) if len(table) else np.zeros(0, np.int64)
        ids = np.array([int(item) for item in video_ids] or [0], np.int64)
        return Population(
            ids[rows.video[table.start[kept]]],
            rows.track_id[table.start[kept]],
            table.class_id[kept],
            table.size[kept],
            table.features[kept],
            rows.frame[own],
            rows.xyxy[own].astype(np.float32),
            newest_run,
            len(rows) - len(own),
        )

    def starts(self) -> NDArray[np.int64]:
        """Return the (N,) first row of each unit in `frame`."""
        return np.cumsum(self.size) - self.size

    def save(self, project: Project) -> None:
        """Keep the population with the project."""
        stream = io.BytesIO()
        columns = ("video_id", "track_id", "class_id", "size", "features", "frame", "xyxy", "newest_run", "human_boxes")
        arrays: dict[str, Any] = {name: np.asarray(getattr(self, name)) for name in columns}
        np.savez_compressed(stream, **arrays)
        project.put_document(Document("routing", "population", "application/x-npz", stream.getvalue()))

    @staticmethod
    def load(project: Project) -> Population | None:
        """Return the kept population; None when there is none yet."""
        document = project.document("routing", "population")
        if document is None:
            return None
        with np.load(io.BytesIO(document.content)) as columns:
            values: dict[str, Any] = {name: columns[name] for name in columns.files}
        for name in ("newest_run", "human_boxes"):
            values[name] = int(values[name])
        return Population(**values)


@dataclass(frozen=True, slots=True)
class Draw:
    """One box drawn for the audit."""

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

    def save(self, project: Project) -> None:
        """Keep the log with the project."""
        content = {
            "draws": [[draw.phase, draw.unit, draw.frame, draw.task_id] for draw in self.draws],
            "above": self.above,
            "looks": self.looks,
            "answered_at_last_look": self.answered_at_last_look,
            "result": self.result,
        }
        project.put_document(Document("routing", "audit", "application/json", json.dumps(content).encode()))

    @staticmethod
    def load(project: Project) -> AuditLog:
        """Return the kept log, empty when there is none."""
        document = project.document("routing", "audit")
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
    """Drawn boxes that nobody has judged yet."""


def verdicts(draws: Iterable[Draw], answers: Iterable[Answer]) -> Verdicts:
    """Gather the judgements: most of the answers to a box decide, a tie counts as wrong; "skip" is no answer."""
    votes: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for answer in answers:
        said = answer.verdict.lower()
        if said in _RIGHT or said in _WRONG:
            votes[answer.task_id][int(said in _WRONG)] += 1
    units, wrong, waiting = [], [], 0
    for draw in draws:
        right_votes, wrong_votes = votes.get(draw.task_id, (0, 0))
        if right_votes + wrong_votes == 0:
            waiting += 1
            continue
        units.append(draw.unit)
        wrong.append(wrong_votes >= right_votes)
    return Verdicts(np.array(units, np.int64), np.array(wrong, np.bool_), waiting)


def ask(
    project: Project, log: AuditLog, population: Population, units: NDArray[np.int64], phase: str, seed: int
) -> AuditLog:
    """Draw one box of each of these units, put new ones into the review queue, and return the longer log.

    A box drawn again is not asked again: its answer counts twice.
    """
    # not the stream that drew the units: which box of a unit is judged must not depend on which unit it is
    random = np.random.default_rng([seed, 1])
    starts = population.starts()
    place = starts[units] + np.floor(random.random(len(units)) * population.size[units]).astype(np.int64)
    known = {(draw.unit, draw.frame): draw.task_id for draw in log.draws}
    names = project.ontology.names
    wanted: dict[tuple[int, int], Task] = {}
    for unit, row in zip(units.tolist(), place.tolist(), strict=True):
        frame = int(population.frame[row])
        if (unit, frame) not in known and (unit, frame) not in wanted:
            wanted[unit, frame] = _task(population, unit, row, names, phase)
    ids = project.append_tasks(list(wanted.values()))
    known.update(zip(wanted, ids, strict=True))
    drawn = [
        Draw(phase, unit, int(population.frame[row]), known[unit, int(population.frame[row])])
        for unit, row in zip(units.tolist(), place.tolist(), strict=True)
    ]
    return replace(log, draws=(*log.draws, *drawn))


def _task(population: Population, unit: int, row: int, names: Sequence[str], phase: str) -> Task:
    track, frame = int(population.track_id[unit]), int(population.frame[row])
    sides = ", ".join(f"{side:.1f}" for side in population.xyxy[row])
    subject = f"track {track}" if track != NO_TRACK else "the box"
    return Task(
        kind=TaskKind.BOX,
        video_id=VideoId(int(population.video_id[unit])),
        start=frame,
        stop=frame + 1,
        track_id=track,
        question=f"Is {subject} at ({sides}) right: a {names[population.class_id[unit]]}, in the right place?",
        choices=("right", "wrong"),
        priority=1e6,
        reason=phase,
    )
