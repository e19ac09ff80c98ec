"""Identities that go wrong: two tracks that swap, one object under two identities, a class that changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import paired_iou
from framelabel.core.pairs import candidates
from framelabel.review.findings.finding import Finding, severity
from framelabel.review.findings.rows import LabelRows

_MEMORY = 4
"""Steps from which a track's velocity is estimated."""
_GAIN = 0.5
"""A swap must fit the two tracks' courses better by this much overlap in total."""
_BREAK_S = 0.6
"""An identity that ends may go on under another id within this time."""


def switches(rows: LabelRows) -> list[Finding]:
    """Find frames from which on two tracks fit each other's course better than their own."""
    next_row = _next(rows)
    here = np.flatnonzero((next_row >= 0) & rows.is_valid)
    here = here[np.argsort(rows.frame_key[here], kind="stable")]
    expected, after = _expected(rows)[here], rows.xyxy[next_row[here]]
    found = []
    for first, second in candidates(rows.frame_key[here], rows.frame_key[here]):
        pair = first < second
        one, two = first[pair], second[pair]
        crossed = paired_iou(expected[one], after[two]) + paired_iou(expected[two], after[one])
        straight = paired_iou(expected[one], after[one]) + paired_iou(expected[two], after[two])
        for place in np.flatnonzero(crossed - straight > _GAIN).tolist():
            a, b = int(here[one[place]]), int(here[two[place]])
            gain = float(crossed[place] - straight[place])
            frame = int(rows.frame[next_row[a]])
            names = f"{rows.track_id[a]} and {rows.track_id[b]}"
            text = f"tracks {names} seem to swap identities at frame {frame}"
            found.append(
                Finding(
                    "switch",
                    int(rows.video[a]),
                    frame,
                    int(rows.track_id[a]),
                    severity((gain - _GAIN) / 0.5, at_threshold=0.5),
                    text,
                    int(rows.track_id[b]),
                )
            )
    return found


def breaks(rows: LabelRows) -> list[Finding]:
    """Find tracks that end where another of the same class begins a moment later, as if one object had two ids."""
    spans = [span for span in rows.spans() if rows.is_valid[span.stop - 1] and rows.is_valid[span.start]]
    if not spans:
        return []
    expected = _expected(rows)
    heads = np.array([span.start for span in spans])
    tails = np.array([span.stop - 1 for span in spans])
    found = []
    order = np.argsort(rows.frame_key[heads], kind="stable")
    head_keys = rows.frame_key[heads][order]
    for tail in tails.tolist():
        limit = max(round(_BREAK_S * float(rows.fps[rows.video[tail]])), 1)
        key = int(rows.frame_key[tail])
        low, high = np.searchsorted(head_keys, [key + 1, key + limit + 1])
        near = heads[order[low:high]]
        near = near[rows.class_id[near] == rows.class_id[tail]]
        if len(near) == 0:
            continue
        steps = (rows.frame[near] - rows.frame[tail]).astype(np.float64)
        moved = rows.xyxy[tail] + (expected[tail] - rows.xyxy[tail]) * steps[:, None]
        fit = np.maximum(
            paired_iou(moved, rows.xyxy[near]),
            paired_iou(np.repeat(rows.xyxy[tail][None], len(near), 0), rows.xyxy[near]),
        )
        best = int(np.argmax(fit))
        if fit[best] > 0.5:
            head = int(near[best])
            text = (
                f"track {rows.track_id[tail]} ends at frame {rows.frame[tail]} where track {rows.track_id[head]} begins"
            )
            found.append(
                Finding(
                    "break",
                    int(rows.video[head]),
                    int(rows.frame[head]),
                    int(rows.track_id[tail]),
                    severity((float(fit[best]) - 0.5) / 0.5),
                    text,
                    int(rows.track_id[head]),
                )
            )
    return found


def class_flips(rows: LabelRows) -> list[Finding]:
    """Find frames where a track changes its class; a class it holds only briefly is the more suspicious one."""
    changed = np.flatnonzero(rows.follows & np.concatenate([[False], rows.class_id[1:] != rows.class_id[:-1]]))
    starts = np.flatnonzero(~rows.follows)
    stops = np.append(starts[1:], len(rows))
    found = []
    for row in changed.tolist():
        group = int(rows.group[row])
        share = float(np.mean(rows.class_id[starts[group] : stops[group]] == rows.class_id[row]))
        before, after = rows.class_names[rows.class_id[row - 1]], rows.class_names[rows.class_id[row]]
        text = f"track {rows.track_id[row]} turns from {before} to {after} ({share:.0%} of the track)"
        found.append(
            Finding(
                "class-flip",
                int(rows.video[row]),
                int(rows.frame[row]),
                int(rows.track_id[row]),
                0.6 + 0.4 * (1 - min(2 * min(share, 1 - share), 1.0)),
                text,
            )
        )
    return found


def _next(rows: LabelRows) -> NDArray[np.int64]:
    """Return the (N,) row of the same track in the very next frame; -1 for none."""
    following = np.full(len(rows), -1, np.int64)
    if len(rows) < 2:
        return following
    direct = rows.follows[1:] & (rows.position[1:] - rows.position[:-1] == 1) & rows.is_valid[1:]
    following[:-1][direct] = np.flatnonzero(direct) + 1
    return following


def _expected(rows: LabelRows) -> NDArray[np.float64]:
    """Return the (N, 4) box each track should have in its next frame, from its mean velocity over a few frames."""
    back = np.arange(len(rows))
    for _ in range(_MEMORY):
        back = np.where(rows.follows[back], back - 1, back)
    elapsed = np.maximum(rows.position - rows.position[back], 1).astype(np.float64)
    return np.asarray(rows.xyxy + (rows.xyxy - rows.xyxy[back]) / elapsed[:, None])
