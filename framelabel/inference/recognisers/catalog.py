"""Every recogniser by name. A new one is one file beside this and one line here."""

from __future__ import annotations

from typing import Any

from framelabel.core.catalog import Catalog

RECOGNISERS: Catalog[Any] = Catalog(
    "recogniser",
    {
        "barcodes": "framelabel.inference.recognisers.barcodes:Barcodes",
        "teams": "framelabel.inference.recognisers.teams:Teams",
        "visibility": "framelabel.inference.recognisers.visibility:Visible",
        "traffic_lights": "framelabel.inference.recognisers.traffic_lights:TrafficLights",
        "time_of_day": "framelabel.inference.recognisers.time_of_day:TimeOfDay",
    },
)
"""name -> class with a frozen `Options` dataclass, built as `Entry(options, ontology=..., size=(width, height))`;
`options.classes()` names the classes that they mention."""
