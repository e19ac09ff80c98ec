"""Display matrices: how a decoded picture is turned to stand upright. Exact for the eight right-angle orientations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Orientation:
    """A transposition, then mirrorings."""

    is_transposed: bool = False
    """Rows become columns (before the mirrorings)."""
    is_mirrored_x: bool = False
    """Left and right are exchanged."""
    is_mirrored_y: bool = False
    """Top and bottom are exchanged."""

    @property
    def is_upright(self) -> bool:
        """Whether the decoded picture is shown as it is."""
        return not (self.is_transposed or self.is_mirrored_x or self.is_mirrored_y)

    @property
    def degrees(self) -> int:
        """Counter-clockwise turn from the stored to the upright picture, as ffprobe prints `rotation`.

        One of 0, 90, 180, -90; of a mirrored orientation, the turn beside the mirroring.

        >>> Orientation(is_transposed=True, is_mirrored_x=True).degrees
        -90
        """
        if self.is_transposed:
            return -90 if self.is_mirrored_x else 90
        return 180 if self.is_mirrored_y and self.is_mirrored_x else 0

    @property
    def is_mirrored(self) -> bool:
        """Whether the upright picture is a mirror image of the stored one, beside any turn."""
        return (self.is_transposed + self.is_mirrored_x + self.is_mirrored_y) % 2 == 1

    def size_after(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) of the upright picture.

        >>> Orientation(is_transposed=True).size_after(640, 480)
        (480, 640)
        """
        return (height, width) if self.is_transposed else (width, height)

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the upright (H, W, C) or (H, W) picture, contiguous; the same array when nothing is to do."""
        if self.is_upright:
            return image
        turned = cv2.transpose(image) if self.is_transposed else image
        if self.is_mirrored_x or self.is_mirrored_y:
            axis = -1 if self.is_mirrored_x and self.is_mirrored_y else 1 if self.is_mirrored_x else 0
            turned = cv2.flip(turned, axis)
        return np.asarray(turned, dtype=np.uint8)


def orientation_of_matrix(matrix: Sequence[int]) -> Orientation:
    """Return the orientation of a 3x3 display matrix (9 integers, 16.16 fixed point, row by row).

    The matrix maps a picture point (x, y) to the display point (a*x + c*y, b*x + d*y) with a, b = `matrix[0:2]` and
    c, d = `matrix[3:5]` (ISO 14496-12, as FFmpeg's `libavutil/display.h`). Any other angle than the right ones counts
    as upright.

    >>> orientation_of_matrix([0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30]).degrees
    -90
    """
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    if a and d and not b and not c:
        return Orientation(is_transposed=False, is_mirrored_x=a < 0, is_mirrored_y=d < 0)
    if b and c and not a and not d:
        return Orientation(is_transposed=True, is_mirrored_x=c < 0, is_mirrored_y=b < 0)
    return Orientation()


def orientation_of_turn(degrees: int) -> Orientation:
    """Return the orientation of a counter-clockwise turn without mirroring; other angles than right ones count as none.

    >>> orientation_of_turn(-90).degrees
    -90
    """
    quarter = degrees % 360
    return Orientation(
        is_transposed=quarter in {90, 270}, is_mirrored_x=quarter in {180, 270}, is_mirrored_y=quarter in {90, 180}
    )
