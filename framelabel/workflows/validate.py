"""`framelabel validate`: every fault of a label file, with line or record, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from framelabel.core.config import setting
from framelabel.core.protocols import SILENT, Reporter
from framelabel.formats.catalog import detect_format
from framelabel.formats.checks import check_labels
from framelabel.formats.report import Report
from framelabel.workflows.format_choice import make_format


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateConfig:
    """What to check."""

    source: Path = setting(help="File or folder of labels.", argument=True)
    format: str = setting("", help="Its format; found from the content when not given.")
    option: tuple[str, ...] = setting((), help="An option of the format; repeatable.", metavar="KEY=VALUE")


@dataclass(frozen=True, slots=True)
class ValidateSummary:
    """What was found."""

    format: str
    labels: int
    frames: int
    videos: int
    tracks: int
    report: Report


def run(config: ValidateConfig, reporter: Reporter = SILENT) -> ValidateSummary:
    """Read the file, then check what it says.

    Raises:
        InvalidLabelsError: the file as a whole is not readable as the format.
    """
    name = config.format or detect_format(config.source)
    reporter.start(f"read {config.source.name}", None)
    kind = make_format(name, config.option)
    labels, report = kind.read(config.source)
    tracks = check_labels(labels, report)
    kind.check(labels, report)
    return ValidateSummary(name, len(labels), len(labels.frames), len(labels.videos), tracks, report)
