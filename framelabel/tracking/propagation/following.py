"""Beyond the last keyframe: follow the linked detections for as long as they go on, and say where they stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import iou
from framelabel.core.tracks import Visibility
from framelabel.tracking.propagation.association import ClipDetections, departed, departure

Floats = NDArray[np.float64]

BRIDGED = 5
"""Frames without a detection after which the object counts as lost."""
REJOIN_IOU, REJOIN_MARGIN = 0.4, 0.6
"""Overlap of a detection with the expected box that resumes the path, and the largest share of it a rival may have."""
EDGE_SHARE = 0.05
"""A box this near to the picture's edge, in its own width or height, is leaving."""


@dataclass(frozen=True, slots=True, eq=False)
class Following:
    """What comes after (or before) a keyframe, nearest frame first."""

    xyxy: Floats
    """(M, 4)."""
    visibility: NDArray[np.int8]
    """(M,) VISIBLE while followed; then ABSENT where the object left the picture, LOST where the evidence ended."""
    support: Floats
    """(M,) 1 where a detection shows the object."""


def follow(
    clip: ClipDetections, frame: int, box: Floats, count: int, step: int, frame_size: tuple[int, int]
) -> Following:
    """Follow an object from the human (4,) `box` at `frame` for `count` frames in direction `step` (1 or -1)."""
    xyxy = np.tile(box, (count, 1))
    visibility = np.full(count, Visibility.LOST, np.int8)
    support = np.zeros(count)
    row = _best(clip, frame, box, 0.5)
    if row < 0 or count == 0:
        visibility[:] = Visibility.ABSENT if _leaves(box, np.zeros(4), frame_size) else Visibility.LOST
        return Following(xyxy, visibility, support)
    correction = departure(box[None], clip.xyxy[row][None])
    neighbour = clip.successor if step > 0 else clip.predecessor
    last_seen, velocity = 0, np.zeros(4)
    current = box
    for number in range(1, count + 1):
        expected = current + velocity
        found = int(neighbour[row]) if row >= 0 and last_seen == number - 1 else -1
        if found < 0:
            found = _best(clip, frame + step * number, expected, REJOIN_IOU)
        if found >= 0:
            seen = departed(correction, clip.xyxy[found][None])[0]
            velocity = (velocity + (seen - current)) / 2 if last_seen == number - 1 else velocity
            row, last_seen, current = found, number, seen
            support[number - 1] = 1.0
        else:
            current = expected
            if number - last_seen > BRIDGED or _leaves(current, velocity, frame_size):
                break
        xyxy[number - 1] = current
        visibility[number - 1] = Visibility.VISIBLE
    # Frames after the last detection were bridged in the hope of another one.
    visibility[last_seen:] = Visibility.ABSENT if _leaves(current, velocity, frame_size) else Visibility.LOST
    return Following(xyxy, visibility, support)


def _best(clip: ClipDetections, frame: int, box: Floats, least: float) -> int:
    """Return the row of the detection that clearly is the expected box, -1 for none."""
    rows = clip.rows(frame, frame + 1)
    if rows.stop == rows.start:
        return -1
    overlap = iou(box[None], clip.xyxy[rows])[0]
    best = int(overlap.argmax())
    rival = np.delete(overlap, best).max(initial=0.0)
    clear = overlap[best] >= least and rival <= REJOIN_MARGIN * overlap[best]
    return rows.start + best if clear else -1


def _leaves(box: Floats, velocity: Floats, frame_size: tuple[int, int]) -> bool:
    """Return whether a box touches the edge it does not move away from."""
    width, height = frame_size
    margin_x, margin_y = EDGE_SHARE * (box[2] - box[0]), EDGE_SHARE * (box[3] - box[1])
    return bool(
        (box[0] <= margin_x and velocity[0] <= 0)
        or (box[1] <= margin_y and velocity[1] <= 0)
        or (box[2] >= width - margin_x and velocity[2] >= 0)
        or (box[3] >= height - margin_y and velocity[3] >= 0)
    )
