"""What every format is: pure `parse` and `render` inside, `detect`, `read` and `write` around them."""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast

from framelabel.core.errors import InvalidLabelsError, UnsupportedLabelsError
from framelabel.core.labels import Labels
from framelabel.formats import events
from framelabel.formats.archives import unpacked
from framelabel.formats.conventions import default_name
from framelabel.formats.files import safe_relative, write_all
from framelabel.formats.holding import Holds, fit, frame_names
from framelabel.formats.report import LossReport, Report

O = TypeVar("O")  # noqa: E741 - the options of one format

Piece = tuple[str, bytes]
"""A file's name below the target ("" for the target itself) and the next part of its content."""


class Format(ABC, Generic[O]):
    """One annotation format. An instance carries its options; it keeps no state between calls."""

    name: ClassVar[str]
    """As on the command line."""
    title: ClassVar[str]
    """As people call it."""
    Options: ClassVar[type[Any]]
    """The frozen dataclass of this format's options."""

    has_events: ClassVar[bool] = False
    """Whether `render` writes events itself; without, those it holds become tags of frames."""

    one_file_suffix: ClassVar[str] = ""
    """A target with this suffix is the file of the only video; "" when the format decides otherwise."""

    def __init__(self, options: O | None = None) -> None:
        self.options: O = options if options is not None else cast("O", self.Options())

    @classmethod
    @abstractmethod
    def detect(cls, path: Path) -> bool:
        """Return whether the content at `path` looks like this format. Never raises."""

    @abstractmethod
    def holds(self) -> Holds:
        """Return what this format can hold under these options."""

    @abstractmethod
    def parse(self, path: Path, report: Report) -> Labels:
        """Read the files below `path`; records that cannot be read are reported and left out."""

    @abstractmethod
    def render(self, labels: Labels) -> Iterator[Piece]:
        """Yield the files that hold `labels`, which `fit` has reduced to what the format holds."""

    def check(self, labels: Labels, report: Report) -> None:
        """Warn of what this format's own tools will not accept."""

    def picture_paths(self, labels: Labels, path: Path) -> list[Path]:
        """Return where the picture of every frame goes beside labels written to `path`."""
        root = path.absolute().parent / "images" if path.suffix else path.absolute() / "images"
        return [root / safe_relative(name) for name in frame_names(labels, default_name)]

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Return the labels as they will be read back; what is dropped is counted in `loss`."""
        return fit(labels, self.holds(), loss)

    def read(self, path: Path | str) -> tuple[Labels, Report]:
        """Read labels and say what was skipped. A zip archive is unpacked for as long as that takes.

        Raises:
            InvalidLabelsError: nothing there, or the file as a whole is not this format.
        """
        place = Path(path)
        report = Report(str(place))
        if not place.exists():
            raise InvalidLabelsError(f"{place}: no such file or folder")
        with unpacked(place) as (content, named), _many_objects():
            labels = events.untagged(self.parse(content, report), report)
            report.issues = [replace(issue, file=named(issue.file)) for issue in report.issues]
        report.file = str(place)
        return labels, report

    def write(self, labels: Labels, path: Path | str) -> LossReport:
        """Write labels beside the target and rename; what is lost is returned and written as `NAME.losses.txt`.

        Raises:
            UnsupportedLabelsError: the format cannot hold this at all; nothing was written.
        """
        place = Path(path)
        loss = LossReport(self.name)
        fitted = self.fit(labels, loss)
        loss.frames, loss.labels = len(fitted.frames), len(fitted)
        content = self.render(fitted if self.has_events else events.tagged(fitted))
        if self.one_file_suffix and place.suffix.lower() == self.one_file_suffix:
            content = _as_one_file(content, place)
        write_all(place, content)
        write_losses(place, [loss])
        return loss


def write_losses(path: Path, losses: Iterable[LossReport]) -> None:
    """Write what exports to one place could not hold as `NAME.losses.txt` beside it; no file when nothing was lost."""
    beside = path.absolute().with_name(path.absolute().name + ".losses.txt")
    text = "".join(loss.text() for loss in losses if loss)
    if text:
        write_all(beside, [("", text.encode())])
    else:
        beside.unlink(missing_ok=True)


@contextmanager
def _many_objects() -> Iterator[None]:
    """Make many objects that all stay: the collector would look at each of them again and again and find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _as_one_file(content: Iterator[Piece], path: Path) -> Iterator[Piece]:
    """Yield the pieces of the only file under the name of the target itself.

    Raises:
        UnsupportedLabelsError: there are several files.
    """
    first = None
    for name, piece in content:
        first = name if first is None else first
        if name != first:
            raise UnsupportedLabelsError(f"{path}: one file holds one video, there are several; name a folder instead")
        yield "", piece
