"""The open project behind the page: pictures, labels, people and their edits; knows nothing of HTTP."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framelabel.core.colours import colour_of
from framelabel.core.errors import FramelabelError, UsageError
from framelabel.core.frames import Span, VideoId
from framelabel.core.labels import Flag
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape, stretches
from framelabel.core.tasks import Answer, Task
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.media import open_video
from framelabel.store import tasks
from framelabel.store.edits import Edit
from framelabel.store.project import Project
from framelabel.web.objects import Objects
from framelabel.web.pictures import Pictures
from framelabel.web.timeline import next_uncertain, row_of
from framelabel.workflows.edit import Carry, Editor

_LEASE_S = 300.0
if TYPE_CHECKING:
    from framelabel.review.findings.finding import Finding
    from framelabel.workflows.plugin_form import PluginForm
    from framelabel.workflows.propagate import Carrier

_STRIP, _SHORT = 16, 2000
"""Pictures of the filmstrip, and frames up to which a video shows exactly the evenly spread ones."""
_MOST_FINDINGS = 1000
_WINDOW = 2000
"""Most frames whose labels are sent at once."""


class Studio:
    """One project, open for as long as the page's server runs."""

    def __init__(self, path: Path, plugin: str = "") -> None:
        """Open the project for writing, and the plugin that it is labelled with.

        Raises:
            ProjectError, ProjectLockedError: it cannot be opened.
            UnknownNameError, InvalidManifestError: the plugin that is named cannot be used.
        """
        self.project = Project(path, write=True)
        self._form: PluginForm | None = None
        self._knows_form = False
        if plugin:
            try:
                self.form = self._open_form(plugin)
            except FramelabelError:
                self.project.close()
                raise
        self._pictures: dict[int, Pictures] = {}
        self._leases: dict[int, dict[str, float]] = {}
        """Task id -> who holds it, and until when: nobody else gets it meanwhile, unless several answers are wanted."""
        self._objects = Objects(self.project)
        self._carriers: dict[int, Carrier] = {}
        self._carrying = threading.Lock()
        self._opening = threading.Lock()
        self._handing_out = threading.Lock()
        self._changes: Counter[int] = Counter()
        """Video id -> changes since the project was opened."""
        self._findings: dict[int, tuple[int, list[Finding]]] = {}
        """Video id -> changes at that time, and what looked wrong then."""

    def stop(self) -> None:
        """Stop decoding: who waits for a picture hears so."""
        for pictures in self._pictures.values():
            pictures.close()

    def close(self) -> None:
        """Stop decoding and close the project."""
        self.stop()
        self.project.close()

    @property
    def form(self) -> PluginForm | None:
        """The plugin that the page shows; None where the project does not say which, or it is not here any more.

        Opened when it is first asked for: the page is there before it.
        """
        if not self._knows_form:
            with suppress(FramelabelError):
                self._form = self._open_form("")
            self._knows_form = True
        return self._form

    @form.setter
    def form(self, form: PluginForm | None) -> None:
        self._form, self._knows_form = form, True

    def _open_form(self, named: str) -> PluginForm | None:
        from framelabel.workflows.plugin_form import PluginForm, plugin_of

        folder = plugin_of(self.project, named)
        return None if folder is None else PluginForm(folder)

    def video(self, video_id: int) -> Video:
        """Return a video by id.

        Raises:
            UnknownNameError: no such video.
        """
        return self.project.video(VideoId(video_id))

    def editor(self, name: str, request: str = "") -> Editor:
        """Return the editor of one person."""
        return Editor(self.project, name, request)

    def settle(self, edit: Edit) -> list[int]:
        """Take note of an edit that was done, undone or redone; return the ids of the tracks that it changed."""
        changed = self.project.tracks_of_edit(edit)
        self._objects.changed(edit.video_id, changed)
        self._changes[edit.video_id] += 1
        return changed

    def carry(self, video: Video) -> Carry:
        """Return what carries human boxes through one video's frames; pictures and solved gaps are kept in between."""
        from framelabel.workflows.propagate import Carrier

        def carried(track: Track, span: Span) -> Track:
            with self._carrying:
                if video.id not in self._carriers:
                    self._carriers[video.id] = Carrier(self.project, video)
                return self._carriers[video.id].carry(track, span)

        return carried

    def picture(self, video_id: int, frame: int, width: int, *, playhead: bool) -> Future[bytes]:
        """Return the future of one frame as JPEG."""
        with self._opening:
            if video_id not in self._pictures:
                video = self.video(video_id)
                index = self.project.frame_index(video.id)
                self._pictures[video_id] = Pictures(
                    lambda: open_video(video, index)
                )  # fmt: skip
        return self._pictures[video_id].ask(frame, width, playhead=playhead)

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

    def strip(self, video_id: int) -> list[int]:
        """Return the frames that the filmstrip shows: evenly spread, each moved back to where decoding can start."""
        index = self.project.frame_index(VideoId(video_id))
        count = min(_STRIP, len(index))
        spread = ((2 * number + 1) * len(index) // (2 * count) for number in range(count))
        return sorted({index.sync_before(frame) if len(index) > _SHORT else frame for frame in spread})

    def labels(self, video_id: int, start: int, stop: int) -> dict[str, Any]:
        """Return the labels of a window of frames; a box ends with the row of `makers` (origin, author) that made it.

        Raises:
            UsageError: the window is longer than is sent at once.
        """
        if stop - start > _WINDOW:
            raise UsageError(f"at most {_WINDOW} frames at once")
        boxes: list[list[Any]] = []
        tags: dict[int, Mapping[str, Any]] = {}
        extras: dict[int, dict[str, Any]] = {}
        makers: dict[tuple[str, str], int] = {}
        for fact in self.project.annotations(VideoId(video_id), Span(start, stop)):
            if fact.class_id < 0:
                tags[fact.frame] = {**tags.get(fact.frame, {}), **fact.attributes}
                continue
            flags = int(fact.flags) | (Flag.KEYFRAME if fact.is_keyframe else 0)
            place = [round(side, 2) for side in fact.xyxy]
            score = 1.0 if np.isnan(fact.score) else round(fact.score, 3)
            state = [int(fact.visibility), int(flags), score, round(fact.uncertainty, 3)]
            maker = makers.setdefault((fact.provenance.origin.value, fact.provenance.author), len(makers))
            boxes.append([fact.frame, fact.id, fact.track_id, fact.class_id, *place, *state, maker])
            if fact.attributes or fact.shape is not None:
                extras[fact.id] = {"attributes": dict(fact.attributes), **_drawn(fact.shape)}
        return {"start": start, "stop": stop, "boxes": boxes, "makers": list(makers), "tags": tags, "extras": extras}

    def timeline(self, video_id: int, track_ids: Sequence[int] | None = None) -> dict[str, Any]:
        """Return the rows of all tracks and the events of a video; or the rows of these tracks alone."""
        video = self.video(video_id)
        if track_ids is not None:
            return {"tracks": [row_of(track) for track in self._objects.some(video.id, track_ids)]}
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
        return {"tracks": [row_of(track) for track in self._objects.all(video.id)], "events": events}

    def next_uncertain(self, video_id: int, after: int) -> dict[str, int] | None:
        """Return the frame and track where a look helps most behind a frame; from the start when there is none."""
        tracks = self._objects.all(VideoId(video_id))
        found = next_uncertain(tracks, after) or next_uncertain(tracks, -1)
        return None if found is None else {"frame": found[0], "track": found[1]}

    def suggestions(self, video_id: int) -> dict[str, Any]:
        """Return what to label next, most useful first, and how far that leads."""
        from framelabel.workflows import suggest

        video = self.video(video_id)
        found = suggest.of_tracks(self._objects.all(video.id), video.name)
        return {
            "sentence": found.queue.sentence(),
            "expected_now": found.queue.expected_now,
            "expected_after": found.queue.expected_after,
            "suggestions": [
                {"track": item.track_id, "frame": item.frame, "gain": item.gain} for item in found.queue.suggestions
            ],
        }

    def stitches(self, video_id: int) -> list[dict[str, Any]]:
        """Return which tracks may be pieces of one object, likeliest first."""
        from framelabel.workflows import stitch

        return [asdict(item) for item in stitch.proposals(self.project, self.video(video_id))]

    def findings(self, video_id: int) -> list[dict[str, Any]]:
        """Return what looks wrong in a video, by frame; found once and again after edits, the worst thousand."""
        from framelabel.workflows import lint
        from framelabel.workflows.picture_tags import untagged

        video = self.video(video_id)
        state = self._changes[video_id]
        known = self._findings.get(video_id)
        if known is None or known[0] != state:
            labels = untagged(self.project.labels([video.id]))
            known = (state, lint.findings(self.project, labels)[:_MOST_FINDINGS])
            self._findings[video_id] = known
        return [
            {"frame": item.frame, "track": item.track_id, "kind": item.kind, "message": item.message}
            for item in sorted(known[1], key=lambda item: (item.frame, item.track_id))
        ]

    def next_task(self, annotator: str) -> tuple[Task | None, int]:
        """Hand the most useful open task to somebody; return it (None when all is done) and how many are open to them.

        Nobody gets a task that they have answered themselves, or that is held by as many people as are wanted for it.
        """
        now = time.monotonic()
        with self._handing_out:
            for holders in self._leases.values():
                for name in [name for name, until in holders.items() if until <= now]:
                    del holders[name]
            self._leases = {task_id: holders for task_id, holders in self._leases.items() if holders}
            for task, answers in self.project.tasks_for(annotator, len(self._leases) + 1):
                others = [name for name in self._leases.get(task.id, {}) if name != annotator]
                if answers + len(others) >= task.answers_wanted:
                    continue
                self._leases.setdefault(task.id, {})[annotator] = now + _LEASE_S
                break
            else:
                task = None
        return task, self.project.open_task_count(annotator)

    def answer(self, task_id: int, annotator: str, verdict: str, seconds: float, content: Mapping[str, Any]) -> bool:
        """Store an answer; return whether it is new (the same person's second answer to a task is not stored).

        Raises:
            UsageError: no such task.
        """
        if self.project.task(task_id) is None:
            raise UsageError(f"there is no task {task_id}")
        is_new = self.project.write(tasks.add_once, Answer(task_id, annotator, verdict, seconds, dict(content)))
        with self._handing_out:  # given back once the answer is stored: nobody else gets the task in between
            self._leases.get(task_id, {}).pop(annotator, None)
        return is_new

    def known_answer(self, task_id: int) -> str:
        """Return what a golden task tells whoever has answered it; "" for other tasks, or where it stays hidden."""
        task = self.project.task(task_id)
        gold = {} if task is None or task.gold is None else task.gold
        return str(gold["verdict"]) if gold.get("feedback") else ""

    def dashboard(self) -> dict[str, Any]:
        """Return counts, quality, agreement, and who did how much how fast."""
        from framelabel.workflows.dashboard import dashboard

        return dashboard(self.project, {video.name: self._objects.all(video.id) for video in self.project.videos()})


def _drawn(shape: Shape | None) -> dict[str, Any]:
    """Return a shape as the page draws it; a mask as its vertical stretches (x, first y, y after the last) in a row."""
    if isinstance(shape, Mask):
        return {"mask": stretches(shape).ravel().tolist()}
    if isinstance(shape, Polygon):
        return {"polygon": [np.round(ring, 2).tolist() for ring in shape.rings]}
    if isinstance(shape, Polyline):
        return {"polyline": np.round(shape.points, 2).tolist()}
    if isinstance(shape, Keypoints):
        return {"points": np.round(shape.points, 2).tolist(), "visible": shape.visibility.tolist()}
    return {}
