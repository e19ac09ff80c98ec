"""BoT-SORT: ByteTrack with width and height in its filter, camera motion and appearance.

Aharon et al., "BoT-SORT: Robust Associations Multi-Pedestrian Tracking", 2022, with the published thresholds. Camera
motion and embeddings are optional arguments of `update`: without them it is ByteTrack with the better filter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.frames import FrameRef
from framelabel.tracking.appearance import cosine_distance, moving_average, normalised
from framelabel.tracking.box_motion import AspectMotion, SizeMotion
from framelabel.tracking.bytetrack import ByteTrack, ByteTrackOptions
from framelabel.tracking.camera_motion import warp_moments

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BotSortOptions(ByteTrackOptions):
    """Settings; the defaults are the published ones."""

    near_iou: float = setting(0.5, help="least overlap at which appearance is asked")
    alike: float = setting(0.25, help="greatest half cosine distance at which two boxes look alike")
    memory: float = setting(0.9, help="share of a track's appearance kept at each new box")


class BotSort(ByteTrack):
    """One video's tracker; see `framelabel.core.protocols.OnlineTracker`."""

    Options = BotSortOptions
    VERSION = 1
    """Part of a run's name; a higher one with every change of what the same boxes give."""
    _law: ClassVar[type[AspectMotion | SizeMotion]] = SizeMotion

    def __init__(self, options: BotSortOptions | None = None, *, fps: float, frame_size: tuple[int, int]) -> None:
        self._look = options or BotSortOptions()
        super().__init__(self._look, fps=fps, frame_size=frame_size)
        self._appearance: dict[int, Floats] = {}
        """(1, D) moving average per public id."""
        self._now: Floats = np.zeros((0, 0))

    def update(
        self,
        boxes: Boxes,
        ref: FrameRef,
        *,
        camera: Floats | None = None,
        embeddings: NDArray[np.floating] | None = None,
    ) -> Boxes:
        """Return the same rows with `track_id` filled; NO_TRACK where no track is confirmed.

        Args:
            boxes: the boxes of this frame.
            ref: its identity.
            camera: (2, 3) map from the previous picture's pixels to this one's, see `camera_motion`.
            embeddings: (N, D) appearance of each box; zero rows are unknown.

        Raises:
            UsageError: frames out of order or of another video, or embeddings that do not match the boxes.
        """
        if embeddings is not None and len(embeddings) != len(boxes):
            msg = f"frame {ref.index}: {len(embeddings)} embeddings for {len(boxes)} boxes; give one per box"
            raise UsageError(msg)
        if camera is not None:
            self._tracks.moments = warp_moments(self._tracks.moments, camera)
        self._now = np.zeros((0, 0)) if embeddings is None else normalised(embeddings)
        out = super().update(boxes, ref)
        if self._now.size:
            self._remember(out)
        return out

    def _first_similarity(self, fused: Floats, overlap: Floats) -> Floats:
        """Return the better of overlap and appearance, where appearance is asked of near boxes only."""
        if not self._now.size or not self._appearance:
            return fused
        unknown = np.zeros((1, self._now.shape[1]))
        known = np.concatenate([self._appearance.get(int(number), unknown) for number in self._tracks.id])
        half = cosine_distance(known, self._now[self._rows]) / 2
        asked = (half <= self._look.alike) & (overlap >= self._look.near_iou)
        return np.maximum(fused, np.where(asked, 1.0 - half, 0.0))

    def _remember(self, out: Boxes) -> None:
        """Blend the boxes that got an id into their track's appearance; forget tracks that are gone."""
        live = set(self._tracks.id.tolist())
        self._appearance = {number: look for number, look in self._appearance.items() if number in live}
        for row in np.flatnonzero(out.track_id != NO_TRACK):
            number, new = int(out.track_id[row]), self._now[row : row + 1]
            old = self._appearance.get(number, np.zeros_like(new))
            self._appearance[number] = moving_average(old, new, self._look.memory)
