"""One object labelled twice."""

from __future__ import annotations

import numpy as np

from framelabel.core.boxes import NO_TRACK
from framelabel.review.findings.finding import Finding, severity
from framelabel.review.findings.rows import LabelRows

_OVERLAP = 0.8
"""Two boxes of one class that overlap this much are rarely two objects."""


def duplicates(rows: LabelRows) -> list[Finding]:
    """Find pairs of boxes of one class on the same place; one finding per pair of tracks and stretch of frames."""
    first_rows, second_rows, overlaps = [], [], []
    for one, two, value in rows.overlapping():
        near = (value > _OVERLAP) & (rows.class_id[one] == rows.class_id[two]) & (rows.group[one] != rows.group[two])
        first_rows.append(np.minimum(one, two)[near])
        second_rows.append(np.maximum(one, two)[near])
        overlaps.append(value[near])
    one, two = (
        np.concatenate([np.zeros(0, np.int64), *first_rows]),
        np.concatenate([np.zeros(0, np.int64), *second_rows]),
    )
    value = np.concatenate([np.zeros(0), *overlaps])
    arranged = np.lexsort((rows.position[one], rows.group[two], rows.group[one]))
    one, two, value = one[arranged], two[arranged], value[arranged]
    new = np.ones(len(one), np.bool_)
    new[1:] = (np.diff(rows.group[one]) != 0) | (np.diff(rows.group[two]) != 0) | (np.diff(rows.position[one]) > 3)
    found = []
    for part in np.split(np.arange(len(one)), np.flatnonzero(new)[1:]) if len(one) else []:
        a, b, mean = int(one[part[0]]), int(two[part[0]]), float(value[part].mean())
        start, stop = int(rows.frame[a]), int(rows.frame[one[part[-1]]]) + 1
        name = rows.class_names[rows.class_id[a]]
        if rows.track_id[a] == NO_TRACK:
            text = f"two {name} boxes overlap by {mean:.0%}"
        else:
            names = f"tracks {rows.track_id[a]} and {rows.track_id[b]} ({name})"
            text = f"{names} overlap by {mean:.0%} for {len(part)} frames"
        # a short overlap is often one object passing another; a lasting one is a copy
        worth = severity((mean - _OVERLAP) / (1 - _OVERLAP) + 0.1 * min(len(part), 20), at_threshold=0.25)
        found.append(
            Finding(
                "duplicate", int(rows.video[a]), start, int(rows.track_id[a]), worth, text, int(rows.track_id[b]), stop
            )
        )
    return found
