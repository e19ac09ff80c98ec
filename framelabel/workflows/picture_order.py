"""Labels of single pictures, put onto the frames of a folder by name, never by their order in a file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from framelabel.core.labels import FrameTable, Labels
from framelabel.core.videos import Video
from framelabel.formats.report import Report
from framelabel.media import open_video
from framelabel.media.images import ImagesReader


def in_footage_order(labels: Labels, matched: Mapping[int, Video], report: Report) -> Labels:
    """Return labels whose frames have the ordinals that their pictures have in the footage.

    Args:
        labels: with names of pictures; without, they come back as they are.
        matched: row of `labels.videos` -> the project's video that it belongs to.
        report: hears of pictures that the footage does not have; their labels are left out.
    """
    table = labels.frames
    if not table.name:
        return labels
    index = table.index.copy()
    for row, video in matched.items():
        names = picture_names(video)
        if not names:
            continue
        places = {PurePath(name).name: at for at, name in enumerate(names)}
        for at in np.flatnonzero(table.video == row).tolist():
            index[at] = places.get(PurePath(table.name[at].replace("\\", "/")).name, -1)
    missing = np.flatnonzero(index < 0)
    for at in missing[:3].tolist():
        report.skip(table.name[at], "no such picture in the footage", "give the folder that holds it")
    if len(missing) > 3:
        report.skip("", f"{len(missing) - 3} further pictures are not in the footage", count=len(missing) - 3)
    return _reordered(labels, index)


def picture_names(video: Video) -> tuple[str, ...]:
    """Return the file names of a folder of pictures, by frame ordinal; () for a video or labels without footage."""
    if not video.path:
        return ()
    with closing(open_video(video)) as reader:
        return tuple(path.name for path in reader.paths) if isinstance(reader, ImagesReader) else ()


def _reordered(labels: Labels, index: NDArray[np.int64]) -> Labels:
    """Return labels with other frame ordinals; frames of -1 go, the others are sorted anew."""
    table = labels.frames
    kept = np.flatnonzero(index >= 0)
    order = kept[np.lexsort((index[kept], table.video[kept]))]
    rank = np.full(len(table), -1, np.int64)
    rank[order] = np.arange(len(order))
    frames = FrameTable(
        table.video[order],
        index[order],
        tuple(table.name[at] for at in order),
        None if table.size is None else table.size[order],
    )
    rows = labels.select(rank[labels.frame] >= 0)
    sorted_rows = np.argsort(rank[rows.frame], kind="stable")
    place = np.empty(len(rows), np.int64)
    place[sorted_rows] = np.arange(len(rows))
    return replace(
        rows,
        frames=frames,
        frame=rank[rows.frame][sorted_rows],
        xyxy=rows.xyxy[sorted_rows],
        class_id=rows.class_id[sorted_rows],
        track_id=rows.track_id[sorted_rows],
        score=rows.score[sorted_rows],
        flags=rows.flags[sorted_rows],
        visible=rows.visible[sorted_rows],
        shapes={int(place[row]): shape for row, shape in rows.shapes.items()},
        attributes={int(place[row]): values for row, values in rows.attributes.items()},
        frame_attributes={int(rank[at]): tags for at, tags in labels.frame_attributes.items() if rank[at] >= 0},
    )
