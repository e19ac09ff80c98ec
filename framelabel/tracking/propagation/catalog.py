"""Ways of carrying human boxes through frames. A new one is one file and one line here."""

from __future__ import annotations

from framelabel.core.catalog import Catalog
from framelabel.tracking.propagation.protocol import PropagatorClass

PROPAGATORS: Catalog[PropagatorClass] = Catalog(
    "propagation method",
    {
        "auto": "framelabel.tracking.propagation.auto:AutoPropagator",
        "linear": "framelabel.tracking.propagation.linear:Linear",
        "visual": "framelabel.tracking.propagation.visual:VisualPropagator",
        "flow": "framelabel.tracking.propagation.correlation:FlowPropagator",
        "detections": "framelabel.tracking.propagation.detections:Detections",
    },
)
"""Each entry is a class with a frozen `Options` dataclass, built as `Entry(Options(...), evidence)`."""

DEFAULT = "auto"
