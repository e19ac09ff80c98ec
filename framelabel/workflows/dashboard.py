"""How a project stands, as the dashboard shows it: what is labelled, how good it is, who did how much how fast."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np

from framelabel.core.tasks import Answer
from framelabel.core.tracks import Track, Visibility
from framelabel.store.project import Project
from framelabel.workflows.agree import answers_summary, as_dict
from framelabel.workflows.suggest import of_tracks

_PAUSE_S = 300.0
"""Longer gaps between two answers of one person are breaks, not work."""


def dashboard(project: Project, tracks: Mapping[str, Sequence[Track]]) -> dict[str, Any]:
    """Return the state of a project as JSON-able values.

    Args:
        project: open; it is only read.
        tracks: the current tracks by name of their video.
    """
    answers = project.answers()
    tasks = project.tasks(open_only=False)
    return {
        "labels": project.label_counts(),
        "videos": [_video(name, list(some)) for name, some in tracks.items()],
        "events": len(project.events()),
        "tasks": len(tasks),
        "open_tasks": project.open_task_count(),
        "answers": len(answers),
        "people": _people(project, answers),
        "seconds_per_answer": _median([answer.seconds for answer in answers if answer.seconds > 0]),
        "agreement": as_dict(answers_summary(project)) if answers else None,
        "routing": _stored(project),
    }


def _video(name: str, tracks: Sequence[Track]) -> dict[str, Any]:
    """Return counts of one video and its expected quality: the mean expected overlap, and the share right."""
    counted = [track.visibility != Visibility.ABSENT for track in tracks]
    boxes = int(sum(int(rows.sum()) for rows in counted))
    doubt = sum(float(track.uncertainty[rows].sum()) for track, rows in zip(tracks, counted, strict=True))
    return {
        "name": name,
        "objects": len(tracks),
        "boxes": boxes,
        "by_people": int(sum(int(track.is_keyframe.sum()) for track in tracks)),
        "predicted": int(sum(int((track.score == 0).sum()) for track in tracks)),
        "expected_overlap": None if boxes == 0 else 1 - doubt / boxes,
        "next": of_tracks(tracks, name).queue.sentence() if any(track.is_keyframe.any() for track in tracks) else "",
    }


def _people(project: Project, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return what each person did, and how fast: seconds for an item, and answers an hour while at work."""
    by_name: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_name[answer.annotator].append(answer)
    edits = project.edits_by_author()
    return [
        {
            "name": name,
            "answers": len(by_name[name]),
            "skipped": sum(answer.verdict == "skip" for answer in by_name[name]),
            "edits": edits.get(name, 0),
            "seconds": _median([answer.seconds for answer in by_name[name] if answer.seconds > 0]),
            "per_hour": _per_hour(by_name[name]),
        }
        for name in sorted(by_name.keys() | edits.keys())
    ]


def _per_hour(answers: Sequence[Answer]) -> float | None:
    """Return answers an hour between the first and the last one, breaks left out; None for fewer than two.

    >>> moments = ("2026-01-01T10:00:00Z", "2026-01-01T10:00:30Z", "2026-01-01T12:00:00Z", "2026-01-01T12:00:30Z")
    >>> _per_hour([Answer(1, "ada", "accept", answered_at=moment) for moment in moments])
    120.0
    """
    times = sorted(datetime.fromisoformat(answer.answered_at.replace("Z", "+00:00")) for answer in answers)
    gaps = np.array([(later - earlier).total_seconds() for earlier, later in pairwise(times)])
    working = gaps[gaps <= _PAUSE_S]
    total = float(working.sum()) if len(working) else 0.0
    return 3600 * len(working) / total if total > 0 else None


def _stored(project: Project) -> Any:
    """Return what `framelabel route` promised last; None when it has not run."""
    found = project.document("routing", "result")
    return None if found is None else json.loads(found.content)


def _median(values: Sequence[float]) -> float | None:
    value = float(np.median(values)) if values else math.nan
    return None if math.isnan(value) else value
