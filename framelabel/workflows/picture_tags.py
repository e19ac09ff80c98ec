"""Names and sizes of single pictures, kept in a project as tags of their frames: it knows videos, not file names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.labels import Labels
from framelabel.core.ontology import AttributeValue
from framelabel.core.videos import Video

NAME = "picture"
"""The tag that holds a picture's file name."""
_WIDTH, _HEIGHT = "picture_width", "picture_height"
PICTURE_FACTS = frozenset({NAME, _WIDTH, _HEIGHT})
"""Tags that say which picture a frame is; people's answers leave them as they are."""


def picture_fact(video: Video, frame: int, name: str, picture_size: tuple[int, int]) -> Annotation:
    """Return the tag that keeps one picture's name, and its size where it is not the video's.

    Args:
        video: the folder of pictures as the project knows it.
        frame: frame ordinal.
        name: file name, relative to the folder.
        picture_size: (width, height).
    """
    width, height = picture_size
    size: dict[str, AttributeValue] = {} if picture_size == video.size else {_WIDTH: width, _HEIGHT: height}
    source = Provenance(Origin.IMPORT, video.path)
    return Annotation(video.id, frame, -1, (0.0, 0.0, 0.0, 0.0), source, attributes={NAME: name, **size})


def tagged(labels: Labels) -> Labels:
    """Return labels whose picture names and differing sizes are tags of the frames."""
    table = labels.frames
    if not table.name and table.size is None:
        return labels
    tags: dict[int, Mapping[str, AttributeValue]] = {}
    for row in range(len(table)):
        own: dict[str, AttributeValue] = dict(labels.frame_attributes.get(row, {}))
        if table.name and table.name[row]:
            own[NAME] = table.name[row]
        if table.size is not None:
            own |= {_WIDTH: int(table.size[row, 0]), _HEIGHT: int(table.size[row, 1])}
        if own:
            tags[row] = own
    return replace(labels, frames=replace(table, name=(), size=None), frame_attributes=tags)


def untagged(labels: Labels) -> Labels:
    """Return labels with the names and sizes that `tagged` put away."""
    table = labels.frames
    names, sizes, tags = [""] * len(table), np.zeros((len(table), 2), np.int32), {}
    for row, given in labels.frame_attributes.items():
        own = dict(given)
        names[row] = str(own.pop(NAME, ""))
        sizes[row] = int(own.pop(_WIDTH, 0)), int(own.pop(_HEIGHT, 0))
        if own:
            tags[row] = own
    has_sizes = bool(sizes.any())
    if not any(names) and not has_sizes:
        return labels
    usual = np.array([video.size for video in labels.videos], np.int32).reshape(-1, 2)[table.video]
    sizes = np.where(sizes > 0, sizes, usual)
    frames = replace(table, name=tuple(names) if any(names) else (), size=sizes if has_sizes else None)
    return replace(labels, frames=frames, frame_attributes=tags)
