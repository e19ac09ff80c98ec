"""Polygons, lines and points follow their box rigidly where nothing better is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from framelabel.core.annotations import Annotation, Provenance
from framelabel.core.frames import Span, VideoId
from framelabel.core.shapes import Mask, shifted
from framelabel.core.tracks import Track
from framelabel.store.project import Project


def carry_shapes(project: Project, video_id: VideoId, part: Track, provenance: Provenance) -> int:
    """Give the predicted boxes of a stored part the shape of the nearest keyframe that has one; return how many.

    Of two keyframes at equal distance the earlier one counts. Masks are not carried: scaling one is not exact.
    """
    if len(part) == 0:
        return 0
    keys = [
        fact
        for fact in project.annotations(video_id, None, [part.id])
        if fact.is_keyframe and fact.shape is not None and not isinstance(fact.shape, Mask)
    ]
    if not keys:
        return 0
    key_frames = np.array([fact.frame for fact in keys])
    span = Span(int(part.frame[0]), int(part.frame[-1]) + 1)
    carried: list[Annotation] = []
    for fact in project.annotations(video_id, span, [part.id]):
        if fact.is_keyframe or fact.provenance.origin != provenance.origin:
            continue
        source = keys[int(np.argmin(np.abs(key_frames - fact.frame)))]
        if source.shape is None:
            continue
        shape = shifted(source.shape, np.array(source.xyxy), np.array(fact.xyxy))
        carried.append(replace(fact, shape=shape, provenance=provenance, supersedes=fact.id, id=0))
    project.append(carried)
    return len(carried)
