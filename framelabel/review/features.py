"""What is known of a track or box besides its score, as columns for calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.review.findings.finding import Finding
from framelabel.review.findings.rows import LabelRows

NAMES = (
    "mean score",
    "log length",
    "lowest tenth of scores",
    "share of filled boxes",
    "share at the border",
    "overlap with neighbours",
    "most severe finding",
    "uncertainty",
    "overlap with surer neighbours",
    "log area",
    "log width over height",
    "log boxes in the frame",
    "spread of scores",
    "highest score",
    "height of the foot in the frame",
)


@dataclass(frozen=True, slots=True, eq=False)
class TrackTable:
    """One row per track, or per box without identity, with its features; rows of a track are consecutive in `rows`."""

    rows: LabelRows
    start: NDArray[np.int64]
    """(N,) first row of each unit."""
    size: NDArray[np.int64]
    """(N,) boxes of each unit."""
    class_id: NDArray[np.int32]
    """(N,) the class of most of its boxes."""
    is_human: NDArray[np.bool_]
    """(N,) a person drew or confirmed at least one of its boxes."""
    features: NDArray[np.float64]
    """(N, 15) as in NAMES; column 0 is the raw score."""

    def __len__(self) -> int:
        return len(self.start)


def track_table(
    rows: LabelRows, findings: list[Finding], uncertainty: dict[tuple[int, int], float] | None = None
) -> TrackTable:
    """Gather the units of labels with their features.

    Args:
        rows: the labels.
        findings: what looks wrong in them.
        uncertainty: mean uncertainty by (video row, track id): how far forward and backward paths disagree.
    """
    start = np.flatnonzero(~rows.follows)
    count = len(start)
    size = np.diff(np.append(start, len(rows)))
    if count == 0:
        empty = np.zeros(0, np.int64)
        return TrackTable(rows, empty, empty, empty.astype(np.int32), empty.astype(np.bool_), np.zeros((0, len(NAMES))))
    group = rows.group
    seen = rows.score > 0
    score = np.clip(rows.score, 0.0, 1.0)
    mean_score = _mean(score * seen, seen.astype(np.float64), start)
    overlap, surer = _neighbour_overlap(rows)
    with np.errstate(invalid="ignore"):
        extent = np.nan_to_num(np.log(np.maximum(rows.xyxy[:, 2:] - rows.xyxy[:, :2], 1.0)))
        # heights of unknown frames are infinite: 0 says nothing
        foot = np.nan_to_num(rows.xyxy[:, 3] / rows.frame_size[:, 1]).clip(0.0, 1.0)
    crowd = np.unique(rows.frame_key, return_inverse=True, return_counts=True)
    columns = [
        mean_score,
        np.log(size),
        _lowest_tenth(score, group, start, size),
        np.add.reduceat((~seen).astype(np.float64), start) / size,
        np.add.reduceat(rows.at_border.astype(np.float64), start) / size,
        np.add.reduceat(overlap, start) / size,
        _severity(rows, findings, start),
        _uncertainty(rows, uncertainty or {}, start),
        np.add.reduceat(surer, start) / size,
        np.add.reduceat(extent[:, 0] + extent[:, 1], start) / size,
        np.add.reduceat(extent[:, 0] - extent[:, 1], start) / size,
        np.add.reduceat(np.log(crowd[2])[crowd[1].reshape(-1)], start) / size,
        np.sqrt(np.maximum(_mean(score**2 * seen, seen.astype(np.float64), start) - mean_score**2, 0.0)),
        np.maximum.reduceat(score * seen, start),
        np.add.reduceat(foot, start) / size,
    ]
    class_count = max(len(rows.class_names), 1)
    votes = np.bincount(group * class_count + rows.class_id, minlength=count * class_count)
    kind = votes.reshape(count, class_count).argmax(axis=1).astype(np.int32)
    human = np.logical_or.reduceat(rows.is_human, start)
    return TrackTable(rows, start, size, kind, human, np.stack(columns, axis=1))


def _mean(total: NDArray[np.float64], weight: NDArray[np.float64], start: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.add.reduceat(total, start) / np.maximum(np.add.reduceat(weight, start), 1.0))


def _lowest_tenth(
    score: NDArray[np.float64], group: NDArray[np.int64], start: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the tenth percentile of each unit's scores (the nearest below)."""
    ordered = score[np.lexsort((score, group))]
    return np.asarray(ordered[start + (size - 1) // 10])


def _neighbour_overlap(rows: LabelRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each box's largest overlap with another box of its frame, and with one of a higher score."""
    largest, surer = np.zeros(len(rows)), np.zeros(len(rows))
    for one, two, value in rows.overlapping():
        np.maximum.at(largest, one, value)
        np.maximum.at(largest, two, value)
        np.maximum.at(surer, np.where(rows.score[one] < rows.score[two], one, two), value)
    return largest, surer


def _severity(rows: LabelRows, findings: list[Finding], start: NDArray[np.int64]) -> NDArray[np.float64]:
    worst: dict[tuple[int, int], float] = {}
    for finding in findings:
        for track in (finding.track_id, finding.other_track):
            if track != NO_TRACK:
                key = (finding.video, track)
                worst[key] = max(worst.get(key, 0.0), finding.severity)
    return _of_tracks(rows, worst, start)


def _uncertainty(
    rows: LabelRows, uncertainty: dict[tuple[int, int], float], start: NDArray[np.int64]
) -> NDArray[np.float64]:
    return _of_tracks(rows, uncertainty, start)


def _of_tracks(rows: LabelRows, values: dict[tuple[int, int], float], start: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each unit's value by (video row, track id); 0 where there is none."""
    result = np.zeros(len(start))
    if values:
        for place in np.flatnonzero(rows.track_id[start] != NO_TRACK).tolist():
            row = start[place]
            result[place] = values.get((int(rows.video[row]), int(rows.track_id[row])), 0.0)
    return result
