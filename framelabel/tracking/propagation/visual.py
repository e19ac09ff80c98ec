"""Carrying human boxes by looking: a single-object network from both sides, optical flow, and one best path."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import MissingModelError
from framelabel.core.frames import Span
from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.propagation import fusion, reliability
from framelabel.tracking.propagation.candidates import CARRIED_FIRST, INTERPOLATED, gather
from framelabel.tracking.propagation.evidence import Evidence
from framelabel.tracking.propagation.fusion import FusionOptions
from framelabel.tracking.propagation.keys import Key, split
from framelabel.tracking.propagation.passes import Passes
from framelabel.tracking.propagation.protocol import SiameseNetwork
from framelabel.tracking.propagation.sizes import size_trust

Floats = NDArray[np.float64]

_LOST_ABOVE = 0.75
"""Where less IoU than a quarter is expected, the evidence does not say where the object is."""
_HIDDEN_BELOW = 0.3
"""A box that nothing but motion supports and that looks this little like the object is behind something."""
_PASSING = 300
"""A walk from farther beyond a gap than this many frames is not followed through it."""
_CALIBRATING = 2
"""Human boxes on either side of a gap that calibrate it beside its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The path through one gap, strictly between its keys (or beyond the last one), frames ascending."""

    frame: NDArray[np.int64]
    xyxy: Floats
    uncertainty: Floats
    """(N,) 1 - expected IoU."""
    visibility: NDArray[np.int8]
    score: Floats
    features: Floats
    """(N, F) what the uncertainty was computed from, columns `reliability.FEATURES`."""
    is_open: bool


class VisualPropagator:
    """The `visual` method."""

    Options = FusionOptions

    def __init__(self, options: FusionOptions, evidence: Evidence, network: SiameseNetwork | None = None) -> None:
        """Use the evidence's pictures and its network, or another one.

        Raises:
            MissingModelError: there is no network.
        """
        chosen = evidence.network if network is None else network
        if chosen is None:
            msg = "the method visual needs the NanoTrack weights; without them use --method flow"
            raise MissingModelError(msg)
        self._options = options
        self._passes: Passes = evidence.passes(chosen)

    def propagate(self, keyframes: Track, span: Span) -> Track:
        """Return the object in every frame of the span; see `Propagator`."""
        return assembled(keyframes, span, self.stretches(keyframes, span))

    def stretches(self, keyframes: Track, span: Span) -> list[Stretch]:
        """Return the path through every gap that touches the span."""
        keys, absent = split(keyframes)
        if not keys:
            return []
        marks = sorted(
            [(key.frame, key) for key in keys] + [(frame, None) for frame in absent], key=lambda mark: mark[0]
        )
        trust = size_trust(self._passes, keys)
        found: list[Stretch] = []

        def add(first: Key, last: Key | None, stop: int) -> None:
            low, high = sorted((first.frame, stop))
            if high - low > (1 if last is not None else 0) and low < span.stop and high >= span.start:
                found.append(self._solved(first, last, stop, trust, keys, absent))

        if marks[0][1] is not None:
            add(marks[0][1], None, min(span.start, marks[0][0]))
        for (_, first), (frame, last) in pairwise(marks):
            if first is not None and last is not None:
                add(first, last, last.frame)
            elif first is not None:
                add(first, None, frame - 1)
            elif last is not None:
                before = max(mark for mark, _ in marks if mark < last.frame)
                add(last, None, before + 1)
        if marks[-1][1] is not None:
            add(marks[-1][1], None, max(span.stop - 1, marks[-1][0]))
        return found

    def _solved(
        self, first: Key, last: Key | None, stop: int, trust: Floats, keys: list[Key], absent: list[int]
    ) -> Stretch:
        known = _nearby(keys, first, last)
        outer = None if last is None else _passing(keys, absent, first, last)
        found = gather(self._passes, first, last, stop, known, outer)
        path = fusion.solve(found, self._options, trust)
        values = reliability.features(found, path)
        rows = np.arange(1, len(values) + 1)
        doubt = reliability.uncertainty(values)
        visibility = np.full(len(rows), Visibility.VISIBLE, np.int8)
        score = np.zeros(len(rows))
        for place, row in enumerate(rows):
            node = path.choice[row]
            if node == fusion.ABSENT_NODE:
                continue
            source = found.source[row][node]
            moving_only = source in (INTERPOLATED, CARRIED_FIRST, CARRIED_FIRST + 1)
            score[place] = 0.0 if moving_only else found.score[row][node]
            if moving_only and found.likeness[row][node] < _HIDDEN_BELOW:
                visibility[place] = Visibility.OCCLUDED
        visibility[doubt > _LOST_ABOVE] = Visibility.LOST
        visibility[path.is_absent[rows]] = Visibility.ABSENT
        order = np.argsort(found.frames[rows], kind="stable")
        return Stretch(
            found.frames[rows][order],
            path.xyxy[rows][order],
            doubt[order],
            visibility[order],
            score[order],
            values[order],
            found.is_open,
        )


def _passing(keys: list[Key], absent: list[int], first: Key, last: Key) -> Key | None:
    """Return the human box beyond the gap whose walk goes on through it, as it did before the box between was drawn.

    Of both neighbours the nearer one: mostly it is the far end of the gap that was split last, and has walked already.
    """
    start, stop = keys.index(first), keys.index(last)
    found = []
    if start and not any(keys[start - 1].frame < frame < first.frame for frame in absent):
        found.append((first.frame - keys[start - 1].frame, keys[start - 1]))
    if stop + 1 < len(keys) and not any(last.frame < frame < keys[stop + 1].frame for frame in absent):
        found.append((keys[stop + 1].frame - last.frame, keys[stop + 1]))
    distance, key = min(found, key=lambda item: item[0]) if found else (0, None)
    return key if distance <= _PASSING else None


def _nearby(keys: list[Key], first: Key, last: Key | None) -> tuple[Key, ...]:
    """Return the human boxes that calibrate a gap: its own and some on either side."""
    ends = [keys.index(key) for key in (first, last) if key is not None]
    return tuple(keys[max(min(ends) - _CALIBRATING, 0) : max(ends) + _CALIBRATING + 1])


def assembled(keyframes: Track, span: Span, stretches: list[Stretch]) -> Track:
    """Put stretches and human boxes together: one row for each frame of the span, ABSENT where nothing is known."""
    count = len(span)
    xyxy = np.zeros((count, 4))
    doubt = np.zeros(count)
    visibility = np.full(count, Visibility.ABSENT, np.int8)
    score = np.zeros(count)
    is_key = np.zeros(count, np.bool_)
    for part in stretches:
        inside = (part.frame >= span.start) & (part.frame < span.stop)
        rows = part.frame[inside] - span.start
        xyxy[rows], doubt[rows] = part.xyxy[inside], part.uncertainty[inside]
        visibility[rows], score[rows] = part.visibility[inside], part.score[inside]
    inside = (keyframes.frame >= span.start) & (keyframes.frame < span.stop)
    rows = keyframes.frame[inside] - span.start
    xyxy[rows], visibility[rows] = keyframes.xyxy[inside], keyframes.visibility[inside]
    doubt[rows], score[rows], is_key[rows] = 0.0, 1.0, True
    doubt[visibility == Visibility.ABSENT] = 0.0
    frame = np.arange(span.start, span.stop, dtype=np.int64)
    return Track(keyframes.id, keyframes.class_id, frame, xyxy, is_key, doubt, visibility, score)
