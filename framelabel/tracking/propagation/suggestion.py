"""Which frame to label next: the one whose label is expected to put most boxes right.

A label at frame f splits its gap. What remains doubtful is estimated without asking again: the error of a path between
two known boxes grows with (l r / (l + r))^1.5 for the distances l, r to both, so the odds of a wrong box fall with that
ratio. Works on any track that states its uncertainty, whatever method made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from framelabel.core.tracks import Track, Visibility

Floats = NDArray[np.float64]

ODDS_POWER = 2.0
"""Odds of a wrong box fall with this power of the expected error; the effort benchmark is flat from 1 to 2."""
ERROR_FLOOR = 0.02
"""Error that no further label removes, in units of 1 - IoU."""
TYPICAL_PUSH = 0.02
"""Change of velocity per frame of a track whose clip was not measured, in units of 1 - IoU."""
WRONG_SLOPE, WRONG_OFFSET = 1.69, 0.92
"""P(IoU < 0.7) as a logistic function of the log odds of the stated uncertainty (1 - expected IoU): maximum
likelihood on eight sequences that the uncertainty was not fitted on."""
LEAST_GAIN = 0.05
"""A label expected to put fewer boxes right than this is not worth asking for."""
CANDIDATES = 400
"""Frames of one gap that are compared; longer gaps are thinned evenly."""


@dataclass(frozen=True, slots=True)
class Label:
    """One frame worth labelling."""

    frame: int
    gain: float
    """Boxes that a label there is expected to put right."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One frame of one track worth labelling."""

    track_id: int
    frame: int
    gain: float
    """Boxes that a label there is expected to put right."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What to label next in a clip, best first."""

    suggestions: tuple[Suggestion, ...]
    box_count: int
    """Boxes of the tracks looked at, keyframes included."""
    expected_now: float
    """Expected share of boxes that are right (IoU >= 0.7) as things stand."""
    expected_after: float
    """The same once every suggestion is labelled."""

    def sentence(self) -> str:
        """Return the queue in words.

        >>> Queue((Suggestion(1, 9, 3.0),), 100, 0.91, 0.94).sentence()
        '1 more box brings this clip from an expected 91 % to an expected 94 % right'
        """
        count = len(self.suggestions)
        if count == 0:
            return f"nothing to label: an expected {100 * self.expected_now:.0f} % of boxes are right"
        what = "1 more box brings" if count == 1 else f"{count} more boxes bring"
        return (
            f"{what} this clip from an expected {100 * self.expected_now:.0f} % to an expected "
            f"{100 * self.expected_after:.0f} % right"
        )


def best_label(wrong: Floats, push: float = TYPICAL_PUSH) -> Label:
    """Return the offset in a gap whose label is expected to put most of its boxes right.

    Args:
        wrong: (M,) chance of each box between two keyframes to be wrong, M >= 1.
        push: typical change of velocity from frame to frame, in units of 1 - IoU.
    """
    step = -(-len(wrong) // CANDIDATES)
    thinned = wrong[::step]
    gain = thinned.sum() - _after(thinned, push * step**1.5, np.arange(len(thinned))).sum(axis=1)
    best = int(np.argmax(gain))
    return Label(best * step, float(gain[best]) * step)


def _after(wrong: Floats, push: float, labelled: NDArray[np.int64]) -> Floats:
    """Return the (F, M) chances that remain when one of the (F,) offsets is labelled."""
    count = len(wrong)
    place = np.arange(1, count + 1, dtype=np.float64)
    label, length = labelled[:, None] + 1.0, count + 1.0
    is_before = place < label
    left = np.where(is_before, place, np.abs(place - label))
    right = np.where(is_before, label - place, length - place)
    now = push * (place * (length - place) / length) ** 1.5
    then = push * (left * right / np.maximum(left + right, 1.0)) ** 1.5
    chance = np.clip(wrong, 1e-4, 1 - 1e-4)
    logit = np.log(chance / (1 - chance)) + ODDS_POWER * np.log((then + ERROR_FLOOR) / (now + ERROR_FLOOR))
    remaining = 1 / (1 + np.exp(-logit))
    remaining[np.arange(len(labelled)), labelled] = 0.0
    return np.asarray(remaining, dtype=np.float64)


def wrong_chance(uncertainty: Floats) -> Floats:
    """Return P(IoU < 0.7) of boxes with this uncertainty (1 - expected IoU)."""
    doubt = np.clip(uncertainty, 1e-3, 1 - 1e-3)
    log_odds = WRONG_SLOPE * np.log(doubt / (1 - doubt)) + WRONG_OFFSET
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float64)


def queue(tracks: Sequence[Track], *, target: float = 0.97, limit: int = 200) -> Queue:
    """Return the frames to label, over all tracks, until an expected share of boxes is right.

    Every suggestion is taken as done before the next is chosen, so the list can be worked off without asking again;
    asking again after each label is better still.

    Args:
        tracks: dense tracks with keyframes and uncertainty; boxes that are absent do not count, lost ones are wrong.
        target: expected share of right boxes at which the list ends.
        limit: most suggestions.
    """
    stretches: list[tuple[float, int, int, int, Floats]] = []
    box_count = 0
    expected_wrong = 0.0
    for track in tracks:
        wrong = _wrong(track)
        box_count += int((track.visibility != Visibility.ABSENT).sum())
        expected_wrong += float(wrong.sum())
        for start, stop in _gaps(track):
            _push_stretch(stretches, track.id, start, wrong[start:stop])
    frames = {track.id: track.frame for track in tracks}
    total = max(box_count, 1)
    now = 1 - expected_wrong / total
    found: list[Suggestion] = []
    while stretches and len(found) < limit and 1 - expected_wrong / total < target:
        loss, track_id, start, place, wrong = heappop(stretches)
        if -loss < LEAST_GAIN:
            break
        found.append(Suggestion(track_id, int(frames[track_id][start + place]), -loss))
        expected_wrong += loss
        remaining = _after(wrong, TYPICAL_PUSH, np.array([place]))[0]
        _push_stretch(stretches, track_id, start, remaining[:place])
        _push_stretch(stretches, track_id, start + place + 1, remaining[place + 1 :])
    return Queue(tuple(found), box_count, now, 1 - max(expected_wrong, 0.0) / total)


def next_of(track: Track) -> Suggestion | None:
    """Return the one frame of a track whose label is expected to put most boxes right; None when all are known."""
    wrong = _wrong(track)
    best: Suggestion | None = None
    for start, stop in _gaps(track):
        label = best_label(wrong[start:stop])
        if label.gain >= LEAST_GAIN and (best is None or label.gain > best.gain):
            best = Suggestion(track.id, int(track.frame[start + label.frame]), label.gain)
    return best


def _wrong(track: Track) -> Floats:
    """Return the (N,) chance of each box to be wrong; 0 for human boxes and where the object is absent."""
    chance = np.where(track.visibility == Visibility.LOST, 1.0, wrong_chance(track.uncertainty))
    return np.where((track.visibility == Visibility.ABSENT) | track.is_keyframe, 0.0, chance)


def _gaps(track: Track) -> list[tuple[int, int]]:
    """Return first row and one past the last of every stretch between human boxes, and before and after them."""
    bounds = [-1, *np.flatnonzero(track.is_keyframe).tolist(), len(track)]
    return [(before + 1, after) for before, after in pairwise(bounds) if after > before + 1]


def _push_stretch(
    stretches: list[tuple[float, int, int, int, Floats]], track_id: int, start: int, wrong: Floats
) -> None:
    """Add a stretch of rows `start`... of one track with the label that helps it most."""
    if len(wrong):
        label = best_label(wrong)
        heappush(stretches, (-label.gain, track_id, start, label.frame, wrong))
