"""Labels ordered by track, the way the checks read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.geometry import paired_iou
from framelabel.core.labels import Flag, Labels

_DEFAULT_FPS = 25.0


@dataclass(frozen=True, eq=False)
class LabelRows:
    """Label rows sorted by video, track and frame; boxes without identity are each a group of their own."""

    video: NDArray[np.int32]
    """(N,) row of `Labels.videos`."""
    frame: NDArray[np.int64]
    """(N,) frame ordinal."""
    track_id: NDArray[np.int64]
    """(N,)."""
    group: NDArray[np.int64]
    """(N,) number of the track over all videos, non-decreasing."""
    xyxy: NDArray[np.float64]
    """(N, 4) pixels; NaN for sides that are not finite."""
    class_id: NDArray[np.int32]
    """(N,)."""
    score: NDArray[np.float64]
    """(N,) 1 where none is stated."""
    is_human: NDArray[np.bool_]
    """(N,) drawn or confirmed by a person."""
    fps: NDArray[np.float64]
    """(V,) pictures per second of each video; 25 where unknown."""
    frame_size: NDArray[np.float64]
    """(N, 2) width, height of the row's frame; infinite where unknown."""
    is_picture: NDArray[np.bool_]
    """(N,) the frame is a picture with a name: what lies in one picture only was never followed in time."""
    frames: NDArray[np.int64]
    """(F, 2) video row and ordinal of every frame labels could be in, sorted; between them is no gap."""
    class_names: tuple[str, ...]
    cuts: NDArray[np.int64]
    """(C, 2) video row and ordinal of every frame with which a new shot begins, sorted."""
    detections: Labels | None = None
    """What a model saw in the same frames, on the same videos and ontology; None when not known."""

    def __len__(self) -> int:
        return len(self.frame)

    @staticmethod
    def of(labels: Labels, detections: Labels | None = None, cuts: Sequence[Sequence[int]] = ()) -> LabelRows:
        """Order labels; rows that are crowds or ignored are left out, for nobody promises anything about them.

        Args:
            labels: of some videos.
            detections: of the same videos.
            cuts: of each video, the frames with which a new shot begins, ascending; () where none are known.
        """
        kept = np.flatnonzero(labels.flags & int(Flag.CROWD | Flag.IGNORED) == 0)
        video = labels.frames.video[labels.frame[kept]]
        frame = labels.frames.index[labels.frame[kept]]
        track = labels.track_id[kept]
        lonely = np.where(track == NO_TRACK, np.arange(len(kept)), -1)
        order = np.lexsort((frame, lonely, track, video))
        video, frame, track, lonely, kept = video[order], frame[order], track[order], lonely[order], kept[order]
        starts = np.ones(len(kept), np.bool_)
        starts[1:] = (video[1:] != video[:-1]) | (track[1:] != track[:-1]) | (lonely[1:] != lonely[:-1])
        table = labels.frames
        usual = np.array([item.size for item in labels.videos], np.float64).reshape(-1, 2)
        frame_size = usual[video] if table.size is None else table.size[labels.frame[kept]].astype(np.float64)
        names = np.array([bool(name) for name in table.name] or np.zeros(len(table)), np.bool_)
        frames = np.stack([labels.frames.video.astype(np.int64), labels.frames.index], axis=1)
        return LabelRows(
            video,
            frame,
            track,
            np.cumsum(starts) - 1,
            np.where(np.isfinite(labels.xyxy[kept]), labels.xyxy[kept], np.nan),
            labels.class_id[kept],
            np.nan_to_num(labels.score[kept], nan=1.0),
            (labels.flags[kept] & int(Flag.KEYFRAME)) != 0,
            np.array([float(item.fps) or _DEFAULT_FPS for item in labels.videos]).reshape(-1),
            np.where(frame_size > 0, frame_size, np.inf),
            names[labels.frame[kept]],
            frames[np.lexsort((frames[:, 1], frames[:, 0]))],
            labels.ontology.names,
            np.array([(video, cut) for video, own in enumerate(cuts) for cut in own], np.int64).reshape(-1, 2),
            detections,
        )

    @cached_property
    def frame_key(self) -> NDArray[np.int64]:
        """(N,) one number per frame of one video."""
        return self.video.astype(np.int64) << 40 | self.frame

    @cached_property
    def position(self) -> NDArray[np.int64]:
        """(N,) place of the row's frame in `frames`: labels of a video sampled every tenth frame have no gaps."""
        keys = self.frames[:, 0] << 40 | self.frames[:, 1]
        return np.searchsorted(keys, self.frame_key).astype(np.int64)

    @cached_property
    def follows(self) -> NDArray[np.bool_]:
        """(N,) true where the row before belongs to the same track."""
        same = np.zeros(len(self), np.bool_)
        same[1:] = self.group[1:] == self.group[:-1]
        return same

    @cached_property
    def is_followed(self) -> NDArray[np.bool_]:
        """(N,) rows of tracks with an identity; a number given to one box of one loose picture is none."""
        length = np.bincount(self.group, minlength=int(self.group.max(initial=-1)) + 1)[self.group]
        return np.asarray((self.track_id != NO_TRACK) & ~(self.is_picture & (length == 1)))

    @cached_property
    def is_valid(self) -> NDArray[np.bool_]:
        """(N,) finite boxes with an area."""
        with np.errstate(invalid="ignore"):
            extent = self.xyxy[:, 2:] - self.xyxy[:, :2]
            return np.asarray(np.isfinite(self.xyxy).all(axis=1) & (extent > 0).all(axis=1), dtype=np.bool_)

    @cached_property
    def at_border(self) -> NDArray[np.bool_]:
        """(N,) boxes that touch the frame's edge: their size and centre change as they leave."""
        with np.errstate(invalid="ignore"):
            low, high = self.xyxy[:, :2] <= 2.0, self.xyxy[:, 2:] >= self.frame_size - 2.0
        return np.asarray(low.any(axis=1) | high.any(axis=1))

    def spans(self) -> list[slice]:
        """Return the rows of each track with an identity, as slices."""
        starts = np.flatnonzero(~self.follows)
        stops = np.append(starts[1:], len(self))[: len(starts)]
        known = self.is_followed[starts]
        return [slice(*ends) for ends in zip(starts[known].tolist(), stops[known].tolist(), strict=True)]

    def overlapping(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
        """Yield blocks of (row, other row, IoU) of all boxes of one frame that overlap; each pair once."""
        order = np.lexsort((self.xyxy[:, 0], self.frame_key))
        keys, left, right = self.frame_key[order], self.xyxy[order, 0], self.xyxy[order, 2]
        # boxes of a frame by left side: those that begin before a box ends are the only ones that can overlap it
        place = np.arange(len(order))
        last = np.searchsorted(keys, keys, side="right")
        steps = 1
        while True:
            place = place[place + steps < last[place]]
            place = place[left[place + steps] < right[place]]
            if len(place) == 0:
                return
            one, two = order[place], order[place + steps]
            value = paired_iou(self.xyxy[one], self.xyxy[two])
            near = value > 0
            yield one[near], two[near], value[near]
            steps += 1
