"""`framelabel lint`: rank what looks wrong in a project, and put the worst into the review queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.config import setting
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.tasks import Task, TaskKind
from framelabel.review.findings.catalog import find
from framelabel.review.findings.finding import Finding
from framelabel.review.findings.rows import LabelRows
from framelabel.store.project import Project
from framelabel.store.runs import Run
from framelabel.workflows.picture_tags import untagged
from framelabel.workflows.shot_cuts import cuts_of, known_cuts


@dataclass(frozen=True, slots=True)
class LintConfig:
    """What to check and what to do with it."""

    project: Path = setting(help="Project file.", argument=True)
    check: tuple[str, ...] = setting((), metavar="NAME", help="Only this check; repeatable. All when not given.")
    limit: int = setting(50, help="Findings to list; 0 for all.")
    queue: int = setting(0, metavar="N", help="Put the N worst findings into the review queue.")
    json: bool = setting(False, help="Print JSON instead of a table.")


@dataclass(frozen=True, slots=True)
class LintSummary:
    """What was found, most severe first."""

    findings: tuple[Finding, ...]
    video_names: tuple[str, ...]
    """By `Finding.video`."""
    queued: int = 0
    """Tasks added to the review queue; findings already there are not asked twice."""


def run(config: LintConfig, report: Reporter = SILENT) -> LintSummary:
    """Run the checks over the current labels of a project.

    Footage with tracks in which nobody has looked for cuts is decoded, where it is at hand; with `queue` what is found
    is kept.

    Raises:
        UnknownNameError: no such check.
        ProjectError: the project cannot be read (or written, with `queue`).
    """
    with Project(config.project, write=config.queue > 0) as project:
        labels = untagged(project.labels())
        needs_cuts = not config.check or "cut" in config.check
        cuts = _cuts(project, labels, report) if needs_cuts else []
        report.start("lint", None)
        found = _found(project, labels, cuts, config.check)
        report.advance(len(labels))
        queued = _queue(project, labels, found[: config.queue]) if config.queue > 0 else 0
    return LintSummary(tuple(found), tuple(video.name for video in labels.videos), queued)


def findings(project: Project, labels: Labels) -> list[Finding]:
    """Return what looks wrong in an open project's labels, picture names put away, most severe first.

    Cuts are those that are known; no footage is decoded.
    """
    return _found(project, labels, [known_cuts(project, video) or [] for video in labels.videos])


def _cuts(project: Project, labels: Labels, report: Reporter) -> list[list[int]]:
    """Return the cuts of each video in which anything was followed from one frame to another."""
    followed = labels.track_id != NO_TRACK
    video, track = labels.frames.video[labels.frame[followed]], labels.track_id[followed]
    pairs, boxes = np.unique(np.stack([video, track], axis=1), axis=0, return_counts=True)
    has_tracks = set(pairs[boxes > 1, 0].tolist())
    return [cuts_of(project, video, report) if row in has_tracks else [] for row, video in enumerate(labels.videos)]


def _found(
    project: Project, labels: Labels, cuts: Sequence[Sequence[int]], checks: tuple[str, ...] = ()
) -> list[Finding]:
    return find(LabelRows.of(labels, _detections(project, labels), cuts), checks)


def _detections(project: Project, labels: Labels) -> Labels | None:
    """Return the boxes of the newest finished detection run of each video as labels; None when there is none."""
    newest: dict[int, Run] = {
        int(run.video_id): run for run in project.runs() if run.kind == "detect" and run.is_finished
    }
    parts: list[Boxes] = []
    video, index, frame = [], [], []
    count = 0
    for row, item in enumerate(labels.videos):
        found = newest.get(int(item.id))
        if found is None:
            continue
        video.append(np.full(len(found.frames), row, np.int32))
        index.append(found.frames)
        for boxes in project.detections(found, found.frames.tolist()):
            parts.append(boxes)
            frame.append(np.full(len(boxes), count, np.int64))
            count += 1
    if not video:
        return None
    table = FrameTable(np.concatenate(video), np.concatenate(index))
    every = Boxes.concatenate(parts)
    columns = {"class_id": every.class_id, "score": every.score}
    return Labels.of(labels.ontology, labels.videos, table, np.concatenate(frame), every.xyxy, **columns)


def _queue(project: Project, labels: Labels, findings: list[Finding]) -> int:
    """Store findings as tasks unless the same was asked before; return how many were stored."""
    asked = {(task.reason, task.video_id, task.start, task.track_id) for task in project.tasks(open_only=False)}
    tasks = []
    for item in findings:
        kind = TaskKind.SPAN if item.track_id == NO_TRACK else TaskKind.TRACK
        task = Task(
            kind=kind,
            video_id=labels.videos[item.video].id,
            start=item.frame,
            stop=max(item.stop, item.frame + 1),
            track_id=item.track_id,
            question=item.message,
            choices=("right", "fix"),
            priority=item.severity,
            reason=f"lint: {item.kind}",
        )
        if (task.reason, task.video_id, task.start, task.track_id) not in asked:
            tasks.append(task)
    project.append_tasks(tasks)
    return len(tasks)
