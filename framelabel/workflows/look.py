"""Looking at frames with a plugin: here in this process, or by a crew on other processes and machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.errors import UsageError
from framelabel.core.findings import Findings
from framelabel.core.frames import FrameIndex
from framelabel.core.videos import Video
from framelabel.inference.thorough import FULL
from framelabel.workflows.frame_source import FrameSource


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was found in one frame; its pixels are gone."""

    frame: int
    """Ordinal."""
    size: tuple[int, int]
    """(width, height) of the decoded picture."""
    found: Findings


Look = Callable[[FrameSource, int], Iterator[Seen]]
"""Looks at a source's frames from number n on, in order."""


class Crew(Protocol):
    """Looks at frames elsewhere; what it says is what this process would say, byte for byte."""

    def look(self, video: Video, index: FrameIndex, ordinals: NDArray[np.int64]) -> Iterator[Seen]:
        """Yield what is found in these frames, in their order.

        Raises:
            UnreadableVideoError: the video cannot be decoded there.
        """


PLAIN = "none"
"""Instead of the names of further views: none."""


def look_of(plugin: plugins.Plugin, effort: str, views: Sequence[str] = ()) -> Look:
    """Return what looks at frames here.

    Args:
        plugin: whose model looks.
        effort: "full" looks mirrored and from nearer too.
        views: further views instead of the plugin's own; `PLAIN` for none.

    Raises:
        UsageError: no views and further ones at once.
    """
    if PLAIN in views and (len(views) > 1 or effort == "full"):
        raise UsageError(f"--views {PLAIN} contradicts further views (--effort full looks at {', '.join(FULL)})")
    chosen = () if PLAIN in views else tuple(views) or plugin.manifest.model.views
    if effort == "full":
        chosen = tuple(dict.fromkeys((*chosen, *FULL)))

    def look(source: FrameSource, done: int) -> Iterator[Seen]:
        for frame, found in plugin.detector.find_stream(source.frames(done), chosen):
            height, width = frame.image.shape[:2]
            # boxes that the hook does not move keep their shape
            yield Seen(frame.ref.index, (width, height), found.with_boxes(plugin.hook(found.boxes, frame.ref)))

    return look
