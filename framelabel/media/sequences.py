"""Whether a folder of pictures is footage, or pictures that happen to share a folder."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import PurePath


def is_sequence(names: Sequence[str]) -> bool:
    """Tell whether file names, in natural order, differ in one number only, which rises in equal steps.

    >>> is_sequence(["frame_8.png", "frame_10.png", "frame_12.png"])
    True
    >>> is_sequence(["crack_1.png", "dent_2.png", "dent_3.png"]), is_sequence(["a_1.png", "a_2.png", "a_7.png"])
    (False, False)
    """
    parts = [re.split(r"(\d+)", PurePath(name).stem) for name in names]
    if len(parts) < 2 or len({len(part) for part in parts}) > 1:
        return False
    changing = [column for column in zip(*parts, strict=True) if len(set(column)) > 1]
    if len(changing) != 1 or not changing[0][0].isdigit():
        return False
    numbers = [int(text) for text in changing[0]]
    steps = {later - earlier for earlier, later in itertools.pairwise(numbers)}
    return len(steps) == 1 and steps.pop() > 0
