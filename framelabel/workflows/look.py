"""Looking at frames with a plugin: here in this process, or by a crew on other processes and machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framelabel import plugins
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


def look_of(plugin: plugins.Plugin, effort: str) -> Look:
    """Return what looks at frames here: as the plugin says, or at full effort mirrored and from nearer too."""
    own = plugin.manifest.model.views
    views = tuple(dict.fromkeys((*own, *FULL))) if effort == "full" else own

    def look(source: FrameSource, done: int) -> Iterator[Seen]:
        for frame, found in plugin.detector.find_stream(source.frames(done), views):
            height, width = frame.image.shape[:2]
            # boxes that the hook does not move keep their shape
            yield Seen(frame.ref.index, (width, height), found.with_boxes(plugin.hook(found.boxes, frame.ref)))

    return look
