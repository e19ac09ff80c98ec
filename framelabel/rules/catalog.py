"""The kinds of rules; a new one is one file and one line. Each entry has `Options` and `evaluate(options, scene)`."""

from __future__ import annotations

from typing import Any

from framelabel.core.catalog import Catalog

RULES: Catalog[Any] = Catalog(
    "rule kind",
    {
        "presence": "framelabel.rules.presence:Presence",
        "crossing": "framelabel.rules.crossing:Crossing",
        "passage": "framelabel.rules.passage:Passage",
        "unattended": "framelabel.rules.unattended:Unattended",
        "count": "framelabel.rules.count:Count",
        "tally": "framelabel.rules.tally:Tally",
        "shelf": "framelabel.rules.shelf:Shelf",
        "facings": "framelabel.rules.facings:Facings",
        "planogram": "framelabel.rules.planogram:Planogram",
        "alignment": "framelabel.rules.alignment:Alignment",
        "possession": "framelabel.rules.possession:Possession",
    },
)
