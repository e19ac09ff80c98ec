"""What routing found, and how it is kept with the project."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from framelabel.core.reliability import Reliability
from framelabel.review.error_budget import Promise
from framelabel.review.quality_curve import QualityCurve
from framelabel.review.routing import Band, Routing
from framelabel.store.documents import Document
from framelabel.store.project import Project
from framelabel.workflows import plots
from framelabel.workflows.population import document_name

PLURAL = {"box": "boxes", "track": "tracks", "tag": "tags", "event": "events"}
"""What the pieces of each subject are called."""


@dataclass(frozen=True, slots=True, eq=False)
class RouteSummary:
    """How far the audit is, and what is decided."""

    state: str
    """"empty", "pilot" (waiting for the first answers), "proof" (for the second), or "decided"."""
    message: str
    """One line: what is promised, or what to do next."""
    units: int
    boxes: int
    """Model-made boxes that wait for a decision; of other subjects as many as units."""
    human_boxes: int
    """Boxes (or whole tracks, tags, events) that people made or confirmed, or whose track they touched."""
    subject: str = "box"
    """One of SUBJECTS."""
    waiting: int = 0
    """Audit questions that nobody has answered yet."""
    method: str = "uncalibrated"
    ece_before: float = float("nan")
    ece_after: float = float("nan")
    """Calibration error of the raw scores, and of the calibrated ones on groups they were not fitted on."""
    ece_by_chance: float = float("nan")
    """What probabilities without fault would show in as small a sample."""
    promises: tuple[Promise, ...] = ()
    """One over all, or one per class (see `class_names`)."""
    class_names: tuple[str, ...] = ()
    routing: Routing | None = None
    curves: tuple[QualityCurve, ...] = ()
    operating_point: dict[str, Any] | None = None
    reliability: tuple[Reliability, Reliability] | None = None
    queued: int = 0
    notes: tuple[str, ...] = field(default=())
    also: tuple[RouteSummary, ...] = field(default=())
    """The same for the other subjects that were routed."""


def keep(project: Project, summary: RouteSummary, result: dict[str, Any]) -> None:
    """Store the result and the curve with the project."""
    text = json.dumps(result, indent=1).encode()
    project.put_document(Document("routing", document_name("result", summary.subject), "application/json", text))
    curves = json.dumps([curve.as_dict() for curve in summary.curves]).encode()
    name = document_name("quality", summary.subject)
    project.put_document(Document("curve", name, "application/json", curves))
    drawn = curve_plot(summary.curves, PLURAL[summary.subject]).encode()
    project.put_document(Document("curve", f"{name}.svg", "image/svg+xml", drawn))


def curve_plot(curves: Sequence[QualityCurve], what: str = "boxes") -> str:
    """Draw quality over the share sent to people."""
    if not curves:
        return plots.lines([], {}, title="Quality", x_label="share sent to people", y_label=f"share of right {what}")
    names = [f"{curve.votes} vote{'s' if curve.votes > 1 else ''}" for curve in curves]
    lowest = float(min(curve.low.min() for curve in curves))
    return plots.lines(
        curves[0].share,
        {name: curve.quality for name, curve in zip(names, curves, strict=True)},
        bands={names[0]: (curves[0].low, curves[0].high)},
        title="Expected quality, with its band for one vote",
        x_label=f"share of {what} sent to people, least sure first",
        y_label=f"share of right {what}",
        y_range=(max(0.0, lowest - 0.02), 1.0),
    )


def as_dict(summary: RouteSummary) -> dict[str, Any]:
    """Return a summary as JSON-able values; what is not known is null."""
    known = {
        name: getattr(summary, name)
        for name in ("subject", "state", "message", "units", "boxes", "human_boxes", "waiting", "method", "queued")
    }
    known["notes"] = list(summary.notes)
    for name in ("ece_before", "ece_after", "ece_by_chance"):
        value = getattr(summary, name)
        known[name] = None if np.isnan(value) else value
    names = summary.class_names or ("all",) * len(summary.promises)
    known["promises"] = [{"class": name, **asdict(item)} for name, item in zip(names, summary.promises, strict=False)]
    if summary.routing is not None:
        known["bands"] = {
            band.name.lower(): {
                "units": int(np.count_nonzero(summary.routing.band == band)),
                "share_of_boxes": float(summary.routing.share[band]),
                "expected_error": None
                if np.isnan(summary.routing.expected_error[band])
                else float(summary.routing.expected_error[band]),
            }
            for band in Band
        }
    known["operating_point"] = summary.operating_point
    known["curve"] = [curve.as_dict() for curve in summary.curves]
    known["reliability"] = [
        {"count": item.count.tolist(), "confidence": item.confidence.tolist(), "accuracy": item.accuracy.tolist()}
        for item in summary.reliability or ()
    ]
    if summary.also:
        known["also"] = [as_dict(item) for item in summary.also]
    return known
