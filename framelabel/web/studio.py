"""The open project behind the page: pictures, labels, people and their edits; knows nothing of HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framelabel.core.colours import colour_of
from framelabel.core.errors import UsageError
from framelabel.core.frames import Span, VideoId
from framelabel.core.labels import Flag
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape
from framelabel.core.tasks import Answer, Task
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.media import open_video
from framelabel.store import tasks
from framelabel.store.project import Project
from framelabel.web.pictures import Pictures
from framelabel.web.timeline import next_uncertain, row_of
from framelabel.workflows.edit import Carry, Editor
from framelabel.workflows.propagate import Carrier

_LEASE_S = 300.0
_WINDOW = 2000
"""Most frames whose labels are sent at once."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A task handed to somebody, so that nobody else gets it meanwhile."""

    annotator: str
    until: float


class Studio:
    """One project, open for as long as the page's server runs."""

    def __init__(self, path: Path) -> None:
        """Open the project for writing.

        Raises:
            ProjectError, ProjectLockedError: it cannot be opened.
        """
        self.project = Project(path, write=True)
        self._pictures: dict[int, Pictures] = {}
        self._leases: dict[int, Lease] = {}
        self._carriers: dict[int, Carrier] = {}
        self._carrying = threading.Lock()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Stop decoding and close the project."""
        for pictures in self._pictures.values():
            pictures.close()
        self.project.close()

    def video(self, video_id: int) -> Video:
        """Return a video by id.

        Raises:
            UnknownNameError: no such video.
        """
        return self.project.video(VideoId(video_id))

    def editor(self, name: str) -> Editor:
        """Return the editor of one person."""
        return Editor(self.project, name)

    def carry(self, video: Video) -> Carry:
        """Return what carries human boxes through one video's frames; pictures and solved gaps are kept in between."""

        def carried(track: Track, span: Span) -> Track:
            with self._carrying:
                if video.id not in self._carriers:
                    self._carriers[video.id] = Carrier(self.project, video)
                return self._carriers[video.id].carry(track, span)

        return carried

    def picture(self, video_id: int, frame: int, width: int, *, playhead: bool) -> bytes:
        """Return one frame as JPEG."""
        with self._lock:
            if video_id not in self._pictures:
                video = self.video(video_id)
                index = self.project.frame_index(video.id)
                self._pictures[video_id] = Pictures(
                    lambda: open_video(video, index)
                )  # fmt: skip
        return self._pictures[video_id].get(frame, width, playhead=playhead)

    def overview(self) -> dict[str, Any]:
        """Return what the page needs first: videos and classes with their colours."""
        ontology = self.project.ontology
        return {
            "name": self.project.path.stem,
            "videos": [
                {
                    "id": int(video.id),
                    "name": video.name,
                    "width": video.width,
                    "height": video.height,
                    "frames": video.frame_count,
                    "fps": float(video.fps),
                }
                for video in self.project.videos()
            ],
            "classes": [
                {
                    "name": spec.name,
                    "colour": spec.colour or "#{:02x}{:02x}{:02x}".format(*colour_of(spec.name)),
                    "attributes": [
                        {"name": item.name, "values": item.values, "mutable": item.mutable} for item in spec.attributes
                    ],
                }
                for spec in ontology.classes
            ],
            "tags": [{"name": item.name, "values": item.values} for item in ontology.frame_attributes],
        }

    def seconds(self, video_id: int) -> bytes:
        """Return the time of every frame as little-endian float32 seconds."""
        return self.project.frame_index(VideoId(video_id)).seconds().astype("<f4").tobytes()

    def labels(self, video_id: int, start: int, stop: int) -> dict[str, Any]:
        """Return the labels of a window of frames.

        Raises:
            UsageError: the window is longer than is sent at once.
        """
        if stop - start > _WINDOW:
            raise UsageError(f"at most {_WINDOW} frames at once")
        boxes: list[list[Any]] = []
        tags: dict[int, Mapping[str, Any]] = {}
        extras: dict[int, dict[str, Any]] = {}
        for fact in self.project.annotations(VideoId(video_id), Span(start, stop)):
            if fact.class_id < 0:
                tags[fact.frame] = {**tags.get(fact.frame, {}), **fact.attributes}
                continue
            flags = int(fact.flags) | (Flag.KEYFRAME if fact.is_keyframe else 0)
            place = [round(side, 2) for side in fact.xyxy]
            score = 1.0 if np.isnan(fact.score) else round(fact.score, 3)
            state = [int(fact.visibility), int(flags), score, round(fact.uncertainty, 3)]
            boxes.append([fact.frame, fact.id, fact.track_id, fact.class_id, *place, *state])
            if fact.attributes or fact.shape is not None:
                extras[fact.id] = {"attributes": dict(fact.attributes), **_drawn(fact.shape)}
        return {"start": start, "stop": stop, "boxes": boxes, "tags": tags, "extras": extras}

    def timeline(self, video_id: int) -> dict[str, Any]:
        """Return the rows of all tracks and the events of a video."""
        video = self.video(video_id)
        events = [
            {
                "id": event.id,
                "name": event.name,
                "start": event.start,
                "stop": event.stop,
                "actors": event.actors,
                "evidence": event.evidence_frame,
                "attributes": dict(event.attributes),
            }
            for event in self.project.events(video.id)
        ]
        return {"tracks": [row_of(track) for track in self.project.tracks(video.id)], "events": events}

    def next_uncertain(self, video_id: int, after: int) -> dict[str, int] | None:
        """Return the frame and track where a look helps most behind a frame; from the start when there is none."""
        tracks = self.project.tracks(VideoId(video_id))
        found = next_uncertain(tracks, after) or next_uncertain(tracks, -1)
        return None if found is None else {"frame": found[0], "track": found[1]}

    def next_task(self, annotator: str) -> tuple[Task | None, int]:
        """Hand the most useful open task to somebody; return it (None when all is done) and how many are open.

        Nobody gets a task that another person holds, or that they have answered themselves.
        """
        now = time.monotonic()
        with self._lock:
            self._leases = {key: lease for key, lease in self._leases.items() if lease.until > now}
            waiting = self.project.tasks()
            answered = {answer.task_id for answer in self.project.answers() if answer.annotator == annotator}
            for task in waiting:
                lease = self._leases.get(task.id)
                if task.id in answered or (lease is not None and lease.annotator != annotator):
                    continue
                self._leases[task.id] = Lease(annotator, now + _LEASE_S)
                return task, len(waiting)
        return None, len(waiting)

    def answer(self, task_id: int, annotator: str, verdict: str, seconds: float, content: Mapping[str, Any]) -> bool:
        """Store an answer; return whether it is new (the same person's second answer to a task is not stored).

        Raises:
            UsageError: no such task.
        """
        with self._lock:
            if task_id not in {task.id for task in self.project.tasks(open_only=False)}:
                raise UsageError(f"there is no task {task_id}")
            if any(answer.annotator == annotator for answer in self.project.answers(task_id)):
                return False
            self._leases.pop(task_id, None)
            self.project.write(tasks.add_answer, Answer(task_id, annotator, verdict, seconds, dict(content)))
            return True

    def dashboard(self) -> dict[str, Any]:
        """Return counts, and who did how much how fast."""
        people: dict[str, dict[str, Any]] = {}
        for answer in self.project.answers():
            person = people.setdefault(answer.annotator, {"answers": 0, "seconds": 0.0})
            person["answers"] += 1
            person["seconds"] += answer.seconds
        for name, count in self.project.edits_by_author().items():
            people.setdefault(name, {"answers": 0, "seconds": 0.0})["edits"] = count
        return {
            "people": people,
            "open_tasks": len(self.project.tasks()),
            "tasks": len(self.project.tasks(open_only=False)),
            "labels": self.project.label_counts(),
        }


def _drawn(shape: Shape | None) -> dict[str, Any]:
    """Return a shape as the page draws it; masks are shown as their box."""
    if shape is None or isinstance(shape, Mask):
        return {}
    if isinstance(shape, Polygon):
        return {"polygon": [np.round(ring, 2).tolist() for ring in shape.rings]}
    if isinstance(shape, Polyline):
        return {"polyline": np.round(shape.points, 2).tolist()}
    if isinstance(shape, Keypoints):
        return {"points": np.round(shape.points, 2).tolist(), "visible": shape.visibility.tolist()}
    return {}
