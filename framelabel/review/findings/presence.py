"""Tracks that come and go strangely, and boxes that are not in the picture."""

from __future__ import annotations

import numpy as np

from framelabel.core.boxes import NO_TRACK
from framelabel.review.findings.finding import Finding, severity
from framelabel.review.findings.rows import LabelRows

_GAP_S = 1.0
"""A track may be unseen this long without a question."""
_OVER_CUT, _CONFIRMED = 0.85, 0.4
"""Severity of a track that runs over a cut: as found, and where people say that it is one object."""
_FLICKER_S = 0.2
"""A track shorter than this is rarely an object."""
_OUTSIDE = 0.25
"""Share of a box beyond the frame's edge from which on it is asked about."""


def gaps(rows: LabelRows) -> list[Finding]:
    """Find tracks that vanish for longer than a second and come back."""
    missing = np.zeros(len(rows), np.int64)
    missing[1:] = rows.position[1:] - rows.position[:-1] - 1
    seconds = missing / rows.fps[rows.video] if len(rows) else missing.astype(np.float64)
    found = []
    for row in np.flatnonzero(rows.follows & (rows.track_id != NO_TRACK) & (seconds > _GAP_S)).tolist():
        start, stop = int(rows.frame[row - 1]) + 1, int(rows.frame[row])
        text = f"track {rows.track_id[row]} is missing for {missing[row]} frames ({start} to {stop - 1})"
        worth = severity(float(seconds[row]) / _GAP_S - 1.0, at_threshold=0.2, scale=5.0)
        found.append(Finding("gap", int(rows.video[row]), start, int(rows.track_id[row]), worth, text, stop=stop))
    return found


def over_cuts(rows: LabelRows) -> list[Finding]:
    """Find tracks that run over a cut of the film; less severe where a person has confirmed both sides."""
    found = []
    for span in rows.spans():
        video, frame = int(rows.video[span.start]), rows.frame[span]
        low, high = np.searchsorted(rows.cuts[:, 0], [video, video + 1])
        for cut in rows.cuts[low:high, 1].tolist():
            if not frame[0] < cut <= frame[-1]:
                continue
            person = rows.is_human[span]
            worth = _CONFIRMED if person[frame < cut].any() and person[frame >= cut].any() else _OVER_CUT
            track = int(rows.track_id[span.start])
            text = f"track {track} runs over the cut at frame {cut}"
            found.append(Finding("cut", video, cut, track, worth, text))
    return found


def flicker(rows: LabelRows) -> list[Finding]:
    """Find tracks of a few frames that neither begin with nor last to the end of their video."""
    if len(rows) == 0:
        return []
    found = []
    first = np.searchsorted(rows.frames[:, 0], np.arange(len(rows.fps)), side="left")
    last = np.searchsorted(rows.frames[:, 0], np.arange(len(rows.fps)), side="right") - 1
    for span in rows.spans():
        video, count = int(rows.video[span.start]), span.stop - span.start
        limit = max(2, round(_FLICKER_S * float(rows.fps[video])))
        is_cut = rows.position[span.start] == first[video] or rows.position[span.stop - 1] == last[video]
        if count >= limit or is_cut or bool(rows.is_human[span].any()):
            continue
        at_edge = bool(rows.at_border[span].any())
        text = f"track {rows.track_id[span.start]} exists for {count} frame{'s' if count > 1 else ''} only"
        worth = (0.35 if at_edge else 0.55) + 0.3 * (1 - count / limit)
        found.append(
            Finding(
                "flicker",
                video,
                int(rows.frame[span.start]),
                int(rows.track_id[span.start]),
                worth,
                text,
                stop=int(rows.frame[span.stop - 1]) + 1,
            )
        )
    return found


def outside(rows: LabelRows) -> list[Finding]:
    """Find boxes of which a good part lies beyond the frame's edge; one finding per stretch of a track."""
    size = rows.frame_size
    low = np.clip(rows.xyxy[:, :2], 0.0, size)
    high = np.clip(rows.xyxy[:, 2:], 0.0, size)
    whole = np.prod(np.maximum(rows.xyxy[:, 2:] - rows.xyxy[:, :2], 0.0), axis=1)
    inside = np.prod(np.maximum(high - low, 0.0), axis=1)
    share = 1.0 - np.divide(inside, whole, out=np.ones(len(rows)), where=whole > 0)
    beyond = np.flatnonzero((share > _OUTSIDE) & rows.is_valid)
    new = np.ones(len(beyond), np.bool_)
    new[1:] = (np.diff(beyond) > 1) | (np.diff(rows.group[beyond]) != 0)
    found = []
    for part in np.split(beyond, np.flatnonzero(new)[1:]) if len(beyond) else []:
        row, worst = int(part[0]), float(share[part].max())
        text = f"{_subject(rows, row)} lies {worst:.0%} outside the frame"
        worth = severity((worst - _OUTSIDE) / (1.0 - _OUTSIDE), at_threshold=0.3, scale=0.5)
        found.append(
            Finding(
                "outside",
                int(rows.video[row]),
                int(rows.frame[row]),
                int(rows.track_id[row]),
                worth,
                text,
                stop=int(rows.frame[part[-1]]) + 1,
            )
        )
    return found


def invalid(rows: LabelRows) -> list[Finding]:
    """Find boxes without area or with sides that are not numbers, and tracks with two boxes in one frame."""
    found = []
    for row in np.flatnonzero(~rows.is_valid).tolist():
        sides = ", ".join(f"{side:g}" for side in rows.xyxy[row])
        text = f"{_subject(rows, row)} has no area (x1, y1, x2, y2 = {sides})"
        found.append(Finding("invalid", int(rows.video[row]), int(rows.frame[row]), int(rows.track_id[row]), 1.0, text))
    twice = np.zeros(len(rows), np.bool_)
    twice[1:] = rows.follows[1:] & (rows.frame[1:] == rows.frame[:-1])
    for row in np.flatnonzero(twice).tolist():
        text = f"{_subject(rows, row)} has two boxes in frame {rows.frame[row]}"
        found.append(Finding("invalid", int(rows.video[row]), int(rows.frame[row]), int(rows.track_id[row]), 1.0, text))
    return found


def _subject(rows: LabelRows, row: int) -> str:
    if rows.track_id[row] != NO_TRACK:
        return f"track {rows.track_id[row]}"
    return f"a {rows.class_names[rows.class_id[row]]} box"
