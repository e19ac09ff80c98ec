"""The pixel half of the effort benchmark: a simulated annotator on clips with one object each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import Span
from framelabel.core.geometry import paired_iou
from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.propagation.evidence import Evidence
from framelabel.tracking.propagation.protocol import SiameseNetwork
from framelabel.tracking.propagation.suggestion import next_of
from framelabel.tracking.propagation.visual import VisualPropagator
from tests.benchmarks.effort_footage import Sequence
from tests.benchmarks.effort_goals import Goal, Part

Floats = NDArray[np.float64]

RIGHT = 0.7
"""A box with this IoU is right."""
STOP = 0.95
"""Share of right boxes at which the annotator stops."""
CAP = 1.0
"""The annotator gives up after drawing this share of all boxes."""

Order = Callable[["Annotator"], int]


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """How one simulated session went."""

    boxes: int
    """Drawn by the human."""
    shares: tuple[float, ...]
    """Share of right boxes after each box."""
    overlap: Floats
    """IoU of every filled box after every step."""
    expected: Floats
    """What the tool expected of the same boxes."""

    @property
    def worst_drop(self) -> float:
        """Largest loss of right boxes caused by one more human box."""
        return max([0.0, *(before - after for before, after in zip(self.shares, self.shares[1:], strict=False))])


class Annotator:
    """Draws the first and last box of each visible run, then one box at a time where `order` says.

    As on the review page, a further box has the frames up to its neighbours solved again; the others stay.
    """

    def __init__(self, sequence: Sequence, tool: VisualPropagator | None) -> None:
        self.sequence = sequence
        self.tool = tool
        self.keys = {frame for run in sequence.runs() for frame in run}
        self.paths: list[Track] = []
        """What the tool says of each visible run."""
        self.overlap = np.zeros(len(sequence.truth))
        self._solved: set[int] = set()

    def track(self, start: int = 0, stop: int | None = None) -> Track:
        """Return the human boxes so far from frame `start` to frame `stop`, inclusive."""
        last = len(self.sequence.truth) if stop is None else stop
        frame = np.array([key for key in sorted(self.keys) if start <= key <= last], np.int64)
        return Track.of(1, frame, self.sequence.truth[frame], is_keyframe=np.ones(len(frame), np.bool_))

    def solve(self) -> float:
        """Ask the tool (or interpolate) and return the share of right boxes."""
        truth, present = self.sequence.truth, self.sequence.is_present
        self.overlap = np.zeros(len(truth))
        if self.tool is None:
            predicted = linear(self.track(), len(truth))
            self.overlap[present] = paired_iou(predicted[present], truth[present])
            return float((self.overlap[present] >= RIGHT).mean())
        runs = self.sequence.runs()
        if not self.paths:
            self.paths = [self.tool.propagate(self.track(*run), Span(run[0], run[1] + 1)) for run in runs]
        for number, (start, stop) in enumerate(runs):
            for key in sorted(self.keys - self._solved):
                if start < key < stop:
                    self.paths[number] = self._around(self.tool, self.paths[number], key)
        self._solved = set(self.keys)
        for path in self.paths:
            given = path.frame[path.is_present]
            self.overlap[given] = paired_iou(path.xyxy[path.is_present], truth[given])
        return float((self.overlap[present] >= RIGHT).mean())

    def _around(self, tool: VisualPropagator, path: Track, key: int) -> Track:
        """Return the path of a run after a new box at frame `key`."""
        keys = self.track(int(path.frame[0]), int(path.frame[-1]))
        row = int(np.searchsorted(keys.frame, key))
        span = Span(int(keys.frame[row - 1]), int(keys.frame[row + 1]) + 1)
        part = tool.propagate(keys, span)
        rows = part.frame - path.frame[0]
        columns = {}
        for name in ("xyxy", "is_keyframe", "uncertainty", "visibility", "score"):
            columns[name] = getattr(path, name).copy()
            columns[name][rows] = getattr(part, name)
        return replace(path, **columns)

    def run(self, order: Order) -> Session:
        """Label until enough boxes are right."""
        shares, overlaps, expected = [], [], []
        total = int(self.sequence.is_present.sum())
        while True:
            shares.append(self.solve())
            for path in self.paths:
                filled = (path.visibility != Visibility.ABSENT) & ~path.is_keyframe
                overlaps.append(self.overlap[path.frame[filled]])
                expected.append(1 - path.uncertainty[filled])
            if shares[-1] >= STOP or len(self.keys) >= CAP * total:
                break
            self.keys.add(order(self))
        joined = [np.concatenate(parts) if parts else np.zeros(0) for parts in (overlaps, expected)]
        return Session(len(self.keys), tuple(shares), joined[0], joined[1])


def linear(keyframes: Track, count: int) -> Floats:
    """Return (N, 4) boxes interpolated side by side, as CVAT does."""
    frame = np.arange(count)
    return np.stack([np.interp(frame, keyframes.frame, keyframes.xyxy[:, side]) for side in range(4)], axis=1)


def bisect(annotator: Annotator) -> int:
    """Choose the middle of the longest gap."""
    gaps = []
    for start, stop in annotator.sequence.runs():
        keys = [key for key in sorted(annotator.keys) if start <= key <= stop]
        gaps += [(after - before, -before) for before, after in pairwise(keys)]
    length, start = max(gaps)
    return -start + length // 2


def suggested(annotator: Annotator) -> int:
    """Choose what the tool suggests, as the review page and `framelabel propagate --suggest` do."""
    found = [item for path in annotator.paths if (item := next_of(path)) is not None]
    return max(found, key=lambda item: item.gain).frame if found else bisect(annotator)


def oracle(annotator: Annotator) -> int:
    """Choose the middle of the longest stretch of wrong boxes (knows the truth)."""
    wrong = annotator.sequence.is_present & (annotator.overlap < RIGHT)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], wrong.astype(np.int8), [0]]))).reshape(-1, 2)
    start, stop = edges[int(np.argmax(edges[:, 1] - edges[:, 0]))]
    return int(start + stop - 1) // 2


ORDERS: dict[str, Order] = {"bisect": bisect, "suggested": suggested, "oracle": oracle}


def measure(sequence: Sequence, network: SiameseNetwork) -> dict[str, Session]:
    """Run every order on one sequence; what the network has seen is shared, the human boxes are not."""
    clip = sequence.open()
    evidence = Evidence(clip.size, 25.0, len(clip.index), reader=clip, network=network)
    tool = VisualPropagator(VisualPropagator.Options(), evidence)
    found = {"linear bisect": Annotator(sequence, None).run(bisect)}
    for name, order in ORDERS.items():
        found[name] = Annotator(sequence, tool).run(order)
    return found


def run(sequences: list[Sequence], network: SiameseNetwork, report: Callable[[str], None]) -> Part:
    """Measure all sequences and judge the goals; `report` hears a line for each."""
    sessions: dict[str, dict[str, Session]] = {}
    for sequence in sequences:
        begun = time.perf_counter()
        sessions[sequence.name] = measure(sequence, network)
        report(f"{_row(sequence, sessions[sequence.name])} ({time.perf_counter() - begun:.0f} s)")
    return judged(sequences, sessions)


def judged(sequences: list[Sequence], sessions: dict[str, dict[str, Session]]) -> Part:
    """Put measured sessions into a table and hold them against the goals."""
    table = [
        "| set | sequence | boxes | linear + bisect | bisect | **suggested** | oracle order | worst drop |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(sequence, sessions[sequence.name]) for sequence in sequences),
    ]
    goals: list[Goal] = []
    numbers: dict[str, object] = {}
    for title, is_tuning, target in (("tuning", True, 3.0), ("held-out", False, 5.0)):
        chosen = [sequence for sequence in sequences if sequence.is_tuning == is_tuning]
        if not chosen:
            continue
        pooled = {name: pooled_cost(chosen, sessions, name) for name in ("linear bisect", *ORDERS)}
        cells = " | ".join(f"{pooled[name]:.2f}" for name in ("linear bisect", "bisect", "suggested", "oracle"))
        total = sum(int(sequence.is_present.sum()) for sequence in chosen)
        table.append(f"| {title} | **pooled** | {total} | {cells} | |")
        numbers[title] = pooled
        goals.append(Goal(f"{title}: boxes per 100, suggested", pooled["suggested"], target))
        goals.append(Goal(f"{title}: suggested against bisect", pooled["suggested"] / pooled["bisect"], 0.75))
    return Part("pixels", tuple(table), (*goals, *_common_goals(sequences, sessions)), numbers)


def pooled_cost(sequences: list[Sequence], sessions: dict[str, dict[str, Session]], order: str) -> float:
    """Return boxes drawn per 100 ground-truth boxes over several sequences."""
    drawn = sum(sessions[sequence.name][order].boxes for sequence in sequences)
    return 100.0 * drawn / sum(int(sequence.is_present.sum()) for sequence in sequences)


def _row(sequence: Sequence, found: dict[str, Session]) -> str:
    total = int(sequence.is_present.sum())
    cells = " | ".join(f"{100 * found[name].boxes / total:.2f}" for name in ("linear bisect", *ORDERS))
    kind = "tune" if sequence.is_tuning else "held"
    return f"| {kind} | {sequence.name} | {total} | {cells} | {found['suggested'].worst_drop:.3f} |"


def _common_goals(sequences: list[Sequence], sessions: dict[str, dict[str, Session]]) -> list[Goal]:
    drop = max(sessions[sequence.name]["suggested"].worst_drop for sequence in sequences)
    dearer = sum(found["suggested"].boxes > found["linear bisect"].boxes for found in sessions.values())
    overlap = np.concatenate([found["suggested"].overlap for found in sessions.values()])
    expected = np.concatenate([found["suggested"].expected for found in sessions.values()])
    return [
        Goal("share of right boxes lost by one more box", drop, 0.01),
        Goal("sequences that need more boxes than linear + bisect", dearer, 0),
        Goal("expected against measured IoU, worst decile", calibration_gap(expected, overlap), 0.05),
        Goal("AUC of 'IoU < 0.7'", auc(1 - expected, overlap < RIGHT), 0.85, at_most=False),
    ]


def calibration_gap(expected: Floats, measured: Floats) -> float:
    """Return the largest difference of the means within a decile of `expected`."""
    order = np.argsort(expected, kind="stable")
    return float(max(abs(expected[part].mean() - measured[part].mean()) for part in np.array_split(order, 10)))


def auc(score: Floats, is_positive: NDArray[np.bool_]) -> float:
    """Return the chance that a positive scores higher than a negative (ties count half)."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(is_positive.sum())
    negatives = len(score) - positives
    if positives == 0 or negatives == 0:
        return 1.0
    return float((rank[is_positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))
