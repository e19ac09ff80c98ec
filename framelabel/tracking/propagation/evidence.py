"""What is known of one video besides the human boxes; shared by all objects and all methods.

Nothing here is computed before it is asked for, and what was computed is kept within a memory bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from framelabel.core.boxes import Boxes
from framelabel.core.protocols import FrameReader

if TYPE_CHECKING:
    from framelabel.tracking.propagation.flow import FlowFields
    from framelabel.tracking.propagation.footage import Footage
    from framelabel.tracking.propagation.passes import Passes
    from framelabel.tracking.propagation.protocol import SiameseNetwork

NO_DETECTIONS: Mapping[int, Boxes] = MappingProxyType({})


class Evidence:
    """The evidence of one video."""

    def __init__(
        self,
        frame_size: tuple[int, int],
        fps: float,
        frame_count: int,
        *,
        reader: FrameReader | None = None,
        network: SiameseNetwork | None = None,
        detections: Mapping[int, Boxes] = NO_DETECTIONS,
    ) -> None:
        """Gather what there is.

        Args:
            frame_size: (width, height) in pixels.
            fps: pictures per second; 0 when unknown.
            frame_count: pictures in the video.
            reader: decodes the footage; None when there is only text.
            network: single-object tracking network; None where no weights are at hand.
            detections: boxes of a run by frame ordinal; frames without an entry have no detections.
        """
        self.frame_size = frame_size
        self.fps = fps
        self.frame_count = frame_count
        self.reader = reader
        self.network = network
        self.detections = detections
        self._passes: dict[int, Passes] = {}

    @cached_property
    def footage(self) -> Footage:
        """Pictures by ordinal, decoded once for all objects.

        Raises:
            MissingFootageError: there is no reader.
        """
        from framelabel.tracking.propagation.footage import Footage

        return Footage(self.reader)

    @cached_property
    def flow(self) -> FlowFields:
        """Optical flow between neighbouring pictures, computed once for all objects."""
        from framelabel.tracking.propagation.flow import FlowFields

        return FlowFields(self.footage)

    def passes(self, network: SiameseNetwork) -> Passes:
        """Return what this network has seen of the video so far; one for all objects."""
        from framelabel.tracking.propagation.passes import Passes

        found = self._passes.get(id(network))
        if found is None:
            found = Passes(network, self.footage, self.flow)
            self._passes[id(network)] = found
        return found
