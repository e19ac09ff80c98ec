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
        # most pairs are far apart: neither can be where the other goes
        near = _share_columns(expected[one], after[two]) | _share_columns(expected[two], after[one])
        one, two = one[near], two[near]
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
    starts = np.flatnonzero(~rows.follows)
    stops = np.append(starts[1:], len(rows))[: len(starts)]
    usable = rows.is_followed[starts] & rows.is_valid[starts] & rows.is_valid[stops - 1]
    heads, tails = starts[usable], stops[usable] - 1
    if len(heads) == 0:
        return []
    expected = _expected(rows)
    found = []
    heads = heads[np.argsort(rows.frame_key[heads], kind="stable")]
    head_keys, tail_keys = rows.frame_key[heads], rows.frame_key[tails]
    limit = np.maximum(np.round(_BREAK_S * rows.fps[rows.video[tails]]), 1).astype(np.int64)
    low = np.searchsorted(head_keys, tail_keys + 1)
    count = np.searchsorted(head_keys, tail_keys + limit + 1) - low
    tail = np.repeat(tails, count)
    head = heads[np.repeat(low - np.cumsum(count) + count, count) + np.arange(len(tail))]
    same = rows.class_id[head] == rows.class_id[tail]
    tail, head = tail[same], head[same]
    steps = (rows.frame[head] - rows.frame[tail]).astype(np.float64)
    moved = rows.xyxy[tail] + (expected[tail] - rows.xyxy[tail]) * steps[:, None]
    fits = np.maximum(paired_iou(moved, rows.xyxy[head]), paired_iou(rows.xyxy[tail], rows.xyxy[head]))
    new = np.flatnonzero(np.diff(tail, prepend=-1) != 0)
    for part in np.split(np.arange(len(tail)), new)[1:]:
        best = int(part[np.argmax(fits[part])])
        if fits[best] > 0.5:
            a, b = int(tail[best]), int(head[best])
            text = f"track {rows.track_id[a]} ends at frame {rows.frame[a]} where track {rows.track_id[b]} begins"
            found.append(
                Finding(
                    "break",
                    int(rows.video[b]),
                    int(rows.frame[b]),
                    int(rows.track_id[a]),
                    severity((float(fits[best]) - 0.5) / 0.5),
                    text,
                    int(rows.track_id[b]),
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


def _share_columns(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where (N, 4) boxes have a column of pixels in common."""
    return np.asarray((one[:, 0] < two[:, 2]) & (two[:, 0] < one[:, 2]))


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
