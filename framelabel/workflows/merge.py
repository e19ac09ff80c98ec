"""`framelabel merge A B --out C`: two people's projects become one, nobody's work lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.store import merge
from framelabel.store.project import Project


@dataclass(frozen=True, slots=True)
class MergeConfig:
    """What to join."""

    projects: tuple[Path, ...] = setting(help="Project files to join.", argument=True)
    out: Path = setting(help="The new project; must not exist.")


def run(config: MergeConfig, report: Reporter = SILENT) -> Mapping[str, int]:
    """Write the joined project and return how many rows each table holds.

    Raises:
        UsageError: fewer than two projects, or the target exists.
        ProjectError: a source cannot be read.
    """
    if len(config.projects) < 2:
        raise UsageError("merge needs at least two projects")
    if config.out.exists():
        raise UsageError(f"{config.out}: exists; merge writes a new project, name another file")
    partial = config.out.with_name(f".{config.out.name}.partial")
    totals: dict[str, int] = {}
    report.start("merge", len(config.projects))
    try:
        with Project(partial, create=True) as target:
            for path in config.projects:
                with Project(path) as source:
                    counts = target.write(lambda connection, origin=source: origin.read(merge.copy, connection))
                for table, count in counts.items():
                    totals[table] = totals.get(table, 0) + count
                report.advance()
        partial.replace(config.out)
    finally:
        for leftover in (partial, partial.with_name(partial.name + "-wal"), partial.with_name(partial.name + "-shm")):
            leftover.unlink(missing_ok=True)
    return totals
