"""Text files whose lines are fields between spaces, as KITTI and MOTS write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from framelabel.formats.files import head_of, text_of
from framelabel.formats.report import Report


def field_lines(
    file: Path, report: Report, *, least: int, most: int | None = None, fix: str = "complete the line"
) -> Iterator[tuple[str, list[str]]]:
    """Yield where each line is ("line 7") and its fields; too few or too many are reported, empty lines passed over."""
    for number, line in enumerate(text_of(file).split("\n"), 1):
        fields = line.split()
        if len(fields) >= least and (most is None or len(fields) <= most):
            yield f"line {number}", fields
        elif fields:
            report.skip(f"line {number}", f"has {len(fields)} fields, needs {least}", fix)


def first_fields(files: Iterable[Path]) -> list[bytes]:
    """Return the fields of the first line of the first file that begins with any; none: an empty list."""
    return next((fields for file in files if (fields := head_of(file).split(b"\n", 1)[0].split())), [])
