"""What people are asked after routing: everything that is in doubt, or the best of it for a budget of their time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.frames import VideoId
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.review.error_budget import Units
from framelabel.review.routing import Band, Routing, benefit
from framelabel.review.selection import Candidates, select
from framelabel.store import tasks as task_table
from framelabel.store.project import Project
from framelabel.workflows.people import seconds_by_band
from framelabel.workflows.population import Population, document_name

_ROUTED = "routing"
_UNCERTAINTY = 7
"""Column of the features of boxes and tracks: how far forward and backward paths disagree."""
_AGREEMENT = 1
"""Column of the features of tags: the share of neighbouring frames that say the same."""


def fill(
    project: Project,
    population: Population,
    units: Units,
    routing: Routing,
    answers: Sequence[Answer],
    *,
    judged: NDArray[np.int64],
    most: int,
    minutes: float,
    rare: bool,
    people: int,
) -> int:
    """Replace the open tasks of an earlier routing by those of this one, most useful first; return how many.

    Args:
        project: open for writing.
        population: what was routed.
        units: the same with the probabilities that are stated now.
        routing: what is decided.
        answers: all answers, for the time that each kind of task takes.
        judged: rows of the population that the audit has looked at: what resembles them is asked later.
        most: tasks at most.
        minutes: people's time; 0 for as many tasks as allowed.
        rare: rare classes are worth more.
        people: answers wanted for each task.
    """
    reason = document_name(_ROUTED, population.subject)
    gain = benefit(units)
    wanted = np.flatnonzero((routing.band == Band.QUICK) | (routing.band == Band.FULL))
    if minutes > 0:
        tasks = project.tasks(open_only=False)
        places = _places(population.features[np.concatenate([wanted, judged])].astype(np.float64))
        items = _candidates(
            project, population, units, routing, wanted, seconds_by_band(tasks, answers), places[: len(wanted)], rare
        )
        wanted = wanted[select(items, 60.0 * minutes / people, labelled=places[len(wanted) :])[:most]]
        priority = np.arange(len(wanted), 0, -1, dtype=np.float64)
    else:
        wanted = wanted[np.argsort(-gain[wanted], kind="stable")][:most]
        priority = gain[wanted]
    new = [
        _task(population, unit, Band(int(routing.band[unit])), reason, value, people)
        for unit, value in zip(wanted.tolist(), priority.tolist(), strict=True)
    ]
    old = [task.id for task in project.tasks() if task.reason.startswith(f"{reason}: ") and task.gold is None]
    project.write(task_table.replace, old, new)
    return len(new)


def _candidates(
    project: Project,
    population: Population,
    units: Units,
    routing: Routing,
    rows: NDArray[np.int64],
    seconds: dict[str, float],
    places: NDArray[np.float64],
    rare: bool,
) -> Candidates:
    """Return what is known of the units that could be asked about."""
    features = population.features[rows].astype(np.float64)
    disagreement = np.zeros(len(rows))
    if population.subject in ("box", "track"):
        disagreement = features[:, _UNCERTAINTY].clip(0.0, 1.0)
    elif population.subject == "tag":
        disagreement = 1.0 - features[:, _AGREEMENT]
    actors = {(int(event.video_id), track) for event in project.events() for track in event.actors}
    owners = zip(population.video_id[rows].tolist(), population.track_id[rows].tolist(), strict=True)
    return Candidates(
        units.probability[rows],
        population.class_id[rows] if rare else np.zeros(len(rows), np.int32),
        np.array([seconds[Band(band).name.lower()] for band in routing.band[rows].tolist()]),
        disagreement,
        np.array([owner in actors for owner in owners], np.bool_),
        places,
        units.size[rows],
    )


def _places(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is known of each unit on one scale, for telling which resemble one another."""
    spread = features.std(axis=0) if len(features) else np.zeros(features.shape[1])
    varied = features[:, spread > 0]
    return np.asarray((varied - varied.mean(axis=0)) / spread[spread > 0]) if len(features) else varied


def _task(population: Population, unit: int, band: Band, reason: str, priority: float, people: int) -> Task:
    kind, track = TaskKind(population.subject), int(population.track_id[unit])
    return Task(
        kind=TaskKind.TRACK if kind is TaskKind.BOX and track != NO_TRACK else kind,
        video_id=VideoId(int(population.video_id[unit])),
        start=int(population.start[unit]),
        stop=int(population.stop[unit]),
        track_id=track,
        subject_id=int(population.subject_id[unit]),
        question=_question(population, unit, band),
        choices=("accept", "reject", "fix"),
        priority=priority,
        answers_wanted=people,
        reason=f"{reason}: {band.name.lower()}",
    )


def _question(population: Population, unit: int, band: Band) -> str:
    """Return what a reviewer is asked."""
    name = population.names[population.class_id[unit]]
    subject = {"box": "", "track": " (extent and identity)", "tag": f" ({name})", "event": f" ({name})"}
    if band is Band.QUICK:
        return f"Is this right?{subject[population.subject]}"
    mend = "draw" if population.subject in ("box", "track") else "set"
    return f"Please {mend} this right, or delete it.{subject[population.subject]}"
