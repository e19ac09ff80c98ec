"""`framelabel label`: decode, detect, link, store, export. One bad video never stops the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.config import setting
from framelabel.core.errors import FramelabelError, UsageError
from framelabel.core.frames import FrameIndex
from framelabel.core.ontology import Ontology
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.videos import Video
from framelabel.formats.catalog import FORMATS
from framelabel.inference.thorough import VIEWS
from framelabel.media import open_reader
from framelabel.media.catalog import READERS
from framelabel.media.images import ImagesReader
from framelabel.media.sequences import is_sequence
from framelabel.store.project import Project
from framelabel.workflows.associate import UNLINKED_NAME, Meaning, TrackerChoice, associate
from framelabel.workflows.detect import Detection, detect, finish
from framelabel.workflows.find_events import FIXED, MOVING, Watch, find_events
from framelabel.workflows.frame_source import (
    SelectedFrames,
    Selection,
    WholePass,
    stored_index,
    video_of,
    with_index,
)
from framelabel.workflows.look import PLAIN, Crew, Look, look_of
from framelabel.workflows.picture_tags import untagged
from framelabel.workflows.recognise import Readings
from framelabel.workflows.shot_cuts import Watched, cuts_among

_DRAFT_FPS = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelConfig:
    """What to label, with which plugin, into which project."""

    videos: tuple[Path, ...] = setting(help="Videos, image folders or globs.", argument=True)
    plugin: str = setting(help="A bundled plugin's name, or a plugin folder.")
    project: Path = setting(help="Project file; created when it does not exist.")
    config: Path | None = setting(None, help="YAML file with the same keys as these flags; flags win.")
    frames: str = setting("", metavar="A:B", help="Only frame ordinals A to B-1.")
    every: int = setting(1, help="Only every Nth frame.")
    fps: float = setting(0.0, help="Only as many frames a second; 0 for all.")
    device: str = setting(
        "auto",
        choices=("auto", "cpu", "cuda", "tensorrt", "openvino", "coreml", "directml"),
        help="Where the model runs; one that is named and not there is an error, auto reports what it used.",
    )
    effort: str = setting(
        "auto",
        choices=("full", "auto", "draft"),
        help="full: mirrored and nearer views too, six times the work; auto: each picture once; draft: 6 a second.",
    )
    views: tuple[str, ...] = setting(
        (),
        choices=(PLAIN, *VIEWS),
        help="See each picture in this further view too, and fuse the boxes; repeatable; none: only as it is. "
        "The plugin's own when not given.",
    )
    template: Path | None = setting(
        None, help="Golden picture to compare with, for plugins that do; the plugin's own when not given."
    )
    cluster: str = setting(
        "",
        metavar="local|ray://HOST:PORT",
        help="Look at frames with Ray, on this machine's cores or on a running cluster; the labels are the same.",
    )
    tracker: str = setting(
        "", help="Tracker by name, or none to link nothing; the plugin's own when not given (none for loose pictures)."
    )
    reid: str = setting(
        "",
        metavar="FILE",
        help="ONNX re-identification model: the offline tracker also goes by what objects look like.",
    )
    camera: str = setting(
        "", choices=("", FIXED, MOVING), help="moving: zones stay on the ground; the plugin's own when not given."
    )
    reader: str = setting("auto", choices=("auto", *READERS), help="What makes pictures of the files.")
    export: tuple[str, ...] = setting((), metavar="FORMAT=PATH", help="Write an export when done; repeatable.")


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """What became of one video."""

    path: str
    frames: int = 0
    tracks: int = 0
    events: int = 0
    device: str = ""
    is_new: bool = False
    """False when the same labels were already there."""
    problem: str = ""
    """Why it failed; "" when it did not."""


@dataclass(frozen=True, slots=True)
class LabelSummary:
    """What became of the batch."""

    videos: tuple[VideoSummary, ...]
    exports: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())
    """Exports that failed."""

    @property
    def is_complete(self) -> bool:
        """Whether every video was labelled and every export written."""
        return not self.problems and not any(video.problem for video in self.videos)


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with every video of the batch."""

    config: LabelConfig
    plugin: plugins.Plugin
    selection: Selection
    class_ids: NDArray[np.int32]
    look: Look
    crew: Crew | None
    meaning: Meaning
    watch: Watch
    provenance: Mapping[str, Any]


def run(config: LabelConfig, report: Reporter = SILENT, crew: Crew | None = None) -> LabelSummary:
    """Label every video into the project and write the exports.

    Args:
        config: what to do.
        report: hears how it goes.
        crew: who looks at the frames; None does it here. The labels are the same, byte for byte.

    Raises:
        UsageError: nothing to label, or flags that contradict each other.
        InvalidManifestError, MissingModelError, DeviceUnavailableError: the plugin cannot run here.
        ProjectError: the project cannot be written.
    """
    if not config.videos:
        raise UsageError("no video given; name at least one file")
    targets = [_export_target(text) for text in config.export]
    sampled = config.every > 1 or config.fps > 0
    rate = _DRAFT_FPS if config.effort == "draft" and not sampled else config.fps
    selection = Selection(config.frames, config.every, rate)
    manifest = plugins.load(config.plugin)
    plugin = plugins.build(manifest, device=config.device, template=config.template, reporter=report)
    plugin.need_template()
    _tracker(config, plugin)
    with Project(config.project, create=True) as project:
        ontology = project.extend_ontology(plugin.ontology)
        class_ids = np.array([ontology.id_of(name) for name in plugin.ontology.names], dtype=np.int32)
        grades = {ontology.id_of(name): found for name, found in plugin.grades.items()}
        meaning = Meaning(
            Ontology(ontology.classes, plugin.ontology.frame_attributes), grades, Readings(plugin.recognisers)
        )
        watch = Watch(plugin.rules, plugin.zones, plugin.lines, config.camera or plugin.manifest.camera)
        look = look_of(plugin, config.effort, config.views)
        work = _Work(config, plugin, selection, class_ids, look, crew, meaning, watch, _provenance(config, plugin))
        summaries = [_label_one(project, path, work, report) for path in config.videos]
        written, problems = _export(project, targets, report)
    return LabelSummary(tuple(summaries), tuple(written), tuple(problems))


def _export(project: Project, targets: Sequence[tuple[str, Path]], report: Reporter) -> tuple[list[str], list[str]]:
    """Write the exports; return what was written and what failed, a line each."""
    written: list[str] = []
    problems: list[str] = []
    if not targets:
        return written, problems
    labels = untagged(project.labels())
    for name, path in targets:
        try:
            loss = FORMATS.load(name)().write(labels, path)
            written.append(f"{name}: {path}" + (f" (what it cannot hold: {path}.losses.txt)" if loss else ""))
        except (FramelabelError, OSError) as error:
            problems.append(f"export {name}={path}: {error}")
            report.note(problems[-1])
    return written, problems


def _label_one(project: Project, path: Path, work: _Work, report: Reporter) -> VideoSummary:
    """Label one video; what is wrong with it goes into the summary and stops nothing else."""
    try:
        video = video_of(project, path, work.config.reader)
        index = stored_index(project, video)
        with closing(open_reader(path, video_id=video.id, index=index, reader=video.reader)) as reader:
            names = tuple(file.name for file in reader.paths) if isinstance(reader, ImagesReader) else ()
            tracker = _tracker(work.config, work.plugin, names)
            if index is None and (work.selection.needs_index or work.crew is not None):
                report.note(f"{path}: decoding once to number its frames")
                index = reader.index
                video = with_index(project, video, reader)
            source = Watched(
                WholePass(reader, work.selection.every)
                if index is None
                else SelectedFrames(reader, work.selection.ordinals(index))
            )
            detection = Detection(_look(work, video, index), lambda: work.plugin.detector.device, work.class_ids)
            run = detect(project, video, source, detection, work.provenance, report, names)
            if not run.is_finished:
                if index is None:
                    video = with_index(project, video, reader)
                run = finish(project, run, source.ordinals(), detection.device())
        is_linked = tracker.name != UNLINKED_NAME
        cuts = cuts_among(project, video, run.frames, report, source) if is_linked else []
        count, is_new = associate(project, video, run, tracker, work.meaning, work.provenance, report, cuts)
        found = find_events(project, video, run, work.watch, work.provenance, report)
    except (FramelabelError, OSError) as error:
        report.note(f"{path}: failed: {error}")
        return VideoSummary(str(path), problem=str(error))
    if names and is_new and is_linked and count < len(run.frames) / 2:
        report.note(f"{path}: {count} objects in {len(names)} pictures; if they are unrelated, give --tracker none")
    device = str(run.facts.get("device", ""))
    return VideoSummary(str(path), len(run.frames), count, len(found), device, is_new)


def _look(work: _Work, video: Video, index: FrameIndex | None) -> Look:
    """Return what looks at the video's frames: this process, or the crew."""
    crew = work.crew
    if crew is None or index is None:
        return work.look
    return lambda source, done: crew.look(video, index, source.ordinals()[done:])


def _provenance(config: LabelConfig, plugin: plugins.Plugin) -> dict[str, Any]:
    """Return everything that decides which boxes are found: it is stored with the run, and names it."""
    model = plugin.manifest.model_dump(mode="json", include={"classes", "model", "hook"})
    return {
        "plugin": plugin.name,
        "model_digest": plugin.model_digest,
        "manifest": model,
        "device": plugin.detector.device,
        "effort": config.effort,
        **({} if config.reader == "auto" else {"reader": config.reader}),
        **({"views": config.views} if config.views else {}),
        **({"template": plugin.template_digest} if plugin.template_digest else {}),
        "frames": config.frames,
        "every": config.every,
        "fps": config.fps,
    }


def _tracker(config: LabelConfig, plugin: plugins.Plugin, names: Sequence[str] = ()) -> TrackerChoice:
    """Return the tracker asked for; the plugin's options hold for the plugin's own tracker only.

    Pictures whose names (in natural order) are no numbered sequence have nothing to do with each other: what is found
    in them is not linked, unless a tracker is asked for.
    """
    is_unlinked = config.tracker == UNLINKED_NAME or (not config.tracker and len(names) > 1 and not is_sequence(names))
    if is_unlinked and plugin.tracker != UNLINKED_NAME:
        return TrackerChoice.of(UNLINKED_NAME, {"least_score": plugin.review.drop_below}, "review.drop_below")
    looks = {"reid": config.reid} if config.reid else {}
    if config.tracker and config.tracker != plugin.tracker:
        return TrackerChoice.of(config.tracker, looks, f"--tracker {config.tracker}")
    options = {**plugin.tracker_options, **looks}
    return TrackerChoice.of(plugin.tracker, options, f"plugin '{plugin.name}': tracker.options")


def _export_target(text: str) -> tuple[str, Path]:
    """Return format and path of "FORMAT=PATH"; the format's name is checked before any work begins."""
    name, equals, path = text.partition("=")
    if not equals or not path:
        raise UsageError(f"--export {text}: write FORMAT=PATH, for example coco=labels.json")
    FORMATS.load(name)
    return name, Path(path)
