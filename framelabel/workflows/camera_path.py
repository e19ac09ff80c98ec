"""How the camera moved over a clip: estimated once from its pictures, kept with the project, used by rules."""

from __future__ import annotations

import hashlib
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.protocols import Reporter
from framelabel.core.videos import Video
from framelabel.media import open_reader
from framelabel.store.documents import Document
from framelabel.store.project import Project
from framelabel.tracking.camera_motion import CameraMotion
from framelabel.workflows.recognise import boxes_by_frame

_KIND = "camera_path"


def camera_path(project: Project, video: Video, frames: NDArray[np.int64], report: Reporter) -> NDArray[np.float64]:
    """Return the (F, 2, 3) affine maps from the pixels of each of these frames to those of the first.

    Each frame is compared with the one before (`frames` apart); tracked objects are masked out, since they say nothing
    of the camera. Errors of the steps add up: about a pixel over some hundred frames of a textured scene.

    Args:
        project: where the result is kept; one that is open for reading only keeps nothing.
        video: the footage.
        frames: (F,) ordinals, ascending.
        report: hears how far the pass is.

    Raises:
        UnreadableVideoError: the footage cannot be read.
    """
    name = name_of(video, frames)
    known = project.document(_KIND, name)
    if known is not None:
        return np.frombuffer(known.content, "<f8").reshape(-1, 2, 3)
    boxes = boxes_by_frame(project.tracks(video.id))
    motion = CameraMotion()
    report.start(f"camera {video.name}", len(frames))
    steps = []
    index = project.frame_index(video.id)
    with closing(open_reader(video.path, video_id=video.id, index=index, reader=video.reader)) as reader:
        for frame in reader.read(frames.tolist()):
            steps.append(motion(frame.image, boxes.get(frame.ref.index, Boxes.empty()).xyxy))
            report.advance()
    path = to_first(np.array(steps).reshape(-1, 2, 3))
    if project.is_writable:
        project.put_document(Document(_KIND, name, "application/octet-stream", path.astype("<f8").tobytes()))
    return path


def name_of(video: Video, frames: NDArray[np.int64]) -> str:
    """Return the name of what is kept of these frame ordinals of a video."""
    return f"{video.id}:{hashlib.sha256(frames.astype('<i8').tobytes()).hexdigest()[:16]}"


def to_first(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the maps from each frame to the first, from (F, 2, 3) maps of each frame's predecessor to it.

    >>> steps = np.tile(np.eye(2, 3), (3, 1, 1))
    >>> steps[1:, 0, 2] = 5.0
    >>> to_first(steps)[:, 0, 2].tolist()
    [0.0, -5.0, -10.0]
    """
    whole = np.tile(np.eye(3), (len(steps), 1, 1))
    whole[:, :2] = steps
    path = np.eye(3)
    found = []
    for number, step in enumerate(np.linalg.inv(whole) if len(steps) else whole):
        path = path @ step if number else path
        found.append(path[:2])
    return np.array(found).reshape(-1, 2, 3)
