"""Mask R-CNN style: boxes, labels, scores, and a mask for each box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.shapes import Shape
from framelabel.inference.decoders.candidates import Candidates, Outputs, expect, limits
from framelabel.inference.masks import box_mask_in_picture, mask_in_picture
from framelabel.inference.preprocess import Placement


class InstanceMasks:
    """Decodes (N, 4) boxes in input pixels, (N,) labels, (N,) scores, (N, 1, h, w) masks in any order.

    Small masks (28 x 28 and the like) cover their box; masks of the input's aspect above 64 pixels cover the input.
    """

    default_nms_iou = 1.0

    @dataclass(frozen=True, slots=True)
    class Options:
        """How masks and labels are read."""

        mask_threshold: float = 0.5
        """Probability from which a pixel belongs to the object."""
        background: bool = True
        """Label 0 is "nothing"; class numbers of the manifest count from the one after it."""

    def __init__(self, options: Options, *, input_size: tuple[int, int]) -> None:
        self.options = options
        self.input_size = input_size

    def class_count(self, outputs: Outputs) -> int:
        """Return 0: lists do not say how many classes there are."""
        self._parts(outputs)
        return 0

    def __call__(self, outputs: Outputs, thresholds: NDArray[np.float32]) -> Candidates:
        """Keep rows that reach the threshold of their class; masks are cut later, for boxes that stay."""
        boxes, labels, scores, masks = self._parts(outputs)
        number = labels.astype(np.int64) - int(self.options.background)
        kept = np.flatnonzero(scores >= limits(number, thresholds))
        xyxy = boxes[kept].astype(np.float64)
        chosen = masks[kept].astype(np.float32)
        level = self.options.mask_threshold
        covers_input = masks.shape[-1] > 64

        def outline(row: int, placement: Placement) -> Shape:
            if covers_input:
                return mask_in_picture(chosen[row], level, self.input_size, placement, xyxy[row])
            return box_mask_in_picture(chosen[row], level, placement, placement.to_picture(xyxy[row : row + 1])[0])

        return Candidates(xyxy, scores[kept].astype(np.float64), number[kept], outline)

    @staticmethod
    def _parts(outputs: Outputs) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Tell the four outputs apart by shape and type."""
        expected = "boxes (N, 4), labels (N,), scores (N,) and masks (N, 1, h, w)"
        masks = [output for output in outputs if output.ndim in (3, 4)]
        boxes = [output for output in outputs if output.ndim == 2 and output.shape[1] == 4]
        flat = [output for output in outputs if output.ndim == 1]
        labels = [part for part in flat if np.issubdtype(part.dtype, np.integer)]
        scores = [part for part in flat if not np.issubdtype(part.dtype, np.integer)]
        expect(masks and boxes and labels and scores, "instance_masks", expected, outputs)
        mask = masks[0].reshape(-1, *masks[0].shape[-2:])
        return boxes[0], labels[0], scores[0], mask
