"""First half of labelling: decode, detect, store. Resumes at the exact frame; memory does not grow with the clip."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.annotations import Annotation
from framelabel.core.findings import Findings
from framelabel.core.protocols import Reporter
from framelabel.core.videos import Video
from framelabel.store import frame_tags, label_runs
from framelabel.store.project import Project
from framelabel.store.runs import Run
from framelabel.workflows.frame_source import FrameSource
from framelabel.workflows.look import Look
from framelabel.workflows.picture_tags import NAME, picture_fact

_FRAMES_PER_COMMIT = 64
_COMMITS_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detection stage needs from a plugin."""

    look: Look
    device: Callable[[], str]
    """The device really used, read back after the first picture."""
    class_ids: NDArray[np.int32]
    """(C,) project class id of each class of the model."""


def detect(
    project: Project,
    video: Video,
    source: FrameSource,
    detection: Detection,
    provenance: Mapping[str, Any],
    report: Reporter,
    names: Sequence[str] = (),
) -> Run:
    """Store the detections of a source's frames and return the run, stored but not yet marked as finished.

    Frames that an interrupted run has stored are not done again.

    Args:
        project: where to.
        video: whose frames.
        source: the frames to do.
        detection: what looks at them.
        provenance: everything that decides what is found.
        report: hears how long it goes on.
        names: file name of every picture by frame ordinal; stored with each frame's size. () for a video.
    """
    run = project.begin_run("detect", video.id, provenance, np.zeros(0, np.int64))
    if run.is_finished:
        return run
    report.start(f"detect {video.name}", source.total())
    report.advance(run.done_count, device=detection.device())
    done, waiting = run.done_count, deque[Future[None]]()
    pending: list[tuple[int, Findings]] = []
    unnamed = set(range(len(names))) - set(project.read(frame_tags.named, video.id, NAME) if names else ())
    pictures: list[Annotation] = []
    try:
        for seen in detection.look(source, run.done_count):
            pending.append((seen.frame, seen.found.with_classes(detection.class_ids)))
            if seen.frame in unnamed:
                pictures.append(picture_fact(video, seen.frame, names[seen.frame], seen.size))
            report.advance()
            if len(pending) == _FRAMES_PER_COMMIT:
                done += len(pending)
                _commit(project, run, pending, done, waiting, pictures)
                pending, pictures = [], []
    finally:
        # Also on Ctrl-C: what was detected is stored, and the next call goes on behind it.
        if pending:
            _commit(project, run, pending, done + len(pending), waiting, pictures)
        while waiting:
            waiting.popleft().result()
    return run


def finish(project: Project, run: Run, frames: NDArray[np.int64], device: str) -> Run:
    """Mark a detection run as finished, now that its frames are known for certain; return it."""
    if run.is_finished:
        return run
    return project.write(label_runs.finish_detection, run.id, frames, {"device": device})


def _commit(
    project: Project,
    run: Run,
    pending: list[tuple[int, Findings]],
    done: int,
    waiting: deque[Future[None]],
    pictures: list[Annotation],
) -> None:
    """Queue a commit; a few may be under way, so that a slow disk slows the work instead of filling memory."""
    waiting.append(project.store_detections(run, pending, done, pictures))
    while len(waiting) > _COMMITS_AHEAD:
        waiting.popleft().result()
