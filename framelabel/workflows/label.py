"""`framelabel label`: decode, detect, link, store, export. One bad video never stops the batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from framelabel import plugins
from framelabel.core.config import setting
from framelabel.core.errors import FramelabelError, UsageError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.media import open_reader
from framelabel.store.project import Project
from framelabel.workflows import export
from framelabel.workflows.associate import TrackerChoice, associate
from framelabel.workflows.detect import Detection, detect


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """What to label, with which plugin, into which project."""

    videos: tuple[Path, ...] = setting((), help="Videos, image folders or globs.", argument=True)
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
        help="full: flips and two scales, for the best labels; auto: each picture once; draft: few pictures a second.",
    )
    tracker: str = setting("", help="Tracker by name; the plugin's own when not given.")
    export: tuple[str, ...] = setting((), metavar="FORMAT=PATH", help="Write an export when done; repeatable.")


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """What became of one video."""

    path: str
    frames: int = 0
    labels: int = 0
    tracks: int = 0
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


def run(config: LabelConfig, report: Reporter = SILENT) -> LabelSummary:
    """Label every video into the project and write the exports.

    Raises:
        UsageError: nothing to label, or flags that contradict each other.
        InvalidManifestError, MissingModelError, DeviceUnavailableError: the plugin cannot run here.
        ProjectError: the project cannot be written.
    """
    if not config.videos:
        raise UsageError("no video given; name at least one file")
    targets = [_export_target(text) for text in config.export]
    manifest = plugins.load(config.plugin)
    plugin = plugins.build(manifest, device=config.device, effort=config.effort, reporter=report)
    tracker = TrackerChoice.of(
        config.tracker or plugin.tracker_name,
        {} if config.tracker and config.tracker != plugin.tracker_name else plugin.tracker_options,
        f"{config.plugin}: tracker",
    )
    with Project(config.project, create=True) as project:
        ontology = project.extend_ontology(plugin.ontology)
        class_ids = np.array([ontology.id_of(name) for name in plugin.ontology.names], dtype=np.int32)
        detection = Detection(plugin.stream, lambda: plugin.device, class_ids)
        summaries = [_label_one(project, path, config, plugin, tracker, detection, report) for path in config.videos]
    written, problems = [], []
    for name, path in targets:
        try:
            export.run(export.ExportConfig(project=config.project, destination=path, to=name), report)
            written.append(f"{name}: {path}")
        except (FramelabelError, OSError) as error:
            problems.append(f"export {name}={path}: {error}")
    return LabelSummary(tuple(summaries), tuple(written), tuple(problems))


def _label_one(
    project: Project,
    path: Path,
    config: LabelConfig,
    plugin: plugins.Plugin,
    tracker: TrackerChoice,
    detection: Detection,
    report: Reporter,
) -> VideoSummary:
    try:
        video, index = _video_in_project(project, path, report)
        frames = _frames_to_do(config, index)
        provenance = {**plugin.provenance, "effort": config.effort, "frames": [config.frames, config.every, config.fps]}
        with open_reader(path, video_id=video.id, index=index) as reader:
            run = detect(project, video, reader, frames, detection, provenance, report)
        count, is_new = associate(project, video, run, tracker, provenance, report)
    except (FramelabelError, OSError) as error:
        report.note(f"{path}: failed: {error}")
        return VideoSummary(str(path), problem=str(error))
    return VideoSummary(str(path), len(frames), 0, count, str(run.facts.get("device", "")), is_new)
