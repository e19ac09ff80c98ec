"""Everything the network has seen of one video, kept by human box so that no picture is looked at twice.

A new human box leaves all walks of the other boxes valid; only its own two walks are new.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import iou
from framelabel.tracking.propagation import nanotrack
from framelabel.tracking.propagation.appearance import Appearance
from framelabel.tracking.propagation.flow import FlowFields
from framelabel.tracking.propagation.footage import Footage
from framelabel.tracking.propagation.keys import Key, to_log
from framelabel.tracking.propagation.nanotrack import Response, Template, View, Walk
from framelabel.tracking.propagation.protocol import SiameseNetwork

if TYPE_CHECKING:
    from framelabel.tracking.propagation.candidates import Candidates

Floats = NDArray[np.float64]

GapAddress = tuple[Key, Key | None, int, tuple[Key, ...], Key | None]
"""First key, last key or None, last picture, the keys by which boxes are calibrated, the key whose walk passes."""
_NEAR = 0.35
"""A cell counts for calibration where its box overlaps the human's by at least this."""


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """How the human's box differs from the box that a template finds on the human's own picture."""

    offset: Floats
    """(4,) dx / width, dy / height, d log width, d log height; add to the network's box to get the human's."""
    score: float
    """Best probability in the window; 0 where the template finds nothing."""


class Passes:
    """Templates, walks, calibrations and solved gaps of one video; the least recently used go first."""

    def __init__(
        self, network: SiameseNetwork, footage: Footage, flow: FlowFields, *, frame_limit: int = 20_000
    ) -> None:
        """Keep the walks and gaps of at most about `frame_limit` frames each."""
        self.network = network
        self.footage = footage
        self.flow = flow
        self.appearance = Appearance(footage)
        self._limit = frame_limit
        self._templates: dict[Key, Template] = {}
        self._patches: dict[Key, NDArray[np.float32]] = {}
        self._own_views: dict[Key, View] = {}
        self._residuals: dict[tuple[Key, Key], Residual] = {}
        self._walks: OrderedDict[tuple[Key, int], Walk] = OrderedDict()
        self._gaps: OrderedDict[GapAddress, Candidates] = OrderedDict()

    def template(self, key: Key) -> Template:
        """Return what the object looks like in a human box."""
        found = self._templates.get(key)
        if found is None:
            found = nanotrack.template(self.network, self.footage, key.frame, key.xyxy)
            self._templates[key] = found
        return found

    def patch(self, key: Key) -> NDArray[np.float32]:
        """Return the (P,) grey patch of a human box."""
        found = self._patches.get(key)
        if found is None:
            found = self.appearance.patches(key.frame, key.xyxy[None])[0]
            self._patches[key] = found
        return found

    def response(self, key: Key, step: int, frame: int) -> Response:
        """Return what the template of `key` finds in picture `frame` on its walk in direction `step`."""
        return self._walk(key, step).response(frame)

    def residual(self, key: Key, model: Key) -> Residual:
        """Return how the human's box at `key` differs from what the template of `model` finds there."""
        found = self._residuals.get((key, model))
        if found is None:
            found = self._measure(key, model)
            self._residuals[key, model] = found
        return found

    def gap(self, address: GapAddress) -> Candidates | None:
        """Return the gathered candidates of a gap if they are kept."""
        found = self._gaps.get(address)
        if found is not None:
            self._gaps.move_to_end(address)
        return found

    def keep_gap(self, address: GapAddress, gap: Candidates) -> None:
        """Keep the candidates of a gap."""
        self._gaps[address] = gap
        held = sum(len(part.frames) for part in self._gaps.values())
        while held > self._limit and len(self._gaps) > 1:
            _, dropped = self._gaps.popitem(last=False)
            held -= len(dropped.frames)

    def _walk(self, key: Key, step: int) -> Walk:
        walk = self._walks.get((key, step))
        if walk is None:
            walk = Walk(self.network, self.footage, self.template(key), step)
            self._walks[key, step] = walk
            held = sum(len(part.responses) for part in self._walks.values())
            while held > self._limit and len(self._walks) > 2:
                _, dropped = self._walks.popitem(last=False)
                held -= len(dropped.responses)
        self._walks.move_to_end((key, step))
        return walk

    def _own_view(self, key: Key) -> View:
        seen = self._own_views.get(key)
        if seen is None:
            box = key.xyxy
            side = nanotrack.context_side(box[2] - box[0], box[3] - box[1])
            seen = nanotrack.view(self.network, self.footage, key.frame, (box[:2] + box[2:]) / 2, side)
            self._own_views[key] = seen
        return seen

    def _measure(self, key: Key, model: Key) -> Residual:
        box = key.xyxy
        found = nanotrack.respond(self.network, self.template(model), self._own_view(key))
        overlap = iou(found.xyxy, box[None])[:, 0]
        weight = found.score * (overlap > min(_NEAR, 0.7 * float(overlap.max())))
        total = float(weight.sum())
        if total < 1e-3:
            return Residual(np.zeros(4), 0.0)
        offset = to_log(box) - to_log(found.xyxy)
        offset[:, :2] /= np.maximum(found.xyxy[:, 2:] - found.xyxy[:, :2], 1.0)
        return Residual((offset * weight[:, None]).sum(axis=0) / total, float(found.score.max()))
