"""The best path of one object through all its keyframes, chosen gap by gap among the methods by evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.tracks import Track
from framelabel.tracking.propagation import trust
from framelabel.tracking.propagation.association import ClipDetections
from framelabel.tracking.propagation.dynamics import Dynamics, measure, residual
from framelabel.tracking.propagation.gaps import METHODS, Gap, paired, solve
from framelabel.tracking.propagation.suggestion import Label, best_label

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OVERLAP_SHARE = 0.3
"""How much the expected overlap counts beside the chance of a wrong box when a method is chosen."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The chosen path between two neighbouring keyframes."""

    gap: Gap
    method: int
    """Row of `gaps.METHODS`."""
    wrong: Floats
    """(M,) chance that the overlap with the true box is below 0.7."""
    overlap: Floats
    """(M,) expected overlap with the true box."""

    @property
    def xyxy(self) -> Floats:
        """(M, 4) boxes strictly between the keyframes."""
        return np.asarray(self.gap.paths[self.method], dtype=np.float64)

    def best_label(self) -> Label:
        """Return the frame whose label would put most boxes right."""
        found = best_label(self.wrong, self.gap.push)
        return Label(self.gap.start + 1 + found.frame, found.gain)


class ClipPaths:
    """Solves the objects of one clip. Gaps are kept, so one more human box costs only the gaps it touches."""

    def __init__(
        self, clip: ClipDetections, keyframes: Sequence[Track] = (), *, network: trust.Network | None = None
    ) -> None:
        """Measure the clip: its motion from linked detections, its detector's error from the human boxes known now."""
        self.clip = clip
        self.dynamics: Dynamics = _dynamics(clip, keyframes)
        self._network = trust.fitted() if network is None else network
        self._gaps: dict[tuple[int, int, bytes], Gap] = {}

    def gap(self, start: int, stop: int, first: Floats, last: Floats) -> Gap:
        """Return the gap between human boxes `first` and `last`, (4,), at two frames; solved once."""
        key = (start, stop, first.tobytes() + last.tobytes())
        found = self._gaps.get(key)
        if found is None:
            found = solve(self.clip, self.dynamics, start, stop, first, last)
            self._gaps[key] = found
        return found

    def trials(self, frame: Ints, xyxy: Floats) -> trust.Trials:
        """Leave out each inner keyframe of one object in turn and see how far each method misses it."""
        errors, bridges = [], []
        for row in range(1, len(frame) - 1):
            gap = self.gap(int(frame[row - 1]), int(frame[row + 1]), xyxy[row - 1], xyxy[row + 1])
            offset = int(frame[row] - frame[row - 1]) - 1
            errors.append(1 - paired(gap.paths[:, offset], xyxy[row][None]))
            bridges.append(gap.bridge[offset])
        return trust.Trials(np.array(errors).reshape(-1, len(METHODS)), np.array(bridges))

    def stretches(self, frame: Ints, xyxy: Floats, others: trust.Trials) -> list[Stretch]:
        """Return the chosen path of every gap of at least one frame.

        Args:
            frame: (K,) ordinals of the object's keyframes, ascending.
            xyxy: (K, 4) human boxes.
            others: trials of the clip's other objects.
        """
        own = self.trials(frame, xyxy)
        found = []
        for row in range(len(frame) - 1):
            if frame[row + 1] - frame[row] < 2:
                continue
            gap = self.gap(int(frame[row]), int(frame[row + 1]), xyxy[row], xyxy[row + 1])
            past = trust.history(own, others, len(frame), turns(frame, xyxy, row))
            wrong, overlap = self._network(trust.inputs(gap, past))
            method = int(np.argmin(wrong.mean(axis=1) - OVERLAP_SHARE * overlap.mean(axis=1)))
            found.append(Stretch(gap, method, wrong[method], overlap[method]))
        return found


def _dynamics(clip: ClipDetections, keyframes: Sequence[Track]) -> Dynamics:
    seen = [
        residual(clip, int(frame), box)
        for track in keyframes
        for frame, box, present in zip(track.frame, track.xyxy, track.is_present, strict=True)
        if present
    ]
    return measure(clip, np.array([row for row in seen if row is not None]).reshape(-1, 4))


def turns(frame: Ints, xyxy: Floats, row: int) -> tuple[float, float]:
    """Return how much the mean velocity changes at both keyframes of gap `row`, in sizes over the shorter gap, log."""
    centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    size = np.sqrt(np.maximum((xyxy[:, 2:] - xyxy[:, :2]).prod(axis=1), 1.0))
    velocity = np.diff(centre, axis=0) / np.diff(frame)[:, None]
    smallest = min(size[row], size[row + 1])
    found = []
    for other in (row - 1, row + 1):
        if not 0 <= other < len(velocity):
            found.append(0.0)
            continue
        length = min(frame[row + 1] - frame[row], frame[other + 1] - frame[other])
        found.append(float(np.log1p(np.hypot(*(velocity[other] - velocity[row])) * length / smallest)))
    return found[0], found[1]
