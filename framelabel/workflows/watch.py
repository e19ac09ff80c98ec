"""`framelabel watch`: label a camera as it goes. A camera does not wait, so what cannot be kept up with is dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from framelabel import plugins
from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.findings import Findings
from framelabel.core.frames import Frame, FrameIndex, FrameRef, VideoId
from framelabel.core.ontology import Ontology
from framelabel.core.protocols import SILENT, OnlineTracker, Reporter
from framelabel.core.videos import Video
from framelabel.media.cameras import Camera
from framelabel.store import label_runs
from framelabel.store.project import Project
from framelabel.store.runs import now
from framelabel.tracking.catalog import ONLINE_TRACKERS
from framelabel.workflows.find_events import Watch, find_events
from framelabel.workflows.track_details import tags_of

_FRAMES_PER_COMMIT = 32
_NOMINAL_FPS = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """What to watch, with which plugin, into which project."""

    source: str = setting(help="Camera address (rtsp://, http://), device (/dev/video0), or a file.", argument=True)
    plugin: str = setting(help="A bundled plugin's name, or a plugin folder.")
    project: Path = setting(help="Project file; created when it does not exist.")
    tracker: str = setting("bytetrack", choices=tuple(ONLINE_TRACKERS), help="Online tracker.")
    device: str = setting("auto", help="Where the model runs.")
    template: Path | None = setting(
        None, help="Golden picture to compare with, for plugins that do; the plugin's own when not given."
    )
    for_s: float = setting(0.0, help="Stop after this many seconds of footage; 0 goes on until Ctrl-C.")


@dataclass(frozen=True, slots=True)
class WatchSummary:
    """What was seen."""

    frames: int
    dropped: int
    """Pictures that the camera sent and nobody had time for."""
    tracks: int
    events: int


def run(config: WatchConfig, report: Reporter = SILENT) -> WatchSummary:
    """Label until the source ends, the time is over, or the person interrupts; everything seen is stored.

    Raises:
        UsageError: no such source.
        UnreadableVideoError: nothing answers there, or it sends no video.
    """
    if not config.source:
        raise UsageError("name a camera address, a device or a file")
    manifest = plugins.load(config.plugin)
    plugin = plugins.build(manifest, device=config.device, workers=1, template=config.template, reporter=report)
    plugin.need_template()
    camera = Camera(config.source)
    seen: list[int] = []
    with Project(config.project, create=True) as project:
        try:
            frames = _numbered(camera, config.for_s)
            first = next(frames, None)
            if first is None:
                raise UsageError(f"{config.source}: sent no picture")
            height, width = first.image.shape[:2]
            unnamed = Video(VideoId(0), f"watch {now()}", "", width, height, 0, camera.time_base, Fraction(0))
            video = project.add_video(unnamed)
            ontology = project.extend_ontology(plugin.ontology)
            declared = Ontology(ontology.classes, plugin.ontology.frame_attributes)
            class_ids = np.array([ontology.id_of(name) for name in plugin.ontology.names], dtype=np.int32)
            provenance = {"plugin": plugin.name, "model_digest": plugin.model_digest, "source": config.source}
            run_ = project.begin_run("watch", video.id, {**provenance, "at": now()}, np.zeros(0, np.int64))
            entry = ONLINE_TRACKERS.load(config.tracker)
            tracker: OnlineTracker = entry(entry.Options(), fps=_NOMINAL_FPS, frame_size=(width, height))
            source = Provenance(Origin.TRACKER, f"{plugin.name} {plugin.model_digest}", run_.id)
            report.start(f"watch {config.source}", None)
            facts: list[Annotation] = []
            try:
                for frame in _after(first, frames):
                    ref = replace(frame.ref, video_id=video.id)
                    found = plugin.detector.find([frame.image])[0]
                    found = found.with_boxes(plugin.hook(found.boxes, ref)).with_classes(class_ids)
                    seen.append(ref.pts)
                    facts += _facts(found, tracker.update(found.boxes, ref), ref, source)
                    facts += tags_of(video, [ref.index], [found], declared, source)
                    report.advance(dropped=camera.dropped, device=plugin.detector.device)
                    if len(seen) % _FRAMES_PER_COMMIT == 0:
                        project.append(facts)
                        facts = []
            except KeyboardInterrupt:
                report.note("stopped; storing what was seen")
            project.append(facts)
        finally:
            camera.close()
        index = FrameIndex(
            camera.time_base,
            np.array(seen, dtype=np.int64),
            np.zeros(len(seen), np.bool_),
            np.zeros(len(seen), np.uint64),
        )
        video = replace(video, frame_count=len(seen), fps=index.average_fps())
        project.set_frame_index(video, index)
        facts_of_run = {"device": plugin.detector.device, "dropped": camera.dropped}
        done = project.write(label_runs.finish_detection, run_.id, np.arange(len(seen)), facts_of_run)
        watch = Watch(plugin.rules, plugin.zones, plugin.lines)
        events = find_events(project, video, done, watch, {**provenance, "run": run_.id}, report)
        return WatchSummary(len(seen), camera.dropped, len(project.tracks(video.id)), len(events))


def _numbered(camera: Camera, for_s: float) -> Iterator[Frame]:
    """Yield the frames that were kept, numbered without gaps, until the time is over."""
    begun = None
    for number, frame in enumerate(camera):
        begun = frame.ref.pts if begun is None else begun
        if for_s > 0 and float((frame.ref.pts - begun) * camera.time_base) >= for_s:
            return
        yield Frame(replace(frame.ref, index=number), frame.image)


def _after(first: Frame, others: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from others


def _facts(found: Findings, tracked: Boxes, ref: FrameRef, source: Provenance) -> list[Annotation]:
    """Return the tracked boxes of a frame as annotations, with their shapes (a tracker keeps rows and their order)."""
    return [
        Annotation(
            ref.video_id,
            ref.index,
            int(tracked.class_id[row]),
            (x1, y1, x2, y2),
            source,
            int(tracked.track_id[row]),
            float(tracked.score[row]),
            uncertainty=1.0 - float(tracked.score[row]),
            shape=found.shapes.get(row),
        )
        for row, (x1, y1, x2, y2) in enumerate(tracked.xyxy.tolist())
        if tracked.track_id[row] != NO_TRACK
    ]
