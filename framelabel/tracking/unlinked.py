"""No tracking: pictures that have nothing to do with each other, in which every detection is an object of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from framelabel.core.boxes import Boxes
from framelabel.core.config import setting
from framelabel.core.tracks import Track


@dataclass(frozen=True, slots=True)
class UnlinkedOptions:
    """What becomes a label."""

    least_score: float = setting(0.25, help="detections that score less stay candidates and become no label")


class Unlinked:
    """Gives each detection a track of one frame, so that review, rules and exports treat it as they treat any other."""

    Options = UnlinkedOptions
    VERSION = 1
    """Part of a run's name; a higher one with every change of what the same boxes give."""

    def __init__(
        self,
        options: UnlinkedOptions | None = None,
        *,
        fps: float = 0.0,  # noqa: ARG002 - every tracker takes both
        frame_size: tuple[int, int] = (0, 0),  # noqa: ARG002
    ) -> None:
        """Take the options; rate and size do not matter to single pictures."""
        self.options = options or UnlinkedOptions()

    def link(self, frames: Sequence[int], boxes: Sequence[Boxes], fps: float = 0.0) -> list[Track]:  # noqa: ARG002
        """Return one track for each detection that is sure enough, by frame, then as detected."""
        tracks: list[Track] = []
        for frame, found in zip(frames, boxes, strict=True):
            for row in np.flatnonzero(found.score >= self.options.least_score).tolist():
                score = found.score[row : row + 1]
                tracks.append(
                    Track.of(
                        len(tracks) + 1,
                        np.array([frame]),
                        found.xyxy[row : row + 1],
                        class_id=int(found.class_id[row]),
                        score=score,
                        uncertainty=1.0 - score,
                    )
                )
        return tracks
