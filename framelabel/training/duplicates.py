"""Find pictures that show the same thing, so that a split never puts twins on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from framelabel.training.samples import PictureStore, Sample

_THUMBNAIL = 24
"""Pixels a side."""


def with_joined_groups(samples: Sequence[Sample], store: PictureStore, *, alike: float = 0.95) -> list[Sample]:
    """Return the samples with groups merged that hold near-duplicates of one another.

    Two pictures are near-duplicates when their grey thumbnails, each normalised, correlate by at least `alike`;
    mirrored pairs count too. The merged group takes the alphabetically first name.
    """
    thumbnails = []
    for sample in samples:
        grey = cv2.cvtColor(store.load(sample).image, cv2.COLOR_BGR2GRAY)
        small = cv2.resize(grey, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
        small -= small.mean()
        thumbnails.append(small / max(float(np.linalg.norm(small)), 1e-6))
    stack = np.stack(thumbnails)
    plain = stack.reshape(len(stack), -1)
    mirrored = stack[:, :, ::-1].reshape(len(stack), -1)
    leader = {sample.group: sample.group for sample in samples}

    def lead(group: str) -> str:
        while leader[group] != group:
            group = leader[group]
        return group

    for row in range(len(samples)):
        likeness = np.maximum(plain[row + 1 :] @ plain[row], mirrored[row + 1 :] @ plain[row])
        for other in np.flatnonzero(likeness >= alike) + row + 1:
            first, second = sorted((lead(samples[row].group), lead(samples[int(other)].group)))
            leader[second] = first
    return [replace(sample, group=lead(sample.group)) for sample in samples]
