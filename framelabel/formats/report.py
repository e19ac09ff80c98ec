"""What could not be read, and what could not be written: counted always, shown line by line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

_KEPT = 1000
"""Issues kept in full; more are counted only, so that a broken file of a million records costs no memory."""

RECORD_ERRORS = (KeyError, IndexError, TypeError, ValueError, OverflowError, AttributeError)
"""What content of a wrong type or a missing field raises; hot loops catch these and call `Report.failed`."""


class Severity(str, Enum):
    """What became of the record."""

    SKIPPED = "skipped"
    """It is not in the labels."""
    CHANGED = "changed"
    """It is, but not as the file says."""
    WARNING = "warning"
    """It is as the file says; other tools will stumble over it."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault of one record: where, what, and how to mend it."""

    file: str
    where: str
    """Line or record, such as "line 12" or "annotations[7]"; "" for the whole file."""
    problem: str
    severity: Severity
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.file}: {self.where}" if self.where else self.file
        return f"{place}: {self.problem} ({self.severity.value}){'; ' + self.fix if self.fix else ''}"


@dataclass(slots=True)
class Report:
    """What a reader skipped or changed. A reader adds to it and goes on."""

    file: str
    """The file now being read, as it appears in messages."""
    issues: list[Issue] = field(default_factory=list)
    counts: dict[Severity, int] = field(default_factory=lambda: dict.fromkeys(Severity, 0))

    def skip(self, where: str, problem: str, fix: str = "", *, count: int = 1) -> None:
        """Record that something is not in the labels."""
        self._add(Issue(self.file, where, problem, Severity.SKIPPED, fix), count)

    def change(self, where: str, problem: str, fix: str = "", *, count: int = 1) -> None:
        """Record that something was taken otherwise than written."""
        self._add(Issue(self.file, where, problem, Severity.CHANGED, fix), count)

    def warn(self, where: str, problem: str, fix: str = "", *, count: int = 1) -> None:
        """Record that something will trouble other tools."""
        self._add(Issue(self.file, where, problem, Severity.WARNING, fix), count)

    @contextmanager
    def record(self, where: str) -> Iterator[None]:
        """Read one record; when its content has a wrong type or lacks a field, skip it and say why."""
        try:
            yield
        except RECORD_ERRORS as error:
            self.failed(where, error)

    def failed(self, where: str, error: Exception) -> None:
        """Record that a record was skipped because reading it raised one of `RECORD_ERRORS`."""
        self.skip(where, _explain(error))

    @property
    def skipped(self) -> int:
        """Return how many records are not in the labels."""
        return self.counts[Severity.SKIPPED]

    def __len__(self) -> int:
        return sum(self.counts.values())

    def lines(self) -> Iterator[str]:
        """Yield one line per issue, then how many more there were."""
        yield from (str(issue) for issue in self.issues)
        if len(self) > len(self.issues):
            yield f"... and {len(self) - len(self.issues)} more"

    def _add(self, issue: Issue, count: int) -> None:
        self.counts[issue.severity] += count
        if len(self.issues) < _KEPT:
            self.issues.append(issue)


def _explain(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"field {error.args[0]!r} is missing" if error.args else "a field is missing"
    text = " ".join(str(error).split())[:200]
    if isinstance(error, IndexError):
        return "a list is too short"
    return f"cannot be read: {text}" if text else "cannot be read"


@dataclass(frozen=True, slots=True)
class Loss:
    """One kind of fact that the written file does not hold."""

    kind: str
    count: int
    explanation: str


@dataclass(slots=True)
class LossReport:
    """What a format could not hold, by kind. Empty when everything was written."""

    format: str
    frames: int = 0
    """Frames written."""
    labels: int = 0
    """Labels written."""
    losses: dict[str, Loss] = field(default_factory=dict)

    def add(self, kind: str, count: int, explanation: str) -> None:
        """Count more losses of a kind; a count of 0 adds nothing."""
        if count <= 0:
            return
        known = self.losses.get(kind)
        self.losses[kind] = Loss(kind, count + (known.count if known else 0), explanation)

    def __bool__(self) -> bool:
        return bool(self.losses)

    def lines(self) -> Iterator[str]:
        """Yield one line per kind, the most frequent first."""
        for loss in sorted(self.losses.values(), key=lambda item: (-item.count, item.kind)):
            yield f"{loss.count} x {loss.kind}: {loss.explanation}"

    def text(self) -> str:
        """Return the report as it is written beside the export."""
        head = f"{self.format}: {self.labels} labels in {self.frames} frames written"
        if not self:
            return f"{head}; nothing was lost\n"
        return "\n".join([f"{head}; the format does not hold:", *self.lines()]) + "\n"
