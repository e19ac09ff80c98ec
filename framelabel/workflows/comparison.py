"""Two sets of labels brought together for scoring: same videos, same classes, the rules of their benchmark applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from framelabel.core.catalog import did_you_mean
from framelabel.core.errors import UsageError
from framelabel.core.labels import Flag, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.videos import Video
from framelabel.metrics.challenges import (
    KITTI_TYPES,
    KittiTruth,
    MotEdition,
    excused,
    kitti,
    mot_challenge,
)
from framelabel.metrics.observations import Observations

RULES = ("auto", "plain", "ignore", "mot15", "mot17", "mot20", "kitti")
_MOT_ONLY = {"static person", "distractor", "reflection", "person on vehicle"}
_MOT_NUMBERS = {
    name: number
    for number, name in enumerate(
        (
            "pedestrian",
            "person on vehicle",
            "car",
            "bicycle",
            "motorbike",
            "non motorized vehicle",
            "static person",
            "distractor",
            "occluder",
            "occluder on the ground",
            "occluder full",
            "reflection",
        ),
        start=1,
    )
}
_MOT_EDITIONS = {"mot15": MotEdition.MOT15, "mot17": MotEdition.MOT16, "mot20": MotEdition.MOT20}


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPair:
    """One class of one video, ready to be scored."""

    video: Video
    class_name: str
    truth: Observations
    prediction: Observations
    frame_count: int
    """Frames that were scored."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What there is to score."""

    pairs: tuple[ScoredPair, ...]
    class_names: tuple[str, ...]
    rules: str
    notes: tuple[str, ...]
    """What was left out, one line each."""


def rename_classes(labels: Labels, names: Mapping[str, str]) -> Labels:
    """Return labels whose classes go by other names; two classes may become one.

    Raises:
        UsageError: the labels have no such class.
    """
    for name in names:
        if name not in labels.ontology:
            hint = did_you_mean(name, labels.ontology.names)
            raise UsageError(f"--map {name}={names[name]}: the prediction has no class '{name}'.{hint}")
    wanted = [names.get(name, name) for name in labels.ontology.names]
    ontology = Ontology.of(dict.fromkeys(wanted))
    numbers = np.array([ontology.id_of(name) for name in wanted] or [0], np.int32)
    return replace(labels, ontology=ontology, class_id=numbers[labels.class_id])


def compare(truth: Labels, prediction: Labels, rules: str = "auto") -> Comparison:
    """Bring truth and prediction together, video by video and class by class.

    Videos are matched by name, or the only one with the only one. Only frames that the truth lists are scored.

    Raises:
        UsageError: no video in common.
    """
    chosen = _rules_for(truth) if rules == "auto" else rules
    notes: list[str] = []
    ontology = truth.ontology.merged(prediction.ontology)
    numbers = np.array([ontology.id_of(name) for name in prediction.ontology.names] or [0], np.int32)
    pairs: list[ScoredPair] = []
    for row, other in _same_videos(truth, prediction, notes):
        frames = truth.frames.index[truth.frames.video == row]
        true_rows = np.flatnonzero(truth.frames.video[truth.frame] == row)
        real = Observations.of_video(truth, row)
        if other is None:
            found = real.select(np.zeros(len(real), np.bool_))
        else:
            found = Observations.of_video(prediction, other)
            found = replace(found, class_id=numbers[found.class_id])
        inside = np.isin(found.frame, frames)
        if not inside.all():
            notes.append(
                f"{truth.videos[row].name}: {int((~inside).sum())} predictions in frames without truth left out"
            )
        scored = _scored(truth, true_rows, real, found.select(inside), ontology, chosen)
        pairs += [ScoredPair(truth.videos[row], name, first, second, len(frames)) for name, first, second in scored]
    names = tuple(dict.fromkeys(pair.class_name for pair in pairs))
    return Comparison(tuple(pairs), names, chosen, tuple(notes))


def _rules_for(truth: Labels) -> str:
    names = set(truth.ontology.names)
    if names & _MOT_ONLY:
        return "mot17"
    if "DontCare" in names:
        return "kitti"
    return "ignore" if bool((truth.flags & int(Flag.IGNORED | Flag.CROWD)).any()) else "plain"


def _same_videos(truth: Labels, prediction: Labels, notes: list[str]) -> list[tuple[int, int | None]]:
    """Return (row of truth, row of prediction or None) of every video of the truth."""
    if len(truth.videos) == 1 and len(prediction.videos) == 1:
        return [(0, 0)]
    rows = {video.name: row for row, video in enumerate(prediction.videos)}
    matched = [(row, rows.get(video.name)) for row, video in enumerate(truth.videos)]
    if all(other is None for _, other in matched):
        theirs = ", ".join(video.name for video in truth.videos[:5]) or "none"
        ours = ", ".join(video.name for video in prediction.videos[:5]) or "none"
        raise UsageError(f"no video in common: the truth has {theirs}; the prediction has {ours}")
    lacking = [truth.videos[row].name for row, other in matched if other is None]
    if lacking:
        notes.append(f"no prediction for {', '.join(lacking)}: everything there counts as missed")
    extra = set(rows) - {video.name for video in truth.videos}
    if extra:
        notes.append(f"no truth for {', '.join(sorted(extra))}: left out")
    return matched


def _scored(
    truth: Labels, rows: NDArray[np.int64], real: Observations, found: Observations, ontology: Ontology, rules: str
) -> list[tuple[str, Observations, Observations]]:
    """Return (class name, truth, prediction) of one video after its rules; all rows have class 0 to C-1."""
    ignored = (truth.flags[rows] & int(Flag.IGNORED | Flag.CROWD)) != 0
    if rules in _MOT_EDITIONS:
        numbers = np.array([_MOT_NUMBERS.get(name, 0) for name in ontology.names] or [0], np.int32)
        first = replace(real, class_id=numbers[real.class_id], score=np.where(ignored, 0.0, 1.0))
        first, second = mot_challenge(first, found, _MOT_EDITIONS[rules])
        return [("pedestrian", _of_class(first, 0), _of_class(second, 0))]
    if rules == "kitti":
        return _scored_as_kitti(truth, rows, real, found, ontology)
    if rules == "ignore":
        real, found = excused(real, ignored, found)
    scored = []
    for number in np.union1d(real.class_id, found.class_id).tolist():
        first, second = (side.select(side.class_id == number) for side in (real, found))
        scored.append((ontology.names[number], first, second))
    return scored


def _scored_as_kitti(
    truth: Labels, rows: NDArray[np.int64], real: Observations, found: Observations, ontology: Ontology
) -> list[tuple[str, Observations, Observations]]:
    known = {name.lower(): number for number, name in enumerate(KITTI_TYPES)}
    known["person_sitting"] = known["person"]
    numbers = np.array([known.get(name.lower(), known["misc"]) for name in ontology.names] or [0], np.int32)
    levels = np.zeros((len(rows), 2), np.int64)
    for place, row in enumerate(rows.tolist()):
        values, flags = truth.attributes.get(row, {}), int(truth.flags[row])
        levels[place] = (
            int(values.get("truncation", bool(flags & Flag.TRUNCATED))),
            int(values.get("occlusion", bool(flags & Flag.OCCLUDED))),
        )
    whole = KittiTruth(replace(real, class_id=numbers[real.class_id]), levels[:, 0], levels[:, 1])
    given = replace(found, class_id=numbers[found.class_id])
    scored = []
    for kind in ("Car", "Pedestrian", "Cyclist"):
        first, second = kitti(whole, given, kind)
        if len(first) or len(second):
            scored.append((kind, first, second))
    return scored


def _of_class(side: Observations, number: int) -> Observations:
    return replace(side, class_id=np.full(len(side), number, np.int32))


def joined(pairs: Sequence[ScoredPair], class_names: Sequence[str]) -> tuple[Observations, Observations]:
    """Return truth and prediction of all videos and classes as one: frames and identities made unique."""
    sides: list[list[Observations]] = [[], []]
    videos = {pair.video.name: number for number, pair in enumerate(pairs)}
    for pair in pairs:
        for side, boxes in zip(sides, (pair.truth, pair.prediction), strict=True):
            number = class_names.index(pair.class_name)
            frame = boxes.frame + (videos[pair.video.name] << 40)
            side.append(replace(_of_class(boxes, number), frame=frame))
    return _concatenated(sides[0]), _concatenated(sides[1])


def _concatenated(parts: Sequence[Observations]) -> Observations:
    return Observations.of(
        np.concatenate([np.zeros(0, np.int64), *(part.frame for part in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(part.track_id for part in parts)]),
        np.concatenate([np.zeros((0, 4)), *(part.xyxy for part in parts)]),
        np.concatenate([np.zeros(0, np.int32), *(part.class_id for part in parts)]),
        np.concatenate([np.zeros(0), *(part.score for part in parts)]),
    )
