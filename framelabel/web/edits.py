"""Edits as the page names them, handed to the editor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from framelabel.core.errors import FramelabelError, UsageError
from framelabel.core.frames import Span
from framelabel.core.labels import Flag
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Keypoints, Polygon, Polyline, Shape
from framelabel.core.tracks import Visibility
from framelabel.core.videos import Video
from framelabel.store.edits import Edit
from framelabel.web.studio import Studio
from framelabel.workflows.edit import Conflict, Editor


def apply(studio: Studio, editor: Editor, body: dict[str, Any]) -> tuple[Edit, int | None] | Conflict:
    """Run one edit as the page names it.

    Raises:
        UsageError: unknown action, or a missing or malformed value.
    """
    try:
        action, video = str(body["action"]), studio.video(int(body["video"]))
        track = None if body.get("track") is None else int(body["track"])
        frame = int(body.get("frame", 0))
        span = Span(int(body["start"]), int(body["stop"])) if "start" in body else None
        done = editor.project.edit_of_request(editor.author, editor.request)
        if done is not None:
            return done, track
        if track is None and body.get("label") is not None:
            first = Editor(editor.project, editor.author, editor.request and f"{editor.request} object")
            track = first.adopt(video, frame, int(body["label"]))
        if action == "box":
            return _put(studio, editor, body, video, frame, track)
        if action == "tag":
            return editor.tag(video, frame, _values(body["tags"])), None
        if track is None:
            raise UsageError(f"'{action}' needs a track")
        if action == "delete":
            return editor.delete(video, track, span), track
        if action == "attributes":
            return editor.set_attributes(video, track, _values(body["values"]), span), track
        if action == "class":
            return editor.set_class(video, track, str(body["class"]), span), track
        if action == "propagate":
            where = span or Span(frame, min(frame + 100, video.frame_count))
            return editor.propagate(video, track, where, studio.carry(video)), track
        if action == "split":
            return editor.split(video, track, frame)
        if action == "swap":
            return editor.swap(video, track, int(body["other"]), frame), track
        if action == "merge":
            merged = editor.merge(video, track, int(body["other"]), force=bool(body.get("force")))
            return merged if isinstance(merged, Conflict) else (merged, track)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, FramelabelError):
            raise
        raise UsageError(f"malformed edit: {error!r}") from None
    raise UsageError(f"unknown action '{action}'")


def _put(
    studio: Studio, editor: Editor, body: Mapping[str, Any], video: Video, frame: int, track: int | None
) -> tuple[Edit, int]:
    """Draw or correct a box or a shape. A box sent for a label that has a shape moves the shape with it."""
    class_name, shape = str(body.get("class", "")), _shape(body)
    if shape is not None:
        return editor.put_shape(video, frame, shape, track_id=track, class_name=class_name)
    return editor.put_box(
        video,
        frame,
        [float(side) for side in body["xyxy"]],
        track_id=track,
        class_name=class_name,
        visibility=None if body.get("visibility") is None else Visibility(int(body["visibility"])),
        attributes=_values(body.get("attributes") or {}),
        flags=_flags(studio, body, video, frame, track),
    )


def _flags(studio: Studio, body: Mapping[str, Any], video: Video, frame: int, track: int | None) -> Flag | None:
    """Return the flags with "truncated" set as asked; None when nothing is asked."""
    if body.get("truncated") is None:
        return None
    older = list(studio.project.annotations(video.id, Span(frame, frame + 1), [track] if track is not None else []))
    kept = (older[-1].flags if older else Flag.NONE) & ~Flag.TRUNCATED
    return kept | Flag.TRUNCATED if body["truncated"] else kept


def _shape(body: Mapping[str, Any]) -> Shape | None:
    """Return the shape of an edit; None for a plain box."""
    if body.get("polygon"):
        return Polygon(tuple(_points(ring) for ring in body["polygon"]))
    if body.get("polyline"):
        return Polyline(_points(body["polyline"]))
    if body.get("points"):
        points = _points(body["points"])
        visible = np.array(body.get("visible") or [2] * len(points), dtype=np.int8)
        if visible.shape != (len(points),):
            raise UsageError(f"{len(points)} points need as many marks of visibility, got {len(visible)}")
        return Keypoints(points, visible)
    return None


def _points(values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (K, 2) points.

    Raises:
        UsageError: not a list of pairs of numbers.
    """
    points = np.array(values, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise UsageError("a shape is a list of [x, y] pairs")
    return points


def _values(values: Any) -> dict[str, AttributeValue]:
    """Return attributes as sent, checked to be names with plain values.

    Raises:
        UsageError: something else.
    """
    if not isinstance(values, Mapping) or not all(
        isinstance(value, str | int | float | bool) for value in values.values()
    ):
        raise UsageError("attributes are names with a text, a number, true or false")
    return {str(name): value for name, value in values.items()}
