"""`framelabel convert`: labels from one format into another, without a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from framelabel.core.config import setting
from framelabel.core.protocols import SILENT, Reporter
from framelabel.formats.catalog import FORMATS
from framelabel.formats.report import LossReport, Report
from framelabel.workflows.export import parse_shares, placed, split_labels, write_losses_of_splits
from framelabel.workflows.format_choice import make_format, source_format


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertConfig:
    """What to convert into what."""

    source: Path = setting(help="File or folder of labels.", argument=True)
    destination: Path = setting(help="File or folder to write.", argument=True)
    to: str = setting(help=f"Format to write: {', '.join(sorted(FORMATS))}.", metavar="FORMAT")
    source_format: str = setting(
        "", help="Format to read; found from the content when not given.", flag="--from", metavar="FORMAT"
    )
    task: str = setting("", help="The written format's sub-task, such as det or box_track for bdd100k, obb for yolo.")
    option: tuple[str, ...] = setting((), help="An option of the written format; repeatable.", metavar="KEY=VALUE")
    source_option: tuple[str, ...] = setting((), help="An option of the read format.", metavar="KEY=VALUE")
    split: str = setting("", help="Shares such as train=0.8,val=0.2; whole videos, or pictures by name.")


@dataclass(frozen=True, slots=True)
class ConvertSummary:
    """What was read and written."""

    report: Report
    parts: tuple[tuple[Path, LossReport], ...]


def run(config: ConvertConfig, reporter: Reporter = SILENT) -> ConvertSummary:
    """Read, reduce to what the target holds, write beside and rename.

    Raises:
        InvalidLabelsError: the source is not readable.
        UnsupportedLabelsError: the target cannot hold this at all.
    """
    writer = make_format(config.to, config.option, config.task)
    reporter.start(f"read {config.source.name}", None)
    labels, report = source_format(config.source, config.source_format, config.source_option).read(config.source)
    reporter.start(f"write {config.destination.name}", None)
    parts = []
    for name, part in split_labels(labels, parse_shares(config.split)):
        target, kind = placed(writer, config.destination, name)
        parts.append((target, kind.write(part, target)))
    write_losses_of_splits(parts)
    return ConvertSummary(report, tuple(parts))
