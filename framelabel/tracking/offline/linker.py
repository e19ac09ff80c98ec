"""Whole-clip association: the detections of a span in, tracks out.

1. The clip is surveyed (`survey`): safe links between neighbouring frames make tracklets, on which the camera's motion
   and the trust in scores are measured.
2. Safe links again, by trusted detections and under a steady camera; then passes over growing gaps join tracklets, each
   pass the optimal path cover (`path_cover`) under likelihood ratios that judge position and speed from both sides, by
   how objects move in this clip (`motion`). Long footage is linked in `windows`, under the same laws throughout.
3. Chains that are not objects, and doubles, are dropped (`reliability`, `selection`).
4. Gaps are filled, tracks smoothed, classes voted, uncertainty stated (`filling`, `smoothing`).

Every step is linear in the length of the clip for a given density of objects, and deterministic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.tracks import Track
from framelabel.tracking.appearance import Looks
from framelabel.tracking.offline.borders import Borders
from framelabel.tracking.offline.chains import Chains
from framelabel.tracking.offline.evidence import Evidence, gather
from framelabel.tracking.offline.filling import Filling
from framelabel.tracking.offline.linking import Law, Pass, link
from framelabel.tracking.offline.looks import Gallery
from framelabel.tracking.offline.motion import Motion, measure
from framelabel.tracking.offline.reliability import Trust, log_odds
from framelabel.tracking.offline.selection import doubles
from framelabel.tracking.offline.survey import Part, survey
from framelabel.tracking.offline.time_axis import TimeAxis
from framelabel.tracking.offline.windows import Joined, Window, windows

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
_MATURE = 16.0
"""Detections of a chain that nobody doubts."""
_SAFE_ROUNDS = 3


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
    least_boxes: int = setting(4, help="tracks with fewer detections are dropped as flicker")
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
    VERSION = 1
    """Part of a run's name; a higher one with every change of what the same boxes give."""

    def __init__(
        self, options: OfflineOptions | None = None, *, fps: float = 0.0, frame_size: tuple[int, int] = (0, 0)
    ) -> None:
        """Keep the options; `fps` is what `link` uses when it is given none; boxes end at a frame of known size."""
        self._options = options or OfflineOptions()
        self._law = Law(self._options.freedom, self._options.reach, self._options.class_price)
        self._fps = fps
        self._frame_size = frame_size

    def link(
        self,
        frames: Sequence[int],
        boxes: Sequence[Boxes],
        fps: float = 0.0,
        *,
        looks: Looks | None = None,
        camera: Floats | None = None,
        cuts: Sequence[int] = (),
    ) -> list[Track]:
        """Return the tracks through `boxes[k]` of frame ordinal `frames[k]`, numbered from 1 by first appearance.

        Args:
            frames: ordinals; some may be missing, in any order.
            boxes: of each frame.
            fps: the rate of the ordinals.
            looks: what detections look like, for links over gaps.
            camera: (len(frames), 2) pixels by which the picture has moved at each of them, where somebody has seen
                it; found from the boxes otherwise.
            cuts: ordinals of frames with which a new shot begins; no track runs over one.

        Raises:
            UsageError: a frame comes twice, the rate is not positive, or `camera` does not match the frames.
        """
        rate = self._rate(fps)
        axis = self._axis(frames, rate, cuts)
        evidence = gather(axis, frames, boxes)
        seen = None if camera is None else axis.spread(frames, camera)
        return self._linked(axis, lambda low, high: evidence.select(evidence.between(low, high)), rate, looks, seen)

    def link_windows(
        self,
        frames: Sequence[int],
        read: Callable[[Sequence[int]], Iterable[Boxes]],
        fps: float = 0.0,
        *,
        window: int,
        overlap: int,
        looks: Looks | None = None,
        camera: Floats | None = None,
        cuts: Sequence[int] = (),
    ) -> list[Track]:
        """Return the tracks that `link` gives, but hold the boxes of one window at a time.

        Detections are read twice: once to survey the clip, once to link it. Boxes as they are linked, without what
        belongs to them, are kept until the tracks are made.

        Args:
            frames: ordinals, ascending.
            read: gives the boxes of each of some frames.
            fps: the rate of the ordinals.
            window: frames linked at a time, at least; more than twice the overlap are taken.
            overlap: frames that two windows share, at least; more are taken where the gaps to be bridged ask for it.
            looks: see `link`; rows count in the boxes of all frames.
            camera: see `link`.
            cuts: see `link`.

        Raises:
            UsageError: as `link`.
        """
        rate = self._rate(fps)
        axis = self._axis(frames, rate, cuts)
        overlap = max(overlap, 2 * round(self._options.longest_gap_s * rate / axis.step) + 2)
        window = max(window, 2 * overlap + 1)
        first_row = np.zeros(len(axis.ordinal) + 1, np.int64)

        def part(low: int, high: int) -> Evidence:
            begin, end = np.searchsorted(axis.position, [low, high]).tolist()
            some = axis.ordinal[begin:end].tolist()
            boxes = list(read(some))
            # the survey goes through the clip in order, so that what comes before is always known
            first_row[begin + 1 : end + 1] = first_row[begin] + np.cumsum([len(each) for each in boxes])
            return gather(axis, some, boxes, int(first_row[begin]))

        seen = None if camera is None else axis.spread(frames, camera)
        return self._linked(axis, part, rate, looks, seen, (window, overlap))

    def _rate(self, fps: float) -> float:
        rate = fps or self._fps
        if not rate > 0:
            msg = f"fps must be positive, got {rate}"
            raise UsageError(msg)
        return rate

    def _axis(self, frames: Sequence[int], fps: float, cuts: Sequence[int]) -> TimeAxis:
        """Lay out the frames; over a cut the silence is longer than any that is bridged."""
        axis = TimeAxis.of(frames)
        return axis.parted(cuts, _longest(self._options.longest_gap_s, fps / axis.step)) if len(cuts) else axis

    def _linked(
        self,
        axis: TimeAxis,
        part: Part,
        fps: float,
        looks: Looks | None,
        camera: Floats | None,
        parted: tuple[int, int] | None = None,
    ) -> list[Track]:
        """Survey and link a clip; `parted` is how long windows are and what they share, None for all at once."""
        positions = int(axis.position[-1]) + 1 if len(axis.position) else 0
        fps /= axis.step
        spans = list(windows(positions, *parted)) if parted else []
        known = survey(part, positions, lambda block: self._tracklets(block, fps), fps, camera)
        if known is None:
            return []
        has_looks = looks is not None and len(looks.row) > 0
        gallery = Gallery.of(looks, known.sample, known.tracklets) if looks is not None and has_looks else None
        chains, motions = self._chain(known.sample, known.trust, fps, gallery)
        evidence = known.sample
        if len(spans) > 1 or not known.is_whole:
            joined = Joined()
            for span in spans or [Window(0, positions, 0, positions)]:
                some = part(span.start, span.stop).moved(-known.camera)
                mine = gallery.at(looks, some) if gallery is not None and looks is not None else None
                joined.add(some, self._chain(some, known.trust, fps, mine, motions)[0], span)
            evidence, chains = joined.whole()
        return self._tracks(evidence, known.camera, chains, motions[-1], known.trust, fps, axis)

    def _tracklets(self, evidence: Evidence, fps: float) -> Chains:
        """Link what lies in neighbouring frames and has no rival, knowing nothing yet of camera, motion and scores."""
        chains, motion = Chains(len(evidence)), Motion.expected(fps)
        for _ in range(_SAFE_ROUNDS):
            link(evidence, chains, motion, self._safe(fps), self._law)
            motion = self._measured(evidence, chains, fps)
        return chains

    def _chain(
        self,
        evidence: Evidence,
        trust: Trust,
        fps: float,
        gallery: Gallery | None,
        known: Sequence[Motion] | None = None,
    ) -> tuple[Chains, Sequence[Motion]]:
        """Link detections into chains.

        Args:
            evidence: as a steady camera would have seen it.
            trust: in scores, in this clip.
            fps: positions on the time axis per second.
            gallery: what looks are worth.
            known: motion before each pass and after the last, where it was measured before; measured on the way
                otherwise.

        Returns:
            The chains, and the motions.
        """
        options = self._options
        gaps = [gap for gap in _GAPS_S if gap < options.longest_gap_s] + [options.longest_gap_s]
        passes = [self._safe(fps)] * _SAFE_ROUNDS
        passes += [Pass(_longest(gap, fps), options.link_bar, options.gap_price, _GAP_UNIT_S * fps) for gap in gaps]
        trusted = trust.of(evidence.score)
        alone = -options.doubt_price * np.log(trust.relative(trusted))
        chains, motions = Chains(len(evidence)), [Motion.expected(fps)]
        for number, step in enumerate(passes):
            is_safe = number < _SAFE_ROUNDS
            motion = motions[-1] if known is None else known[number]
            doubt = (
                (alone, alone)
                if is_safe
                else (
                    self._doubt(trust, trusted, chains, chains.before),
                    self._doubt(trust, trusted, chains, chains.after),
                )
            )
            link(evidence, chains, motion, step, self._law, doubt, None if is_safe else gallery)
            if known is None:
                motions.append(self._measured(evidence, chains, fps))
        return chains, known or motions

    def _doubt(self, trust: Trust, trusted: Floats, chains: Chains, behind: Rows) -> Floats:
        """Return (N,) what a link loses for the chain behind the detection that it joins, by trust and length.

        What was seen for long seldom ends in plain view, so a link that continues it is likelier from the start.
        """
        total, count = chains.near(trusted, behind)
        maturity = np.minimum(np.log(count) / np.log(_MATURE), 1.0)
        doubt = -self._options.doubt_price * np.log(trust.relative(total / count))
        return np.asarray(doubt - self._options.length_worth * maturity, np.float64)

    def _safe(self, fps: float) -> Pass:
        return Pass(1, _SAFE_BAR, self._options.gap_price, _GAP_UNIT_S * fps, self._options.safe_margin)

    def _measured(self, evidence: Evidence, chains: Chains, fps: float) -> Motion:
        return measure(
            evidence.xyxy,
            evidence.size,
            evidence.frame,
            chains,
            prior=Motion.usual(fps),
            fps=fps,
            weight=_PRIOR_WEIGHT,
        )

    def _tracks(
        self,
        evidence: Evidence,
        camera: Floats,
        chains: Chains,
        motion: Motion,
        trust: Trust,
        fps: float,
        axis: TimeAxis,
    ) -> list[Track]:
        """Choose the chains that are objects and make tracks of them."""
        options = self._options
        trusted = trust.relative(trust.of(evidence.score))
        label, count = chains.label()
        odds = log_odds(evidence.score, trusted, label, count, len(axis.ordinal))
        boxes = np.bincount(label, minlength=count)
        keep = (odds > options.object_bar) & (boxes >= min(options.least_boxes, int(evidence.frame.max()) + 1))
        if not keep.any():
            return []
        rows = np.flatnonzero(keep[label])
        rows = rows[np.lexsort((evidence.frame[rows], label[rows]))]
        track = np.cumsum(keep)[label[rows]] - 1
        mine = evidence.select(rows)
        borders = Borders.of(mine.moved(camera).xyxy, self._frame_size)
        filling = Filling(motion, float(np.median(mine.size)), options.fill_s * fps, options.smoothing)
        table = filling.rows(mine, track, camera, borders).on(axis)
        worth = np.bincount(track, trusted[rows]).astype(np.float64)
        twice = doubles(table.frame, table.xyxy, table.track, worth, iou=options.double_iou, share=options.double_share)
        classes = _voted(mine.class_id, mine.score, track)
        bounds = np.searchsorted(table.track, np.arange(len(worth) + 1))
        kept = np.flatnonzero(~twice & (np.diff(bounds) > 0))
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


def _longest(gap_s: float, fps: float) -> int:
    """Return how many positions lie between the two sides of the longest link over a gap."""
    return max(2, round(gap_s * fps))


def _voted(class_id: NDArray[np.int32], score: Floats, track: Rows) -> NDArray[np.int32]:
    """Return (T,) the class with the greatest sum of scores in each track; the lower number on a tie."""
    classes, column = np.unique(class_id, return_inverse=True)
    votes = np.zeros((int(track[-1]) + 1, len(classes)))
    np.add.at(votes, (track, column), score + 1e-9)
    return np.asarray(classes[votes.argmax(axis=1)], np.int32)
