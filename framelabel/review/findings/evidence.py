"""Labels that disagree with what a model saw in the same frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import paired_iou
from framelabel.core.pairs import candidates
from framelabel.review.findings.finding import Finding, severity
from framelabel.review.findings.rows import LabelRows

_NEAR = 0.3
"""Overlap from which a detection speaks for a label."""
_STRONG = 0.6
"""Score from which a detection without a label is asked about."""
_MEMORY = 5
"""A stretch of this many frames without support is asked about."""


def unsupported(rows: LabelRows) -> list[Finding]:
    """Find stretches where no detection speaks for a track, although elsewhere detections do."""
    if rows.detections is None or len(rows) == 0:
        return []
    _, support = _support(rows)
    found = []
    for span in rows.spans():
        lacking = (support[span] < _NEAR) & ~rows.is_human[span]
        if bool(lacking.all()) or not bool(lacking.any()):
            continue
        edges = np.flatnonzero(np.diff(np.concatenate([[False], lacking, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2).tolist():
            if stop - start < _MEMORY:
                continue
            row = span.start + start
            text = f"track {rows.track_id[row]} has no detection near it for {stop - start} frames"
            found.append(
                Finding(
                    "unsupported",
                    int(rows.video[row]),
                    int(rows.frame[row]),
                    int(rows.track_id[row]),
                    severity((stop - start) / _MEMORY - 1, at_threshold=0.25, scale=6.0),
                    text,
                    stop=int(rows.frame[span.start + stop - 1]) + 1,
                )
            )
    return found


def missed(rows: LabelRows) -> list[Finding]:
    """Find sure detections that no label of their class covers."""
    if rows.detections is None:
        return []
    best, _ = _support(rows)
    detections = rows.detections
    score = np.nan_to_num(detections.score, nan=1.0)
    found = []
    for row in np.flatnonzero((best < _NEAR) & (score >= _STRONG)).tolist():
        place = detections.frame[row]
        name = detections.ontology.names[detections.class_id[row]]
        x, y = (detections.xyxy[row, :2] + detections.xyxy[row, 2:]) / 2
        text = f"a {name} detected at ({x:.0f}, {y:.0f}) with score {score[row]:.2f} has no label"
        worth = 0.25 + 0.5 * (float(score[row]) - _STRONG) / (1 - _STRONG)
        found.append(
            Finding(
                "missed",
                int(detections.frames.video[place]),
                int(detections.frames.index[place]),
                severity=worth,
                message=text,
            )
        )
    return found


def _support(rows: LabelRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the best overlap of each detection with a label of its class, and of each label with a detection."""
    detections = rows.detections
    if detections is None:
        return np.zeros(0), np.zeros(len(rows))
    key = detections.frames.video[detections.frame].astype(np.int64) << 40 | detections.frames.index[detections.frame]
    sorted_detections = np.argsort(key, kind="stable")
    order = np.argsort(rows.frame_key, kind="stable")
    by_detection, by_label = np.zeros(len(detections)), np.zeros(len(rows))
    for first, second in candidates(rows.frame_key[order], key[sorted_detections]):
        label, detection = order[first], sorted_detections[second]
        value = paired_iou(rows.xyxy[label], detections.xyxy[detection])
        value[rows.class_id[label] != detections.class_id[detection]] = 0.0
        np.maximum.at(by_detection, detection, value)
        np.maximum.at(by_label, label, value)
    return by_detection, by_label
