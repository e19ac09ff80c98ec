"""The page that `framelabel evaluate --html` writes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from framelabel.core.errors import FramelabelError
from framelabel.core.frames import VideoId
from framelabel.core.labels import Labels
from framelabel.media import open_reader
from framelabel.media.overlay import Drawn, draw
from framelabel.media.picture_files import encode
from framelabel.metrics.clear import clear_matches
from framelabel.metrics.hota import ALPHAS
from framelabel.metrics.matching import overlap
from framelabel.metrics.tracking import TrackingScore
from framelabel.workflows import plots
from framelabel.workflows.evaluate import DetectionScore, EvaluateConfig, Evaluation, VideoScore
from framelabel.workflows.html_page import Page

_FIGURES = ("HOTA", "DetA", "AssA", "LocA", "MOTA", "MOTP", "IDF1", "IDSW", "Frag", "MT", "ML", "CLR_FP", "CLR_FN")
_COUNTS = {"IDSW", "Frag", "MT", "ML", "CLR_FP", "CLR_FN"}
_RIGHT, _FALSE, _MISSED = (0, 158, 115), (0, 114, 178), (213, 94, 0)


def write_page(evaluation: Evaluation, config: EvaluateConfig, truth: Labels, prediction: Labels) -> None:
    """Write the page to `config.html`."""
    if config.html is None:
        return
    page = Page("Evaluation", f"{config.prediction} against {config.truth}; rules: {evaluation.comparison.rules}")
    for note in evaluation.notes:
        page.note(note)
    if {"hota", "clear", "identity"} & set(evaluation.families):
        _tracking(page, evaluation)
    if evaluation.detection is not None:
        _detection(page, evaluation, evaluation.detection)
    _worst(page, evaluation, config.worst, truth, prediction)
    page.write(config.html)


def _tracking(page: Page, evaluation: Evaluation) -> None:
    page.heading("Tracking")
    rows = [(f"{score.pair.video.name}, {score.pair.class_name}", score.tracking) for score in evaluation.scores]
    names = evaluation.comparison.class_names
    rows += [(f"all videos, {name}", evaluation.combined(name)) for name in names]
    if len(names) > 1:
        rows.append(("all videos, all classes", evaluation.combined()))
    page.table(("", *_FIGURES), [(name, *_cells(score)) for name, score in rows])
    page.note("Shares are in percent. HOTA figures are means over the localisation thresholds 0.05 to 0.95.")
    curves = evaluation.combined().hota.curves()
    shown = {name: curves[name] for name in ("HOTA", "DetA", "AssA", "LocA")}
    drawings = [plots.lines(ALPHAS, shown, title="Over the localisation threshold", x_label="alpha", y_label="share")]
    if len(evaluation.scores) > 1:
        each = {rows[number][0]: score.tracking.hota.hota for number, score in enumerate(evaluation.scores[:7])}
        drawings.append(plots.lines(ALPHAS, each, title="HOTA by video", x_label="alpha", y_label="HOTA"))
    page.plots(drawings)
    page.heading("Errors over time")
    page.plots([_errors_over_time(score) for score in evaluation.scores[:24]])


def _errors_over_time(score: VideoScore) -> str:
    line = score.timeline
    parts = {"missed": line.missed, "false": line.false, "identity switches": line.switches}
    title = f"{score.pair.video.name}, {score.pair.class_name}"
    return plots.stacked(line.frame, parts, title=title, x_label="frame", y_label="boxes")


def _detection(page: Page, evaluation: Evaluation, score: DetectionScore) -> None:
    names = evaluation.comparison.class_names
    page.heading("Boxes")
    figures = score.average_precision
    page.table(
        ("class", "truths", "predictions", "precision", "recall", "F1", "AP", "AP50"),
        [
            (
                names[item.class_id],
                str(item.truths),
                str(item.predictions),
                *(f"{100 * value:.2f}" for value in (item.precision, item.recall, item.f1)),
                *(
                    "-" if value < 0 else f"{100 * value:.2f}"
                    for value in (figures.per_class[item.class_id], figures.per_class_50[item.class_id])
                ),
            )
            for item in score.classes
        ],
    )
    scored = [row for row in range(len(names)) if figures.precision_50[row].max(initial=-1) >= 0][:7]
    curves = {names[row]: np.maximum(figures.precision_50[row], 0) for row in scored}
    drawings = []
    if curves:
        drawings.append(
            plots.lines(figures.recall, curves, title="Precision over recall", x_label="recall", y_label="precision")
        )
    if score.reliability is not None:
        drawings.append(plots.reliability_diagram({"score": score.reliability}, title="Are scores to be believed?"))
    if len(names) > 1:
        drawings.append(
            plots.matrix(
                score.confusion, [*names, "none"], title="Confusion", x_label="predicted class", y_label="true class"
            )
        )
    page.plots(drawings)


def _worst(page: Page, evaluation: Evaluation, count: int, truth: Labels, prediction: Labels) -> None:
    """Show the frames with the most errors, as pictures where the footage is there."""
    page.heading("Worst frames")
    worst = evaluation.worst_frames(count)
    if not worst:
        page.text("No errors.")
        return
    footage = {video.name: video.path for video in (*prediction.videos, *truth.videos) if video.path}
    rows, pictures = [], []
    for score, frame in worst:
        line = score.timeline
        at = int(np.searchsorted(line.frame, frame))
        counts = (int(line.missed[at]), int(line.false[at]), int(line.switches[at]))
        rows.append((f"{score.pair.video.name}, {score.pair.class_name}", str(frame), *map(str, counts)))
        picture = _picture(footage.get(score.pair.video.name, ""), score, frame)
        if picture is not None:
            caption = f"{score.pair.video.name}, frame {frame}: {counts[0]} missed, {counts[1]} false"
            pictures.append((picture, caption))
    page.table(("video", "frame", "missed", "false", "identity switches"), rows)
    if pictures:
        page.note("Green: matched. Orange: missed truth. Blue: predictions on nothing.")
        page.pictures(pictures)
    else:
        page.note("The footage is not here, so the frames are not shown.")


def _picture(path: str, score: VideoScore, frame: int) -> bytes | None:
    """Return one frame with its errors drawn, as JPEG; None where it cannot be read."""
    if not path or not Path(path).exists():
        return None
    try:
        with closing(open_reader(path, video_id=VideoId(0))) as reader:
            image = reader.frame(frame).image
    except (FramelabelError, OSError):
        return None
    pair = score.pair
    pairs = overlap(pair.truth, pair.prediction, pair.frame_count)
    matches = clear_matches(pairs)
    found = set(pairs.pair_truth[matches.pair].tolist())
    right = set(pairs.pair_prediction[matches.pair].tolist())
    drawn = [
        Drawn(pair.prediction.xyxy[row], str(pair.prediction.track_id[row]), _RIGHT if row in right else _FALSE)
        for row in np.flatnonzero(pair.prediction.frame == frame).tolist()
    ]
    drawn += [
        Drawn(pair.truth.xyxy[row], "", _MISSED)
        for row in np.flatnonzero(pair.truth.frame == frame).tolist()
        if row not in found
    ]
    return encode(draw(image, drawn), "jpg", comment="", quality=80)


def _cells(score: TrackingScore) -> Sequence[str]:
    figures = score.figures()
    return [f"{figures[name]:.0f}" if name in _COUNTS else f"{100 * figures[name]:.3f}" for name in _FIGURES]
