"""Does a box follow an object that is not there? Clips in which the object leaves and returns.

The human draws the first and the last box of the clip and one in the middle of each visible run; where the object
leaves and when it returns is the tool's business.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import Span
from framelabel.core.tracks import Track
from framelabel.tracking.propagation.evidence import Evidence
from framelabel.tracking.propagation.protocol import SiameseNetwork
from framelabel.tracking.propagation.visual import VisualPropagator
from tests.benchmarks.effort_footage import Sequence
from tests.benchmarks.effort_goals import Goal, Part

Bools = NDArray[np.bool_]

IN_TIME = 5
"""Frames within which a return must be found."""


def run(sequences: list[Sequence], network: SiameseNetwork) -> Part | None:
    """Measure the sequences with absences; None when there are none."""
    rows: list[str] = []
    ghosts = absent_frames = covered = present_frames = in_time = returns = 0
    for sequence in sequences:
        present = sequence.is_present
        if present.all():
            continue
        runs = sequence.runs()
        frame = np.array(sorted({runs[0][0], runs[-1][1], *((start + stop) // 2 for start, stop in runs)}), np.int64)
        clip = sequence.open()
        evidence = Evidence(clip.size, 25.0, len(clip.index), reader=clip, network=network)
        tool = VisualPropagator(VisualPropagator.Options(), evidence)
        keys = Track.of(1, frame, sequence.truth[frame], is_keyframe=np.ones(len(frame), np.bool_))
        has_box = tool.propagate(keys, Span(0, len(sequence.truth))).is_present
        late = [_delay(has_box, start) for start, _ in runs if start > 0 and not present[start - 1]]
        ghosts += int((has_box & ~present).sum())
        absent_frames += int((~present).sum())
        covered += int((has_box & present).sum())
        present_frames += int(present.sum())
        in_time += sum(delay <= IN_TIME for delay in late)
        returns += len(late)
        ghost, seen = 100 * _share(has_box & ~present, ~present), 100 * _share(has_box & present, present)
        found = ", ".join(str(delay) for delay in late)
        rows.append(
            f"| {sequence.name} | {len(frame)} | {int((~present).sum())} | {ghost:.1f} % | {seen:.1f} % | {found} |"
        )
    if not rows:
        return None
    goals = (
        Goal("absent frames with a box", ghosts / max(absent_frames, 1), 0.02),
        Goal("visible frames with a box", covered / max(present_frames, 1), 0.95, at_most=False),
        Goal(f"returns found within {IN_TIME} frames", in_time / max(returns, 1), 0.80, at_most=False),
    )
    head = (
        "| sequence | human boxes | absent frames | of these with a box | visible with a box | returns found after |",
        "|---|---|---|---|---|---|",
    )
    return Part("absence", (*head, *rows), goals)


def _share(part: Bools, whole: Bools) -> float:
    return float(part.sum()) / max(float(whole.sum()), 1.0)


def _delay(has_box: Bools, start: int) -> int:
    """Return after how many frames from `start` on there is a box (the clip's length if never)."""
    found = np.flatnonzero(has_box[start:])
    return int(found[0]) if len(found) else len(has_box)
