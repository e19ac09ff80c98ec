"""`framelabel evaluate`: score a prediction against truth, as the field scores it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.labels import Labels
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.reliability import Reliability, reliability
from framelabel.metrics.average_precision import AveragePrecision, average_precision
from framelabel.metrics.detection import ClassFigures, class_figures, confusion, truth_of
from framelabel.metrics.hota import ALPHAS
from framelabel.metrics.matching import overlap
from framelabel.metrics.timeline import Timeline, timeline, track_overlaps
from framelabel.metrics.tracking import TrackingScore, score_tracks
from framelabel.workflows.comparison import RULES, Comparison, ScoredPair, compare, joined, rename_classes
from framelabel.workflows.sources import read_labels

FAMILIES = ("hota", "clear", "identity", "ap", "detection", "calibration")
_TRACKING = {"hota", "clear", "identity"}


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """What to score against what."""

    prediction: Path = setting(help="Project, or labels in any format.", argument=True, metavar="PRED")
    truth: Path = setting(help="Project, or labels in any format.", argument=True, metavar="GT")
    metrics: tuple[str, ...] = setting(
        (), metavar="NAME", help=f"Only these, repeatable or with commas: {', '.join(FAMILIES)}."
    )
    prediction_format: str = setting("", metavar="FORMAT", help="Format of PRED; recognised when not given.")
    truth_format: str = setting("", metavar="FORMAT", help="Format of GT; recognised when not given.")
    rules: str = setting(
        "auto", choices=RULES, help="Whose rules on ignored rows apply; auto goes by the classes of GT."
    )
    map: tuple[str, ...] = setting(
        (), metavar="PRED=GT", help="Another name for a class of the prediction; repeatable."
    )
    threshold: float = setting(0.5, help="Overlap from which CLEAR, identity, precision and recall accept a match.")
    json: Path | None = setting(None, help="Write everything as JSON.")
    html: Path | None = setting(None, help="Write one self-contained page with plots and the worst frames.")
    worst: int = setting(6, help="Worst frames to show in the page, where the footage is there.")


@dataclass(frozen=True, slots=True, eq=False)
class VideoScore:
    """What one class of one video scores."""

    pair: ScoredPair
    tracking: TrackingScore
    timeline: Timeline


@dataclass(frozen=True, slots=True, eq=False)
class DetectionScore:
    """What the boxes score without their identities."""

    average_precision: AveragePrecision
    classes: list[ClassFigures]
    confusion: Any
    """(C + 1, C + 1) counts."""
    reliability: Reliability | None
    """None where the prediction states no scores."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Everything that was scored."""

    comparison: Comparison
    families: tuple[str, ...]
    scores: tuple[VideoScore, ...]
    """By video, then by class."""
    detection: DetectionScore | None
    notes: tuple[str, ...] = field(default=())

    def combined(self, class_name: str = "") -> TrackingScore:
        """Return the score over all videos, of one class or of all classes together."""
        total = TrackingScore()
        for score in self.scores:
            if class_name in {"", score.pair.class_name}:
                total += score.tracking
        return total

    def worst_frames(self, count: int) -> list[tuple[VideoScore, int]]:
        """Return the frames with the most errors over all videos, as (score, frame ordinal), worst first."""
        ranked = [
            (int(score.timeline.errors[np.searchsorted(score.timeline.frame, frame)]), number, int(frame))
            for number, score in enumerate(self.scores)
            for frame in _apart(score.timeline.worst(50 * count), count)
        ]
        ranked.sort(key=lambda item: (-item[0], item[1], item[2]))
        return [(self.scores[number], frame) for _, number, frame in ranked[:count]]


def run(config: EvaluateConfig, report: Reporter = SILENT) -> Evaluation:
    """Score and write what was asked for.

    Raises:
        UsageError: an unknown metric, or no video in common.
        InvalidLabelsError, ProjectError: one side cannot be read.
    """
    families = _families(config.metrics)
    names = dict(_renaming(text) for text in config.map)
    report.start("read", 2)
    prediction = rename_classes(read_labels(config.prediction, config.prediction_format, report), names)
    report.advance()
    truth = read_labels(config.truth, config.truth_format, report)
    report.advance()
    evaluation = evaluate(truth, prediction, families, config.rules, config.threshold, report)
    if config.json is not None:
        config.json.parent.mkdir(parents=True, exist_ok=True)
        config.json.write_text(json.dumps(as_dict(evaluation), indent=1, allow_nan=False) + "\n")
    if config.html is not None:
        from framelabel.workflows.evaluation_page import write_page

        write_page(evaluation, config, truth, prediction)
    return evaluation


def evaluate(
    truth: Labels,
    prediction: Labels,
    families: tuple[str, ...] = FAMILIES,
    rules: str = "auto",
    threshold: float = 0.5,
    report: Reporter = SILENT,
) -> Evaluation:
    """Score labels against labels; the Python API of the command."""
    comparison = compare(truth, prediction, rules)
    notes = list(comparison.notes)
    if not (_has_tracks(truth) and _has_tracks(prediction)) and _TRACKING & set(families):
        notes.append("one side has no track ids: HOTA, CLEAR and identity are not scored")
        families = tuple(name for name in families if name not in _TRACKING)
    report.start("score", len(comparison.pairs))
    scores = []
    for pair in comparison.pairs:
        pairs = overlap(pair.truth, pair.prediction, pair.frame_count)
        line = timeline(pairs, threshold=threshold)
        scores.append(VideoScore(pair, score_tracks(pairs, threshold=threshold), line))
        report.advance()
    detection = None
    if set(families) & {"ap", "detection", "calibration"}:
        detection = _score_detection(comparison, threshold)
        if detection.reliability is None and "calibration" in families:
            notes.append("the prediction states no scores: calibration is not measured")
    return Evaluation(comparison, families, tuple(scores), detection, tuple(notes))


def as_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything as JSON-able values; what is not known is null."""
    comparison = evaluation.comparison
    result: dict[str, Any] = {
        "rules": comparison.rules,
        "classes": list(comparison.class_names),
        "notes": list(evaluation.notes),
    }
    if _TRACKING & set(evaluation.families):
        every = evaluation.combined()
        result["combined"] = every.figures()
        result["combined_by_class"] = {name: evaluation.combined(name).figures() for name in comparison.class_names}
        result["curves"] = {
            "alpha": ALPHAS.tolist(),
            **{name: curve.tolist() for name, curve in every.hota.curves().items()},
        }
        result["sequences"] = [
            {
                "video": score.pair.video.name,
                "class": score.pair.class_name,
                "frames": score.pair.frame_count,
                "figures": score.tracking.figures(),
                "timeline": _timeline_dict(score.timeline),
                "tracks": _track_dicts(score.pair),
            }
            for score in evaluation.scores
        ]
    result["worst_frames"] = [
        {"video": score.pair.video.name, "class": score.pair.class_name, "frame": frame}
        for score, frame in evaluation.worst_frames(20)
    ]
    if evaluation.detection is not None:
        result["detection"] = _detection_dict(evaluation.detection, comparison.class_names)
    return result


def _families(given: tuple[str, ...]) -> tuple[str, ...]:
    wanted = tuple(name.strip().lower() for text in given for name in text.split(",") if name.strip())
    for name in wanted:
        if name not in FAMILIES:
            raise UsageError(f"--metrics {name}: no such metric; choose from {', '.join(FAMILIES)}")
    return wanted or FAMILIES


def _renaming(text: str) -> tuple[str, str]:
    name, equals, other = text.partition("=")
    if not equals or not name or not other:
        raise UsageError(f"--map {text}: write PRED=GT, for example person=pedestrian")
    return name, other


def _has_tracks(labels: Labels) -> bool:
    return len(labels) == 0 or bool((labels.track_id != NO_TRACK).any())


def _score_detection(comparison: Comparison, threshold: float) -> DetectionScore:
    truth, prediction = joined(comparison.pairs, comparison.class_names)
    count = len(comparison.class_names)
    right = truth_of(truth, prediction, threshold=threshold) >= 0
    has_scores = len(prediction) > 0 and float(prediction.score.min()) < float(prediction.score.max())
    is_share = has_scores and float(prediction.score.min()) >= 0.0 and float(prediction.score.max()) <= 1.0
    return DetectionScore(
        average_precision(truth, prediction, comparison.class_names, max_detections=1000),
        class_figures(truth, prediction, count, threshold=threshold),
        confusion(truth, prediction, count, threshold=threshold),
        reliability(prediction.score, right) if is_share else None,
    )


def _apart(frames: Any, count: int) -> list[int]:
    """Return up to `count` of these frames that are at least 25 apart: neighbours show the same."""
    chosen: list[int] = []
    for frame in frames.tolist():
        if all(abs(frame - other) >= 25 for other in chosen):
            chosen.append(frame)
        if len(chosen) == count:
            break
    return chosen


def _timeline_dict(line: Timeline) -> dict[str, Any]:
    return {
        "frame": line.frame.tolist(),
        "missed": line.missed.tolist(),
        "false": line.false.tolist(),
        "switches": line.switches.tolist(),
        "mean_overlap": [None if math.isnan(value) else round(value, 4) for value in line.mean_overlap.tolist()],
    }


def _track_dicts(pair: ScoredPair) -> list[dict[str, Any]]:
    pairs = overlap(pair.truth, pair.prediction, pair.frame_count)
    names = np.unique(pair.truth.track_id)
    return [
        {
            "track": int(names[track.truth_id]) if track.truth_id < len(names) else None,
            "first_frame": int(track.frame[0]),
            "frames": len(track.frame),
            "covered": float((track.overlap > 0).mean()),
            "mean_overlap": float(track.overlap.mean()),
            "identities": len(set(track.prediction_id[track.prediction_id >= 0].tolist())),
            "overlap": [round(value, 3) for value in track.overlap.tolist()],
        }
        for track in track_overlaps(pairs)
    ]


def _detection_dict(score: DetectionScore, names: tuple[str, ...]) -> dict[str, Any]:
    precision = score.average_precision
    result: dict[str, Any] = {
        "average_precision": precision.figures,
        "classes": {
            names[item.class_id]: {
                "truths": item.truths,
                "predictions": item.predictions,
                "right": item.right,
                "precision": item.precision,
                "recall": item.recall,
                "f1": item.f1,
                "AP": float(precision.per_class[item.class_id]),
                "AP50": float(precision.per_class_50[item.class_id]),
            }
            for item in score.classes
        },
        "confusion": {"classes": [*names, "none"], "matrix": score.confusion.tolist()},
        "calibration": None,
    }
    if score.reliability is not None:
        result["calibration"] = {
            "ece": score.reliability.ece,
            "count": score.reliability.count.tolist(),
            "confidence": score.reliability.confidence.tolist(),
            "accuracy": score.reliability.accuracy.tolist(),
        }
    return result
