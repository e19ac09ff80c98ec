"""First half of labelling: decode, detect, store. Resumes at the exact frame; memory does not grow with the clip."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.frames import Frame
from framelabel.core.protocols import Reporter
from framelabel.core.videos import Video
from framelabel.store import label_runs
from framelabel.store.project import Project
from framelabel.store.runs import Run
from framelabel.workflows.frame_source import FrameSource

_FRAMES_PER_COMMIT = 64
_COMMITS_AHEAD = 4

DetectStream = Callable[[Iterable[Frame]], Iterator[tuple[Frame, Boxes]]]


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detection stage needs from a plugin."""

    stream: DetectStream
    """Frames in, the same frames with their boxes out, in order."""
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
) -> Run:
    """Store the detections of a source's frames and return the run, stored but not yet marked as finished.

    Frames that an interrupted run has stored are not done again.
    """
    run = project.begin_run("detect", video.id, provenance, np.zeros(0, np.int64))
    if run.is_finished:
        return run
    report.start(f"detect {video.name}", source.total())
    report.advance(run.done_count, device=detection.device())
    done, waiting = run.done_count, deque[Future[None]]()
    pending: list[tuple[int, Boxes]] = []
    try:
        for frame, boxes in detection.stream(source.frames(run.done_count)):
            pending.append((frame.ref.index, _in_project_classes(boxes, detection.class_ids)))
            report.advance()
            if len(pending) == _FRAMES_PER_COMMIT:
                done += len(pending)
                _commit(project, run, pending, done, waiting)
                pending = []
    finally:
        # Also on Ctrl-C: what was detected is stored, and the next call goes on behind it.
        if pending:
            _commit(project, run, pending, done + len(pending), waiting)
        while waiting:
            waiting.popleft().result()
    return run


def finish(project: Project, run: Run, frames: NDArray[np.int64], device: str) -> Run:
    """Mark a detection run as finished, now that its frames are known for certain; return it."""
    if run.is_finished:
        return run
    return project.write(label_runs.finish_detection, run.id, frames, {"device": device})


def _commit(
    project: Project, run: Run, pending: list[tuple[int, Boxes]], done: int, waiting: deque[Future[None]]
) -> None:
    """Queue a commit; a few may be under way, so that a slow disk slows the work instead of filling memory."""
    waiting.append(project.store_detections(run, pending, done))
    while len(waiting) > _COMMITS_AHEAD:
        waiting.popleft().result()


def _in_project_classes(boxes: Boxes, class_ids: NDArray[np.int32]) -> Boxes:
    return Boxes(boxes.xyxy, boxes.score, class_ids[boxes.class_id], boxes.track_id)
