"""Several people's labels of the same video: how alike they are, and one set out of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.boxes import NO_TRACK
from framelabel.core.frames import Span
from framelabel.core.labels import Flag
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.metrics.matching import overlap
from framelabel.metrics.observations import Observations
from framelabel.metrics.timeline import timeline
from framelabel.metrics.tracking import score_tracks
from framelabel.review.consensus.tracks import TrackConsensus, merge_tracks
from framelabel.store import annotations as facts
from framelabel.store import tracks as track_table
from framelabel.store.edits import Edit
from framelabel.store.project import Connection, Project

_PEOPLE = {Origin.HUMAN, Origin.IMPORT}
_Places = dict[tuple[int, int], Annotation]
"""(track id, frame) -> the annotator's box there."""


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """Two annotators who labelled the same video; all figures are the same seen from either side."""

    video: str
    first: str
    second: str
    boxes: tuple[int, int]
    f1: float
    """Boxes of both that overlap by half, over all."""
    mean_overlap: float
    """Of those boxes; NaN without any."""
    idf1: float
    """Boxes that also agree in identity, over all."""


def label_agreements(project: Project) -> list[LabelAgreement]:
    """Compare every two annotators who labelled the same video."""
    found = []
    for video in project.videos():
        per_author = _by_author(project, video)
        for first, second in combinations(sorted(per_author), 2):
            one, two = (_observations(per_author[name]) for name in (first, second))
            frames = np.intersect1d(one.frame, two.frame)
            if len(frames) == 0:
                continue
            low, high = max(one.frame.min(), two.frame.min()), min(one.frame.max(), two.frame.max())
            one, two = (side.select((side.frame >= low) & (side.frame <= high)) for side in (one, two))
            pairs = overlap(one, two, int(high - low) + 1)
            score = score_tracks(pairs)
            total = max(len(one) + len(two), 1)
            overlaps = timeline(pairs).mean_overlap
            mean = score.clear.overlap / score.clear.tp if score.clear.tp else float("nan")
            sizes = (len(one), len(two))
            if len(overlaps):
                found.append(
                    LabelAgreement(
                        video.name, first, second, sizes, 2 * score.clear.tp / total, mean, score.identity.idf1
                    )
                )
    return found


def merge_annotators(project: Project, report: Reporter = SILENT) -> int:
    """Replace the labels of several annotators of a video by their consensus; return the number of merged tracks.

    Originals stay in the history and every merged box names them as its parents. Each video is one step of undo of
    the author "consensus". Frames that only some of them worked on are left as they are.
    """
    count = 0
    for video in project.videos():
        per_author = _by_author(project, video)
        if len(per_author) < 2:
            continue
        names = sorted(per_author)
        low = max(min(frame for _, frame in per_author[name]) for name in names)
        high = min(max(frame for _, frame in per_author[name]) for name in names)
        if low > high:
            report.note(f"{video.name}: its annotators worked on different frames; nothing to merge")
            continue
        span = Span(low, high + 1)
        given = [_tracks(per_author[name], span) for name in names]
        merged = merge_tracks(given, frames=np.arange(span.start, span.stop))
        _write(project, video, span, [per_author[name] for name in names], merged)
        count += len(merged.tracks)
    return count


def _by_author(project: Project, video: Video) -> dict[str, _Places]:
    """Return the current boxes that people made, by author; a box without identity is a track of its own."""
    found: dict[str, _Places] = defaultdict(dict)
    for item in project.annotations(video.id):
        if item.provenance.origin in _PEOPLE and item.class_id >= 0:
            track = item.track_id if item.track_id != NO_TRACK else -item.id - 1
            found[item.provenance.author][track, item.frame] = item
    return found


def _observations(places: Mapping[tuple[int, int], Annotation]) -> Observations:
    return Observations.of(
        [frame for _, frame in places],
        [track for track, _ in places],
        np.array([item.xyxy for item in places.values()]).reshape(-1, 4),
    )


def _tracks(places: _Places, span: Span) -> list[Track]:
    """Return an annotator's boxes inside a span as tracks."""
    per_track: dict[int, list[Annotation]] = defaultdict(list)
    for (track, frame), item in sorted(places.items()):
        if frame in span:
            per_track[track].append(item)
    return [
        Track.of(
            track,
            np.array([item.frame for item in items]),
            np.array([item.xyxy for item in items]),
            class_id=items[-1].class_id,
            visibility=np.array([int(item.visibility) for item in items]),
        )
        for track, items in per_track.items()
    ]


def _write(project: Project, video: Video, span: Span, given: Sequence[_Places], merged: TrackConsensus) -> None:
    source = Provenance(Origin.CONSENSUS, "consensus")
    first_id = project.next_track_id(video.id)
    new = []
    for track in merged.tracks:
        members = merged.parents[track.id]
        for frame, xyxy, score in zip(track.frame.tolist(), track.xyxy.tolist(), track.score.tolist(), strict=True):
            parents = tuple(
                places[number, frame].id
                for places, numbers in zip(given, members, strict=True)
                for number in sorted(numbers)
                if (number, frame) in places
            )
            new.append(
                Annotation(
                    video.id,
                    frame,
                    track.class_id,
                    (xyxy[0], xyxy[1], xyxy[2], xyxy[3]),
                    Provenance(Origin.CONSENSUS, "consensus", parents=parents),
                    first_id + track.id - 1,
                    score,
                    is_keyframe=True,
                    flags=Flag.NONE,
                )
            )
    old = [item.id for places in given for (_, frame), item in places.items() if frame in span]

    def change(connection: Connection) -> None:
        track_table.remove(connection, old, source)
        facts.append(connection, new)

    title = f"merge {len(given)} annotators of {video.name} into {len(merged.tracks)} tracks"
    project.edit(Edit(video.id, "consensus", title, span), change)
