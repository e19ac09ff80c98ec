"""Where one shot ends and the next begins: nothing can be followed over a cut.

Two pictures of one shot show the same structures, moved a little; two shots do not. Each picture is reduced to a
thumbnail, its structure (what is neither a slow change of brightness nor finer than a few pixels of the thumbnail) is
searched for in the picture before, and what is not found again is the change. A cut is a change that stands out from
those around it, so that a shaking or fast camera raises the bar by itself; that comes with other colours; and that
stays: a flash, after which the picture before is there again, is none. Pictures without structure (black, white,
covered) are passed over, so that a fade through black is a cut where something else comes out of it.

Dissolves, in which one shot shows through the next, change too little at a time and are not found.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Plane = NDArray[np.float32]

VERSION = 1
"""Part of the name under which cuts are kept; a higher one with every change of what the same pictures give."""

_SIZE = 64, 36
"""Width and height of thumbnails."""
_FINE, _COARSE = 0.8, 6.0
"""Deviations, in pixels of the thumbnail: what is finer is lost by a move of half a pixel, what is coarser is light."""
_FLAT = 1.5
"""Grey levels of structure below which a picture shows nothing."""
_BINS = 8
"""Of each colour."""
_SAME = 0.05
"""Change that needs no search for movement."""
_AROUND = 8
"""Pictures before and after, with which a change is compared."""
_USUAL = 75.0
"""Percentile of the changes around that counts as usual there."""
_CHANGE = 0.3
"""Of structure, below which it is the same shot."""
_LEAST_CHANGE, _LEAST_COLOUR, _CUT = 0.12, 0.04, 0.5
"""By how much the structure, the colours and both together change more at a cut than usual."""
_FLASH = 4
"""Pictures within which a flash is over."""


@dataclass(frozen=True, slots=True, eq=False)
class _Thumbnail:
    structure: Plane
    """(H, W) grey levels."""
    colour: Floats
    """(8 * 8 * 8,) shares of the picture."""


@dataclass(slots=True)
class ShotCuts:
    """Looks at the pictures of one clip in order; holds a few numbers for each."""

    _before: _Thumbnail | None = None
    """The last picture that showed something."""
    _is_flat: bool = False
    """Nothing was shown since."""
    _number: int = 0
    _at: list[int] = field(default_factory=list)
    _change: list[float] = field(default_factory=list)
    _recolour: list[float] = field(default_factory=list)
    _open: list[tuple[int, _Thumbnail]] = field(default_factory=list)
    """Changes that may be flashes: which, and the picture before."""

    def add(self, image: NDArray[np.uint8]) -> None:
        """Look at the next picture, (H, W, 3) RGB."""
        here = _thumbnail(image)
        number, self._number = self._number, self._number + 1
        if here is None:
            self._is_flat = True
            return
        back = self._taken_back(number, here)
        if self._before is not None:
            change = min(_change(self._before, here), back)
            self._at.append(number)
            self._change.append(change)
            # out of black every picture is dark
            self._recolour.append(1.0 if self._is_flat else float(np.abs(here.colour - self._before.colour).sum() / 2))
            if change > _CHANGE:
                self._open.append((len(self._at) - 1, self._before))
        self._before, self._is_flat = here, False

    def _taken_back(self, number: int, here: _Thumbnail) -> float:
        """Take back recent changes before which it looked as it does here; return the least difference from then."""
        least, still_open = 2.0, []
        for row, before in self._open:
            if number - self._at[row] > _FLASH:
                continue
            left = _change(before, here)
            if left > _CHANGE:
                still_open.append((row, before))
            else:
                self._change[row] = least = min(left, least)
        self._open = still_open
        return least

    def found(self) -> list[int]:
        """Return the numbers, from 0 in the order given, of pictures with which a new shot begins."""
        change, recolour = np.array(self._change), np.array(self._recolour)
        out = []
        for row in np.flatnonzero(change > _CHANGE).tolist():
            structure, colour = change[row] - _usual(change, row), recolour[row] - _usual(recolour, row)
            if structure > _LEAST_CHANGE and colour > _LEAST_COLOUR and structure + colour > _CUT:
                out.append(self._at[row])
        return out


def _usual(value: Floats, row: int) -> float:
    around = np.r_[value[max(0, row - _AROUND) : row], value[row + 1 : row + 1 + _AROUND]]
    return float(np.percentile(around, _USUAL)) if len(around) else 0.0


def _thumbnail(image: NDArray[np.uint8]) -> _Thumbnail | None:
    """Reduce a picture; None where it shows nothing."""
    height, width = image.shape[:2]
    # averages of a few pixels each do as well as averages of all
    sparse = min(width, 4 * _SIZE[0]), min(height, 4 * _SIZE[1])
    sampled = cv2.resize(image, sparse, interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(sampled, _SIZE, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    structure = cv2.GaussianBlur(grey, (0, 0), _FINE) - cv2.GaussianBlur(grey, (0, 0), _COARSE)
    if float(structure.std()) < _FLAT:
        return None
    level = (small.reshape(-1, 3) >> 5).astype(np.int64)
    code = (level[:, 0] * _BINS + level[:, 1]) * _BINS + level[:, 2]
    return _Thumbnail(np.asarray(structure, np.float32), np.bincount(code, minlength=_BINS**3) / len(code))


def _change(one: _Thumbnail, two: _Thumbnail) -> float:
    """Return 1 - the best correlation of either picture's middle with any place in the other."""
    a, b = one.structure, two.structure
    plain = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    if 1.0 - plain < _SAME:
        return 1.0 - plain
    height, width = a.shape
    middle = slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)
    best = plain
    for part, whole in ((a[middle], b), (b[middle], a)):
        if float(part.std()) >= _FLAT:
            best = max(best, float(cv2.matchTemplate(whole, part, cv2.TM_CCOEFF_NORMED).max()))
    return 1.0 - best
