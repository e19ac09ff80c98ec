"""The Python API: one object for one project file, whose methods are the commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from framelabel.core.boxes import Boxes
from framelabel.core.errors import FramelabelError
from framelabel.core.frames import Frame
from framelabel.core.labels import Labels
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.media import open_video
from framelabel.store.project import Project
from framelabel.workflows import export, import_labels, label, propagate


class DataSet:
    """A project file as data: label videos into it, read frames with their labels, export.

    Holds no lock and no open file between calls, so the command line and the review page can work beside it.
    """

    def __init__(self, path: Path | str, *, reporter: Reporter = SILENT) -> None:
        """Name the project file; it is created when it does not exist."""
        self.path = Path(path)
        self._reporter = reporter
        if not self.path.exists():
            Project(self.path, create=True).close()

    def label(self, *videos: Path | str, plugin: str, **settings: Any) -> label.LabelSummary:
        """Label videos with a plugin; `settings` are the other fields of `LabelConfig` (the flags of the command).

        Raises:
            FramelabelError: a video could not be labelled; the others were, and are stored.
        """
        paths = tuple(Path(video) for video in videos)
        config = label.LabelConfig(videos=paths, plugin=plugin, project=self.path, **settings)
        summary = label.run(config, self._reporter)
        problems = [f"{video.path}: {video.problem}" for video in summary.videos if video.problem]
        if problems or summary.problems:
            raise FramelabelError("; ".join([*problems, *summary.problems]))
        return summary

    def videos(self) -> list[Video]:
        """Return the videos in the order they were added."""
        with Project(self.path) as project:
            return project.videos()

    def labels(self) -> Labels:
        """Return all current labels in columns."""
        with Project(self.path) as project:
            return project.labels()

    def tracks(self, video: str) -> list[Track]:
        """Return the current tracks of one video, by name."""
        with Project(self.path) as project:
            return project.tracks(project.video(video).id)

    def frames(self, video: str) -> Iterator[tuple[Frame, Boxes]]:
        """Yield every labelled frame of one video with its picture and boxes, in order."""
        with Project(self.path) as project:
            found = project.video(video)
            labels, index = project.labels([found.id]), project.frame_index(found.id)
        with closing(open_video(found, index)) as reader:
            for frame in reader.read(int(ordinal) for ordinal in labels.frames.index):
                row = int(np.searchsorted(labels.frames.index, frame.ref.index))
                yield frame, labels.boxes(row)

    def import_labels(self, source: Path | str, **settings: Any) -> import_labels.ImportSummary:
        """Read labels made elsewhere; `settings` are the other fields of `ImportConfig`."""
        config = import_labels.ImportConfig(project=self.path, source=Path(source), **settings)
        return import_labels.run(config, self._reporter)

    def propagate(self, **settings: Any) -> propagate.PropagateSummary:
        """Carry human boxes through the frames between; `settings` are the other fields of `PropagateConfig`."""
        return propagate.run(propagate.PropagateConfig(project=self.path, **settings), self._reporter)

    def export(self, destination: Path | str, *, to: str, **settings: Any) -> export.ExportSummary:
        """Write the labels in a format; `settings` are the other fields of `ExportConfig`."""
        config = export.ExportConfig(project=self.path, destination=Path(destination), to=to, **settings)
        return export.run(config, self._reporter)
