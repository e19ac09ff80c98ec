"""Whole-clip association: the detections of a span in, tracks out.

1. Safe links between neighbouring frames make tracklets; how objects move in this clip is measured on them.
2. Passes over growing gaps join tracklets, each pass the optimal path cover (`path_cover`) under likelihood ratios that
   judge position and speed from both sides (`motion`).
3. Trust in scores is measured on the clip; chains that are not objects, and doubles, are dropped (`reliability`,
   `selection`).
4. Gaps are filled, tracks smoothed, classes voted, uncertainty stated (`smoothing`).

Every step is linear in the length of the clip for a given density of objects, and deterministic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.appearance import Looks
from framelabel.tracking.offline.camera import path as camera_path
from framelabel.tracking.offline.chains import Chains
from framelabel.tracking.offline.evidence import Evidence, gather
from framelabel.tracking.offline.linking import Law, Pass, link
from framelabel.tracking.offline.looks import Gallery
from framelabel.tracking.offline.motion import Motion, measure
from framelabel.tracking.offline.reliability import log_odds, trust
from framelabel.tracking.offline.selection import doubles
from framelabel.tracking.offline.smoothing import smooth, uncertainty
from framelabel.tracking.offline.time_axis import TimeAxis

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_GAPS_S = (0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
"""Longest gaps of the successive passes."""
_PRIOR_WEIGHT = 50.0
"""Samples that the assumed motion counts for."""
_GAP_UNIT_S = 0.2
"""Silence after which a link has lost ln 2 times `gap_price`."""
_SAFE_BAR = -4.0
"""Safe links need not be likely, only far likelier than any rival: they are what motion is measured on."""
_LEAST_TRUST = 0.05
_MATURE = 16.0
"""Detections of a chain that nobody doubts."""
_SAFE_ROUNDS = 3
_LEAST_JITTER = 0.005
"""Box sizes; no detector is taken to be better."""


@dataclass(frozen=True, slots=True)
class OfflineOptions:
    """Settings of whole-clip association; one set serves all footage."""

    longest_gap_s: float = setting(4.0, help="longest time without a detection that a track may bridge, in seconds")
    fill_s: float = setting(2.0, help="longest gap that is filled with boxes, in seconds")
    link_bar: float = setting(2.5, help="log likelihood ratio that a link must exceed")
    gap_price: float = setting(1.5, help="log likelihood that silence costs, per e-fold of its length")
    doubt_price: float = setting(3.0, help="weight of distrust in the detections that a link joins")
    length_worth: float = setting(1.0, help="log likelihood that a link gains for each long chain it joins")
    safe_margin: float = setting(3.0, help="log likelihood by which a safe link must beat every rival")
    class_price: float = setting(6.0, help="log likelihood that a change of class costs")
    freedom: float = setting(3.0, help="degrees of freedom of the law of motion errors; lower forgives outliers")
    reach: float = setting(2.0, help="spread of unrelated objects, in box sizes")
    object_bar: float = setting(0.3, help="log odds that a track is an object, above which it is kept")
    least_boxes: int = setting(5, help="tracks with fewer detections are dropped as flicker")
    double_iou: float = setting(0.7, help="overlap from which two tracks are one object seen twice")
    double_share: float = setting(0.6, help="share of a track's frames that must overlap so")
    reid: str = setting("", help="ONNX model that tells persons (or others) apart by their looks; none when not given")
    camera: str = setting(
        "boxes", help="what shows the camera's motion: the boxes, or the pixels (slower)", choices=("boxes", "pixels")
    )
    smoothing: float = setting(2.2, help="strength of smoothing; 1 follows the clip's noise, 0 keeps detected boxes")


class OfflineLinker:
    """Links a whole clip; see `framelabel.core.protocols.OfflineTracker`."""

    Options = OfflineOptions

    def __init__(
        self,
        options: OfflineOptions | None = None,
        *,
        fps: float = 0.0,
        frame_size: tuple[int, int] = (0, 0),  # noqa: ARG002 - every tracker takes both
    ) -> None:
        """Keep the options; `fps` is what `link` uses when it is given none. The size of the picture plays no part."""
        self._options = options or OfflineOptions()
        self._fps = fps

    def link(
        self,
        frames: Sequence[int],
        boxes: Sequence[Boxes],
        fps: float = 0.0,
        *,
        looks: Looks | None = None,
        camera: Floats | None = None,
    ) -> list[Track]:
        """Return the tracks through `boxes[k]` of frame ordinal `frames[k]`, numbered from 1 by first appearance.

        Args:
            frames: ordinals; some may be missing, in any order.
            boxes: of each frame.
            fps: the rate of the ordinals.
            looks: what detections look like, for links over gaps.
            camera: (len(frames), 2) pixels by which the picture has moved at each of them, where somebody has seen
                it; found from the boxes otherwise.

        Raises:
            UsageError: a frame comes twice, the rate is not positive, or `camera` does not match the frames.
        """
        rate = fps or self._fps
        if not rate > 0:
            msg = f"fps must be positive, got {rate}"
            raise UsageError(msg)
        evidence, axis = gather(frames, boxes)
        if not len(evidence):
            return []
        rate /= axis.step
        seen = None if camera is None else axis.spread(frames, camera)
        steady, path, chains, motion, trusted = self._chain(evidence, rate, looks, seen)
        return self._tracks(steady, path, chains, motion, trusted, rate, axis)

    def _chain(
        self, evidence: Evidence, fps: float, looks: Looks | None, camera: Floats | None
    ) -> tuple[Evidence, Floats, Chains, Motion, Floats]:
        """Link detections into chains.

        Args:
            evidence: all detections.
            fps: positions on the time axis per second.
            looks: see `link`.
            camera: (positions, 2) path where it is known.

        Returns:
            The detections as a steady camera would have seen them, the path of the camera that was taken out, the
            chains, the motion and the (N,) trust measured on them.
        """
        options = self._options
        if camera is not None:
            evidence = evidence.moved(-camera)
        law = Law(options.freedom, options.reach, options.class_price)
        chains, prior, motion = Chains(len(evidence)), Motion.usual(fps), Motion.expected(fps)

        def remeasured() -> Motion:
            return measure(
                evidence.xyxy, evidence.size, evidence.frame, chains, prior=prior, fps=fps, weight=_PRIOR_WEIGHT
            )

        safe = Pass(1, _SAFE_BAR, options.gap_price, _GAP_UNIT_S * fps, options.safe_margin)
        for _ in range(_SAFE_ROUNDS):
            link(evidence, chains, motion, safe, law)
            motion = remeasured()
        if camera is None:
            camera = camera_path(evidence.xyxy, evidence.frame, chains, int(evidence.frame.max()) + 1)
            evidence = evidence.moved(-camera)
            motion = remeasured()
        gallery = None if looks is None or not len(looks.row) else Gallery.of(looks, evidence, chains)
        trusted = trust(evidence.score, evidence.frame, chains, fps)
        best = max(float(trusted.max()), _LEAST_TRUST)
        gaps = [gap for gap in _GAPS_S if gap < options.longest_gap_s] + [options.longest_gap_s]
        for gap in gaps:
            step = Pass(max(2, round(gap * fps)), options.link_bar, options.gap_price, _GAP_UNIT_S * fps)
            doubt = -options.doubt_price * np.log(np.maximum(_mean_by(chains, trusted) / best, _LEAST_TRUST))
            doubt -= options.length_worth * _maturity(chains)
            link(evidence, chains, motion, step, law, doubt, gallery)
            motion = remeasured()
        return evidence, camera, chains, motion, trusted

    def _tracks(
        self,
        evidence: Evidence,
        camera: Floats,
        chains: Chains,
        motion: Motion,
        trusted: Floats,
        fps: float,
        axis: TimeAxis,
    ) -> list[Track]:
        """Choose the chains that are objects and make tracks of them."""
        options = self._options
        label, count = chains.label()
        odds = log_odds(evidence.score, trusted, label, count, len(axis.ordinal))
        boxes = np.bincount(label, minlength=count)
        keep = (odds > options.object_bar) & (boxes >= min(options.least_boxes, int(evidence.frame.max()) + 1))
        if not keep.any():
            return []
        rows = np.flatnonzero(keep[label])
        rows = rows[np.lexsort((evidence.frame[rows], label[rows]))]
        track = np.cumsum(keep)[label[rows]] - 1
        table = self._filled(evidence.select(rows), track, motion, fps).moved(camera).on(axis)
        worth = np.bincount(track, trusted[rows]).astype(np.float64)
        twice = doubles(table.frame, table.xyxy, table.track, worth, iou=options.double_iou, share=options.double_share)
        classes = _voted(evidence.class_id[rows], evidence.score[rows], track)
        bounds = np.searchsorted(table.track, np.arange(len(worth) + 1))
        kept = np.flatnonzero(~twice)
        return [
            Track.of(
                number,
                axis.ordinal[table.frame[part]],
                table.xyxy[part],
                class_id=int(classes[which]),
                uncertainty=table.uncertainty[part],
                visibility=table.visibility[part],
                score=table.score[part],
            )
            for number, which in enumerate(kept, start=1)
            for part in (slice(int(bounds[which]), int(bounds[which + 1])),)
        ]

    def _filled(self, evidence: Evidence, track: Rows, motion: Motion, fps: float) -> _Rows:
        """Give every track a row for each of its frames, smoothed; leave out gaps longer than may be filled."""
        options = self._options
        count = int(track[-1]) + 1
        start = np.searchsorted(track, np.arange(count))
        stop = np.searchsorted(track, np.arange(count), side="right") - 1
        begin, length = evidence.frame[start], evidence.frame[stop] - evidence.frame[start] + 1
        offset = np.cumsum(length) - length
        position = offset[track] + evidence.frame - begin[track]
        total = int(length.sum())
        owner = np.repeat(np.arange(count), length)
        frame = np.arange(total) - offset[owner] + begin[owner]
        source = np.zeros(total, np.int64)
        source[position] = np.arange(len(position))
        is_seen = np.zeros(total, np.bool_)
        is_seen[position] = True
        last = np.maximum.accumulate(np.where(is_seen, np.arange(total), 0))
        following = np.minimum.accumulate(np.where(is_seen, np.arange(total), total)[::-1])[::-1]
        gap, before = following - last, np.arange(total) - last
        share = np.divide(before, gap, out=np.zeros(total), where=gap > 0)[:, None]
        xyxy = (1 - share) * evidence.xyxy[source[last]] + share * evidence.xyxy[source[following]]
        if options.smoothing > 0:
            size = evidence.size[source[last]][:, None]
            jitter = np.maximum(motion.jitter, _LEAST_JITTER) * size
            turn = motion.restlessness * size / np.sqrt(options.smoothing)
            known = np.where(is_seen, evidence.score[source], -1.0)
            xyxy = smooth(xyxy, known, offset, jitter=jitter, restlessness=turn)
        keep = is_seen | (gap <= options.fill_s * fps)
        keep &= np.all(xyxy[:, 2:] > xyxy[:, :2], axis=1)
        width, height = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 1e-6).T
        doubt = uncertainty(width, height, gap, before, motion)
        score = np.where(is_seen, evidence.score[source], 0.0)
        state = np.where(is_seen, Visibility.VISIBLE, Visibility.OCCLUDED).astype(np.int8)
        return _Rows(owner[keep], frame[keep], xyxy[keep], score[keep], doubt[keep], state[keep])


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The rows of all tracks, track by track, in ascending frames."""

    track: Rows
    frame: Rows
    xyxy: Floats
    score: Floats
    uncertainty: Floats
    visibility: NDArray[np.int8]

    def moved(self, path: Floats) -> _Rows:
        """Return the rows moved by the camera's path, (frames, 2) pixels."""
        return replace(self, xyxy=self.xyxy + np.tile(path[self.frame], 2))

    def on(self, axis: TimeAxis) -> _Rows:
        """Return the rows at frames that were looked at; `frame` becomes the row of the axis."""
        found = np.minimum(np.searchsorted(axis.position, self.frame), len(axis.position) - 1)
        rows = np.flatnonzero(axis.position[found] == self.frame)
        return _Rows(
            self.track[rows],
            found[rows],
            self.xyxy[rows],
            self.score[rows],
            self.uncertainty[rows],
            self.visibility[rows],
        )


def _maturity(chains: Chains) -> Floats:
    """Return (N,) how far each one's chain is from a chance find, 0 for a single detection to 1 from `_MATURE` on.

    What was seen for long seldom ends in plain view, so a link that continues it is likelier from the start.
    """
    label, count = chains.label()
    size = np.bincount(label, minlength=count)
    return np.asarray(np.minimum(np.log(size) / np.log(_MATURE), 1.0)[label], np.float64)


def _mean_by(chains: Chains, value: Floats) -> Floats:
    """Return (N,) the mean of `value` over each one's chain."""
    label, count = chains.label()
    size = np.bincount(label, minlength=count)
    return np.asarray((np.bincount(label, value, minlength=count) / size)[label], np.float64)


def _voted(class_id: NDArray[np.int32], score: Floats, track: Rows) -> NDArray[np.int32]:
    """Return (T,) the class with the greatest sum of scores in each track; the lower number on a tie."""
    classes, column = np.unique(class_id, return_inverse=True)
    votes = np.zeros((int(track[-1]) + 1, len(classes)))
    np.add.at(votes, (track, column), score + 1e-9)
    return np.asarray(classes[votes.argmax(axis=1)], np.int32)
