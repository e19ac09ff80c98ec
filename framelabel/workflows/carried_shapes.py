"""What a person said of an object's keyframes holds between them: its shape follows the box, its attributes last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framelabel.core.annotations import Annotation
from framelabel.core.frames import VideoId
from framelabel.core.shapes import Mask, shifted
from framelabel.core.tracks import Track
from framelabel.store.project import Project
from framelabel.store.tracks import Detail


def keyframe_facts(project: Project, video_id: VideoId, track_id: int) -> list[Annotation]:
    """Return a track's human labels in order of time."""
    return [fact for fact in project.annotations(video_id, None, [track_id]) if fact.is_keyframe]


def carried(keys: Sequence[Annotation], part: Track) -> dict[int, Detail]:
    """Return attributes and shape by frame for the predicted boxes of a part.

    The shape is that of the nearest keyframe that has one, carried rigidly with the box (of two at equal distance the
    earlier; a mask has no exact image under scaling and is not carried). Attributes are those of the last keyframe
    before, or of the first one where there is none before.
    """
    drawn = [fact for fact in keys if fact.shape is not None and not isinstance(fact.shape, Mask)]
    told = [fact for fact in keys if fact.attributes]
    if not drawn and not told:
        return {}
    drawn_frames = np.array([fact.frame for fact in drawn])
    all_frames = np.array([fact.frame for fact in keys])
    found: dict[int, Detail] = {}
    for frame, box, is_key in zip(part.frame.tolist(), part.xyxy, part.is_keyframe, strict=True):
        if is_key:
            continue
        before = max(int(np.searchsorted(all_frames, frame, side="right")) - 1, 0)
        shape = None
        if drawn:
            source = drawn[int(np.argmin(np.abs(drawn_frames - frame)))]
            if source.shape is not None:
                shape = shifted(source.shape, np.array(source.xyxy), box)
        found[frame] = (keys[before].attributes, shape)
    return found
