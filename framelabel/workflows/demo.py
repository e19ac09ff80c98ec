"""`framelabel demo`: the whole job on a clip that the demo renders itself, so that the truth is known. No download."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

import framelabel
from framelabel.core.config import setting
from framelabel.core.errors import FramelabelError, UsageError
from framelabel.core.frames import VideoId
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.videos import Video
from framelabel.formats.catalog import FORMATS
from framelabel.media.encoder import write_video
from framelabel.metrics.average_precision import precision_at_overlap
from framelabel.metrics.matching import overlap
from framelabel.metrics.observations import Observations
from framelabel.metrics.tracking import score_tracks
from framelabel.store.project import Project
from framelabel.workflows import draw, evaluate, export, label, route
from framelabel.workflows import report as write_report

OVERLAP = 0.5
_AUDIT = 120
"""Boxes that people are asked about to calibrate the scores; the clip is short."""
_QUALITY = 14
"""Of the rendered clip (x264's constant rate factor): fine traces must survive."""


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """Where to write, and which clip to render."""

    out: Path = setting(Path("demo-out"), help="Folder for everything that the demo makes.")
    seed: int = setting(2026, help="Which conveyor to render; 2026 was never trained on.")
    frames: int = setting(250, help="Length of the clip in frames (25 a second).")


@dataclass(frozen=True, slots=True)
class Questions:
    """What routing asks people."""

    count: int
    message: str
    """What is promised for the rest, or what to do next."""


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """How close the labels came to the truth, and where everything lies."""

    files: tuple[tuple[str, Path], ...]
    """What it is, and its path."""
    precision: float
    """Mean average precision over the defect classes at overlap 0.5; -1 when the clip has no defect."""
    per_class: tuple[tuple[str, int, float], ...]
    """Class, true boxes, average precision."""
    board_hota: float
    boards: int
    board_tracks: int
    defects: int
    """True defects that are in view at all."""
    defects_found: int
    """Of them, found under the right class in at least half of their frames."""
    questions: Questions


def run(config: DemoConfig, report: Reporter = SILENT) -> DemoSummary:
    """Render, label, track, route, export, draw and compare with the truth.

    Raises:
        UsageError: fewer than 25 frames.
        FramelabelError: one of the steps failed; its own message.
    """
    if config.frames < 25:
        msg = f"--frames {config.frames}: a conveyor needs at least 25 frames to show a board"
        raise UsageError(msg)
    config.out.mkdir(parents=True, exist_ok=True)
    clip, project = config.out / "conveyor.mp4", config.out / "demo.framelabel"
    for stale in config.out.glob("demo.framelabel*"):
        stale.unlink()
    truth = _render(config, clip, report)
    labelled = label.run(label.LabelConfig(videos=(clip,), plugin="defects", project=project), report)
    problems = [video.problem for video in labelled.videos if video.problem]
    if problems:
        raise FramelabelError("; ".join(problems))
    files = [("clip", clip), ("project", project)]
    for name, target in (("coco", config.out / "coco.json"), ("bdd100k", config.out / "bdd100k")):
        export.run(export.ExportConfig(project=project, destination=target, to=name), report)
        files.append((f"{name} export", target))
    video = config.out / "labelled.mp4"
    draw.run(draw.DrawConfig(project=project, out=video), report)
    files.append(("labelled video", video))
    answers = config.out / "truth.json"
    FORMATS.load("coco")().write(truth, answers)
    comparison, page = config.out / "against-truth.html", config.out / "report.html"
    evaluate.run(evaluate.EvaluateConfig(prediction=project, truth=answers, html=comparison), report)
    routed = route.run(route.RouteConfig(project=project, audit=_AUDIT), report)
    write_report.run(write_report.ReportConfig(project=project, out=page), report)
    files += [("truth", answers), ("comparison with the truth", comparison), ("report", page)]
    with Project(project) as opened:
        found, questions = opened.labels(), len(opened.tasks())
    return _compared(truth, found, tuple(files), Questions(questions, routed.message))


def load_generator() -> ModuleType:
    """Return the conveyor's renderer: a data set's generator, loaded from its file in the wheel or the checkout."""
    package = Path(framelabel.__file__).resolve().parent
    for root in (package / "bundled" / "datasets", package.parent / "datasets"):
        file = root / "conveyor" / "conveyor.py"
        if file.is_file():
            name = "framelabel_conveyor"
            spec = importlib.util.spec_from_file_location(name, file)
            if spec is None or spec.loader is None:
                break
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module  # dataclasses look their own module up
            spec.loader.exec_module(module)
            return module
    msg = "the conveyor's generator is not installed; reinstall framelabel"
    raise UsageError(msg)


def _render(config: DemoConfig, path: Path, report: Reporter) -> Labels:
    """Write the clip and return its truth."""
    conveyor = load_generator()
    clip = conveyor.Clip(config.seed, frame_count=config.frames)
    frame, xyxy, class_id, track_id, visible = [], [], [], [], []

    def pictures() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for number, picture in enumerate(conveyor.render(clip)):
            frame.append(np.full(len(picture.xyxy), number, np.int64))
            xyxy.append(picture.xyxy)
            class_id.append(picture.class_id)
            track_id.append(picture.track_id)
            visible.append(picture.visible)
            report.advance()
            yield number, picture.image

    report.start("render the conveyor", config.frames)
    rate = Fraction(clip.fps)
    write_video(path, pictures(), 1 / rate, rate, quality=_QUALITY)
    video = Video(VideoId(0), path.stem, str(path), clip.size[0], clip.size[1], config.frames, 1 / rate, rate)
    return Labels.of(
        Ontology.of(conveyor.CLASSES),
        (video,),
        FrameTable(np.zeros(config.frames, np.int32), np.arange(config.frames, dtype=np.int64)),
        np.concatenate(frame),
        np.concatenate(xyxy),
        class_id=np.concatenate(class_id),
        track_id=np.concatenate(track_id),
        visible=np.concatenate(visible),
    )


def _compared(truth: Labels, found: Labels, files: tuple[tuple[str, Path], ...], questions: Questions) -> DemoSummary:
    """Score the labels against the truth, defects by detection and board by track."""
    names = truth.ontology.names
    row_of = np.array([names.index(name) if name in names else -1 for name in found.ontology.names], np.int32)
    wanted, seen = Observations.of_video(truth, 0), Observations.of_video(found, 0)
    seen = Observations(seen.frame, seen.track_id, seen.xyxy, row_of[seen.class_id], seen.score)
    precision = precision_at_overlap(wanted, seen, names, OVERLAP)
    board = names.index("board")
    counts = np.bincount(wanted.class_id, minlength=len(names))
    per_class = tuple((name, int(counts[row]), float(precision[row])) for row, name in enumerate(names))
    defects = [value for name, count, value in per_class if name != "board" and count]
    frames = len(truth.frames)
    boards = score_tracks(overlap(_of_class(wanted, board), _of_class(seen, board), frames), threshold=OVERLAP)
    figures = boards.figures()
    found_count, defect_count = _found_defects(wanted, seen, board)
    return DemoSummary(
        files,
        float(np.mean(defects)) if defects else -1.0,
        per_class,
        figures["HOTA"],
        int(figures["GT_IDs"]),
        int(figures["IDs"]),
        defect_count,
        found_count,
        questions,
    )


def _of_class(boxes: Observations, class_id: int) -> Observations:
    rows = boxes.class_id == class_id
    return Observations(
        boxes.frame[rows], boxes.track_id[rows], boxes.xyxy[rows], boxes.class_id[rows], boxes.score[rows]
    )


def _found_defects(truth: Observations, found: Observations, board: int) -> tuple[int, int]:
    """Return how many true defects were found in at least half of their frames, and how many there are."""
    hits: dict[int, list[bool]] = {}
    for class_id in np.unique(truth.class_id[truth.class_id != board]).tolist():
        true_boxes = _of_class(truth, class_id)
        pairs = overlap(true_boxes, _of_class(found, class_id), 0)
        is_hit = np.zeros(len(true_boxes), np.bool_)
        is_hit[pairs.pair_truth[pairs.similarity >= OVERLAP]] = True
        for track, hit in zip(true_boxes.track_id.tolist(), is_hit.tolist(), strict=True):
            hits.setdefault(track, []).append(hit)
    return sum(2 * sum(values) >= len(values) for values in hits.values()), len(hits)
