"""Cuts of a film: seen while its frames are looked at, kept with the project; no label goes over one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import Frame, FrameIndex, Span
from framelabel.core.protocols import Reporter
from framelabel.core.videos import Video
from framelabel.media import open_video
from framelabel.store import documents
from framelabel.store.documents import Document
from framelabel.store.project import Project
from framelabel.tracking.shots import VERSION, ShotCuts
from framelabel.workflows.camera_path import name_of
from framelabel.workflows.frame_source import FrameSource, stored_index

_KIND = "shot_cuts"


@dataclass(slots=True)
class Watched:
    """A source of frames whose pictures are also looked at for cuts, on their way to others."""

    source: FrameSource
    _cuts: ShotCuts = field(default_factory=ShotCuts)
    _is_whole: bool = False

    def total(self) -> int | None:
        """Return how many frames there are to do."""
        return self.source.total()

    def frames(self, done: int) -> Iterator[Frame]:
        """Yield the frames to do, from number `done` on."""
        for frame in self.source.frames(done):
            self._cuts.add(frame.image)
            yield frame
        self._is_whole = done == 0

    def ordinals(self) -> NDArray[np.int64]:
        """Return the ordinals of all frames to do."""
        return self.source.ordinals()

    def found(self) -> list[int] | None:
        """Return the places, among the frames to do, of those with which a shot begins; None unless all were seen."""
        return self._cuts.found() if self._is_whole else None


def cuts_among(
    project: Project, video: Video, frames: NDArray[np.int64], report: Reporter, watched: Watched | None = None
) -> list[int]:
    """Return the frames with which a new shot begins; what is not known is looked for, and kept.

    Args:
        project: one that is open for reading only keeps nothing.
        video: the footage.
        frames: (F,) ordinals to look at, ascending.
        report: hears how far that is.
        watched: what was seen of these frames on their way elsewhere.

    Returns:
        Some of `frames`, ascending: the first that was looked at of each shot but the first.

    Raises:
        UnreadableVideoError: the footage cannot be read.
    """
    name = f"{name_of(video, frames)}:{VERSION}"
    known = project.document(_KIND, name)
    if known is not None:
        return list(json.loads(known.content)["cuts"])
    places = watched.found() if watched is not None else None
    if places is None:
        places = _looked_for(video, project.frame_index(video.id), frames, report)
    cuts = frames[places].tolist()
    content = json.dumps({"frames": len(frames), "cuts": cuts}).encode()
    if project.is_writable:
        project.put_document(Document(_KIND, name, "application/json", content))
    return list(cuts)


def known_cuts(project: Project, video: Video) -> list[int] | None:
    """Return the frames with which a new shot begins, of the look at most frames; None where nobody has looked."""
    names = project.read(documents.names, _KIND)
    found = [
        json.loads(document.content)
        for name in names
        if name.startswith(f"{video.id}:") and name.endswith(f":{VERSION}")
        if (document := project.document(_KIND, name)) is not None
    ]
    return list(max(found, key=lambda look: look["frames"])["cuts"]) if found else None


def cuts_of(project: Project, video: Video, report: Reporter) -> list[int]:
    """Return the frames with which a new shot begins; footage that nobody has looked at is decoded once.

    Labels without footage at hand have no cuts.
    """
    known = known_cuts(project, video)
    if known is not None:
        return known
    index = stored_index(project, video)
    if index is None or not len(index) or not video.path or not Path(video.path).exists():
        return []
    return cuts_among(project, video, np.arange(len(index)), report)


def shots_within(span: Span, cuts: list[int]) -> list[Span]:
    """Return the parts of a span that lie in one shot each.

    >>> shots_within(Span(5, 20), [0, 8, 30])
    [Span(start=5, stop=8), Span(start=8, stop=20)]
    """
    edges = [span.start, *(cut for cut in cuts if span.start < cut < span.stop), span.stop]
    return [Span(low, high) for low, high in pairwise(edges)]


def _looked_for(video: Video, index: FrameIndex, frames: NDArray[np.int64], report: Reporter) -> list[int]:
    report.start(f"cuts {video.name}", len(frames))
    cuts = ShotCuts()
    with closing(open_video(video, index)) as reader:
        for frame in reader.read(frames.tolist()):
            cuts.add(frame.image)
            report.advance()
    return cuts.found()
