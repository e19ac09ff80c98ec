"""What is known of one video besides its human boxes: footage, a tracking network, and the detections of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from framelabel.core.boxes import Boxes
from framelabel.core.errors import MissingModelError
from framelabel.core.protocols import FrameReader, Reporter
from framelabel.core.videos import Video
from framelabel.inference.siamese import NanoTrack
from framelabel.media import open_video
from framelabel.store.project import Project
from framelabel.tracking.propagation.evidence import Evidence

TEXT_METHODS = frozenset({"linear", "detections"})
"""Methods that never look at pictures."""


def gather(project: Project, video: Video, method: str, report: Reporter) -> Evidence:
    """Return the evidence that `method` can use; what is not there is said in one line and done without."""
    detections = detections_of(project, video)
    if method != "linear" and not detections:
        report.note(f"{video.name}: no detections; run `framelabel label` first to let them help")
    reader = None if method in TEXT_METHODS else _reader(project, video, report)
    return Evidence(
        video.size,
        float(video.fps),
        frame_count_of(project, video),
        reader=reader,
        network=_network(method, report) if reader is not None else None,
        detections=detections,
    )


def detections_of(project: Project, video: Video) -> Mapping[int, Boxes]:
    """Return the boxes of the newest finished run of detections of a video by frame ordinal; {} when there is none."""
    for run in reversed(project.runs()):
        if run.video_id != video.id or not run.is_finished or run.kind != "detect":
            continue
        frames = run.frames.tolist()
        return dict(zip(frames, project.detections(run, frames), strict=True))
    return {}


def frame_count_of(project: Project, video: Video) -> int:
    """Return the pictures of a video; for labels without footage one past the last frame labelled."""
    if video.frame_count:
        return video.frame_count
    return max((int(track.frame[-1]) + 1 for track in project.tracks(video.id)), default=0)


def _reader(project: Project, video: Video, report: Reporter) -> FrameReader | None:
    if not video.path or not Path(video.path).exists():
        where = video.path or "unknown"
        report.note(f"{video.name}: footage not at hand ({where}); carrying by detections and interpolation")
        return None
    index = project.frame_index(video.id)
    return open_video(video, index if len(index) else None)


def _network(method: str, report: Reporter) -> NanoTrack | None:
    if method == "flow":
        return None
    try:
        return NanoTrack(reporter=report)
    except MissingModelError as error:
        if method == "visual":
            raise
        report.note(f"carrying by optical flow and correlation, which is less exact: {error}")
        return None
