"""Labels from wherever they are: a project, or a file or folder of any format."""

from __future__ import annotations

from pathlib import Path

from framelabel.core.labels import Labels
from framelabel.core.protocols import SILENT, Reporter
from framelabel.store.project import Project
from framelabel.workflows.format_choice import source_format
from framelabel.workflows.picture_tags import untagged

_SQLITE = b"SQLite format 3\x00"


def is_project(path: Path) -> bool:
    """Return whether `path` is a project file (or is named like one)."""
    if path.suffix == ".framelabel":
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def read_labels(path: Path, source: str = "", report: Reporter = SILENT) -> Labels:
    """Return the current labels of a project, or what a file of any format holds.

    Args:
        path: project, file or folder.
        source: the format's name; found out from the content when not given.
        report: hears what could not be read.

    Raises:
        ProjectError, InvalidLabelsError: nothing there, or nothing that can be read.
    """
    if not source and is_project(path):
        with Project(path) as project:
            return untagged(project.labels())
    labels, issues = source_format(path, source).read(path)
    for line in issues.lines():
        report.note(line)
    return labels
