"""Every check of the label-error finder. One file (or function) and one line each."""

from __future__ import annotations

from collections.abc import Callable

from framelabel.core.catalog import Catalog
from framelabel.review.findings.finding import Finding
from framelabel.review.findings.rows import LabelRows

Check = Callable[[LabelRows], list[Finding]]

CHECKS: Catalog[Check] = Catalog(
    "check",
    {
        "jump": "framelabel.review.findings.motion:jumps",
        "size": "framelabel.review.findings.motion:size_changes",
        "switch": "framelabel.review.findings.identity:switches",
        "break": "framelabel.review.findings.identity:breaks",
        "cut": "framelabel.review.findings.presence:over_cuts",
        "gap": "framelabel.review.findings.presence:gaps",
        "flicker": "framelabel.review.findings.presence:flicker",
        "duplicate": "framelabel.review.findings.duplicates:duplicates",
        "class-flip": "framelabel.review.findings.identity:class_flips",
        "outside": "framelabel.review.findings.presence:outside",
        "invalid": "framelabel.review.findings.presence:invalid",
        "unsupported": "framelabel.review.findings.evidence:unsupported",
        "missed": "framelabel.review.findings.evidence:missed",
    },
)


def find(rows: LabelRows, checks: tuple[str, ...] = ()) -> list[Finding]:
    """Run checks (all unless named) and return what they find, most severe first.

    Raises:
        UnknownNameError: no such check; the message holds the nearest one.
    """
    found = [finding for name in checks or tuple(CHECKS) for finding in CHECKS.load(name)(rows)]
    return sorted(found, key=lambda one: (-one.severity, one.video, one.frame, one.track_id, one.kind))
