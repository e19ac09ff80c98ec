"""What a person can change, as the review page and the Python API call it: each call is one step of undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from framelabel.core.annotations import NO_ATTRIBUTES, Annotation, Origin, Provenance
from framelabel.core.boxes import NO_TRACK
from framelabel.core.errors import UsageError
from framelabel.core.frames import Span
from framelabel.core.geometry import clip
from framelabel.core.labels import Flag
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape, hull, shifted
from framelabel.core.tracks import Track, Visibility
from framelabel.core.videos import Video
from framelabel.store import edits, tracks
from framelabel.store.edits import Edit
from framelabel.store.project import Connection, Project
from framelabel.workflows.carried_shapes import carried, keyframe_facts
from framelabel.workflows.picture_tags import PICTURE_FACTS

Carry = Callable[[Track, Span], Track]
"""Solves a track's frames inside a span from its human boxes; see `framelabel.workflows.propagate.Carrier.carry`."""

_REACH = 300
"""Human boxes farther apart than this many frames are not joined by themselves; `propagate` does it when asked."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Frames in which both tracks of a merge have a box."""

    frames: tuple[int, ...]


class Editor:
    """One person at work on one project."""

    def __init__(self, project: Project, author: str, request: str = "") -> None:
        """Work as `author`; an edit that was done under the same `request` before is not done again."""
        self.project = project
        self.author = author
        self.request = request
        self.source = Provenance(Origin.HUMAN, author)
        self.predicted = Provenance(Origin.PROPAGATION, f"auto, after {author}")

    def put_box(
        self,
        video: Video,
        frame: int,
        xyxy: Sequence[float],
        *,
        track_id: int | None = None,
        class_name: str = "",
        visibility: Visibility | None = None,
        attributes: Mapping[str, AttributeValue] = NO_ATTRIBUTES,
        shape: Shape | None = None,
        flags: Flag | None = None,
        carry: Carry | None = None,
    ) -> tuple[Edit, int]:
        """Draw or correct a box; it becomes a keyframe. Without `track_id` a new track begins; return its id.

        Args:
            video: where.
            frame: frame ordinal.
            xyxy: pixels, x2/y2 exclusive; cut at the frame's border.
            track_id: the object, None for a new one.
            class_name: needed for a new object; keeps the track's class otherwise.
            visibility: visible, occluded or absent in this frame; None keeps an occluded object occluded.
            attributes: of this frame; the row that is replaced keeps its own otherwise.
            shape: exact geometry; without one, the shape that is replaced moves along with its box.
            flags: truncated, crowd, ignored; None keeps what they were.
            carry: solves the frames between this box and the object's adjacent human boxes anew.

        Raises:
            UsageError: no such frame, an empty box, or a new object without a class.
        """
        if not 0 <= frame < video.frame_count:
            raise UsageError(f"{video.name} has frames 0 to {video.frame_count - 1}, not {frame}")
        box = clip(np.array([xyxy], dtype=np.float64), video.size)[0]
        if not np.all(np.isfinite(box)) or box[2] - box[0] <= 0 or box[3] - box[1] <= 0:
            raise UsageError("the box is empty or outside the picture")
        older = self._current(video, frame, track_id) if track_id is not None else None
        class_id = self._class_id(video, class_name, track_id, older)
        number = self.project.take_track_id(video.id) if track_id is None else track_id
        kept = older.shape if older is not None and shape is None else shape
        if older is not None and shape is None and kept is not None:
            kept = shifted(kept, np.array(older.xyxy), box)
        fact = Annotation(
            video.id,
            frame,
            class_id,
            (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            self.source,
            number,
            1.0,
            _kept_visibility(visibility, older),
            True,
            flags=(older.flags if older is not None else Flag.NONE) if flags is None else flags,
            attributes=attributes or (older.attributes if older is not None else NO_ATTRIBUTES),
            shape=kept,
        )

        part = self._carried(video, fact, carry) if carry is not None and track_id is not None else None
        details = carried(self._keys(video, number, fact), part[0]) if part is not None else {}

        def change(connection: Connection) -> None:
            edits.put(connection, fact)
            if part is not None:
                tracks.replace(connection, video.id, part[0], part[1], self.predicted, details)

        name = self.project.ontology.names[class_id]
        title = f"{'draw' if track_id is None else 'correct'} {name} {number}"
        where = part[1] if part is not None else Span(frame, frame + 1)
        return self._edit(video, title, where, change), number

    def carry_around(self, edit: Edit, video: Video, track_id: int, carry: Carry) -> Edit | None:
        """Solve anew what lies around a box that an edit has stored; it belongs to that edit, and is undone with it.

        Returns the edit with the span that looks different now; None when no human box is near.
        """
        fact = self._current(video, edit.span.start, track_id)
        part = self._carried(video, fact, carry) if fact is not None and fact.is_keyframe else None
        if part is None:
            return None
        details = carried(self._keys(video, track_id), part[0])
        self.project.extend_edit(
            edit, lambda connection: tracks.replace(connection, video.id, part[0], part[1], self.predicted, details)
        )
        return replace(edit, span=part[1])

    def put_shape(
        self,
        video: Video,
        frame: int,
        shape: Shape,
        *,
        track_id: int | None = None,
        class_name: str = "",
        carry: Carry | None = None,
    ) -> tuple[Edit, int]:
        """Draw or correct a polygon, line or points, stored digit for digit; its hull is the label's box.

        A hull without extent (a single point, a straight line along an axis) gets one pixel of it.

        Raises:
            UsageError: as `put_box`, or a shape with too few points.
        """
        least = {Polygon: 3, Polyline: 2, Keypoints: 1}.get(type(shape), 0)
        rings = shape.rings if isinstance(shape, Polygon) else () if isinstance(shape, Mask) else (shape.points,)
        if any(len(ring) < least for ring in rings):
            raise UsageError(f"a {type(shape).__name__.lower()} needs {least} points or more")
        if not all(np.all(np.isfinite(ring)) for ring in rings):
            raise UsageError("a point of the shape is not a number")
        box = hull(shape)
        thin = box[2:] - box[:2] < 1
        box[:2] -= 0.5 * thin
        box[2:] += 0.5 * thin
        return self.put_box(
            video, frame, box.tolist(), track_id=track_id, class_name=class_name, shape=shape, carry=carry
        )

    def adopt(self, video: Video, frame: int, label_id: int) -> int:
        """Make an object of a label that belongs to none, and return its track; asked again, return the same one.

        Raises:
            UsageError: the label is not there any more.
        """
        for fact in self.project.annotations(video.id, Span(frame, frame + 1)):
            if label_id in (fact.id, fact.supersedes) and fact.track_id != NO_TRACK:
                return fact.track_id
            if fact.id == label_id:
                return self._adopt(video, fact)
        raise UsageError(f"frame {frame} of {video.name} has no label {label_id} any more")

    def _adopt(self, video: Video, fact: Annotation) -> int:
        number = self.project.take_track_id(video.id)
        adopted = replace(fact, provenance=self.source, track_id=number, supersedes=fact.id)
        title = f"make {self.project.ontology.names[fact.class_id]} {number} of a label"
        where = Span(fact.frame, fact.frame + 1)
        self._edit(video, title, where, lambda connection: edits.put(connection, adopted))
        return number

    def propagate(self, video: Video, track_id: int, span: Span, carry: Carry) -> Edit:
        """Carry an object's human boxes through a span; human boxes stay as they are.

        Raises:
            UsageError: no such track, or no person has drawn a box of it.
        """
        part = carry(self._track(video, track_id), span)
        details = carried(self._keys(video, track_id), part)
        return self._edit(
            video,
            f"carry {track_id}",
            span,
            lambda connection: tracks.replace(connection, video.id, part, span, self.predicted, details),
        )

    def delete(self, video: Video, track_id: int, span: Span | None = None) -> Edit:
        """Remove an object inside a span, or altogether."""
        where = span or Span(0, video.frame_count)

        def change(connection: Connection) -> None:
            tracks.remove(connection, edits.ids_of(connection, video.id, track_id, where), self.source)

        return self._edit(video, f"delete {track_id}", where, change)

    def set_class(self, video: Video, track_id: int, class_name: str, span: Span | None = None) -> Edit:
        """Change the class of an object inside a span, or altogether."""
        where, class_id = span or Span(0, video.frame_count), self.project.ontology.id_of(class_name)
        return self._edit(
            video,
            f"{track_id} is {class_name}",
            where,
            lambda connection: edits.reassign(
                connection, video.id, track_id, where, self.source, to_class=class_id
            ),
        )  # fmt: skip

    def set_attributes(
        self, video: Video, track_id: int, values: Mapping[str, AttributeValue], span: Span | None = None
    ) -> Edit:
        """Set attributes of an object inside a span, or altogether; those that are not named keep their values.

        Raises:
            UsageError: the object's class does not allow a value.
        """
        where, spec = (
            span or Span(0, video.frame_count),
            self.project.ontology.classes[self._track(video, track_id).class_id],
        )
        allowed = {item.name: item.values for item in spec.attributes}
        for name, value in values.items():
            if allowed.get(name) and value not in allowed[name]:
                known = ", ".join(str(item) for item in allowed[name])
                raise UsageError(f"{spec.name}: '{name}' is one of {known}, not '{value}'")
        return self._edit(
            video,
            f"{track_id}: " + ", ".join(f"{name} {value}" for name, value in values.items()),
            where,
            lambda connection: edits.reassign(
                connection, video.id, track_id, where, self.source, to_attributes=values
            ),
        )  # fmt: skip

    def split(self, video: Video, track_id: int, frame: int) -> tuple[Edit, int]:
        """End an object before `frame`; what follows becomes a new object, whose id is returned."""
        number = self.project.take_track_id(video.id)
        where = Span(frame, video.frame_count)
        edit = self._edit(
            video,
            f"split {track_id}",
            where,
            lambda connection: edits.reassign(connection, video.id, track_id, where, self.source, to_track=number),
        )
        return edit, number

    def merge(self, video: Video, kept: int, other: int, *, force: bool = False) -> Edit | Conflict:
        """Make two tracks one, under the id `kept`; where both have a box, say so first.

        With `force` the box of `kept` stands in those frames.
        """
        first, second = (self._track(video, track_id) for track_id in (kept, other))
        doubled = np.intersect1d(first.frame, second.frame, assume_unique=True)
        if len(doubled) and not force:
            return Conflict(tuple(doubled.tolist()))
        where = Span(int(second.frame[0]), int(second.frame[-1]) + 1)

        def change(connection: Connection) -> None:
            for frame in doubled.tolist():
                found = edits.ids_of(connection, video.id, other, Span(frame, frame + 1))
                tracks.remove(connection, found, self.source)
            edits.reassign(
                connection, video.id, other, where, self.source, to_track=kept, to_class=first.class_id
            )  # fmt: skip

        return self._edit(video, f"merge {other} into {kept}", where, change)

    def swap(self, video: Video, one: int, two: int, frame: int) -> Edit:
        """Exchange the ids of two objects from `frame` on."""
        where = Span(frame, video.frame_count)

        def change(connection: Connection) -> None:
            between = tracks.next_track_id(connection, video.id)
            for source, target in ((one, between), (two, one), (between, two)):
                edits.reassign(connection, video.id, source, where, self.source, to_track=target)

        return self._edit(video, f"swap {one} and {two}", where, change)

    def tag(self, video: Video, frame: int, tags: Mapping[str, AttributeValue]) -> Edit:
        """Set whole-frame attributes; a picture's name and size stay."""
        found = [item for item in self.project.annotations(video.id, Span(frame, frame + 1)) if item.class_id < 0]
        older = [item.id for item in found]
        kept = {key: value for item in found for key, value in item.attributes.items() if key in PICTURE_FACTS}
        fact = Annotation(video.id, frame, -1, (0.0, 0.0, 0.0, 0.0), self.source, attributes={**kept, **tags})
        where = Span(frame, frame + 1)

        def change(connection: Connection) -> None:
            tracks.remove(connection, older, self.source)
            edits.put(connection, fact)

        return self._edit(video, f"tag frame {frame}", where, change)

    def undo(self) -> Edit | None:
        """Undo this person's last edit."""
        return self.project.undo(self.author)

    def redo(self) -> Edit | None:
        """Redo what this person undid last."""
        return self.project.redo(self.author)

    def _carried(self, video: Video, fact: Annotation, carry: Carry) -> tuple[Track, Span] | None:
        """Return what lies between a new human box and its neighbours, solved anew; None without a near neighbour."""
        found = self.project.tracks(video.id, track_ids=[fact.track_id])
        if not found:
            return None
        track = _with_keyframe(found[0], fact)
        keys = track.frame[track.is_keyframe]
        before = keys[(keys < fact.frame) & (keys >= fact.frame - _REACH)]
        after = keys[(keys > fact.frame) & (keys <= fact.frame + _REACH)]
        span = Span(int(before[-1]) if len(before) else fact.frame, int(after[0]) + 1 if len(after) else fact.frame + 1)
        if len(span) <= 1:
            return None
        return carry(track, span), span

    def _edit(self, video: Video, title: str, span: Span, change: Callable[[Connection], object]) -> Edit:
        edit, _ = self.project.edit(Edit(video.id, self.author, title, span, request=self.request), change)
        return edit

    def _keys(self, video: Video, track_id: int, new: Annotation | None = None) -> list[Annotation]:
        """Return a track's human labels in order of time, with one that is about to be stored."""
        kept = [
            fact for fact in keyframe_facts(self.project, video.id, track_id) if new is None or fact.frame != new.frame
        ]
        return sorted([*kept, *([new] if new is not None else [])], key=lambda fact: fact.frame)

    def _current(self, video: Video, frame: int, track_id: int) -> Annotation | None:
        found = list(self.project.annotations(video.id, Span(frame, frame + 1), [track_id]))
        return found[-1] if found else None

    def _track(self, video: Video, track_id: int) -> Track:
        found = self.project.tracks(video.id, track_ids=[track_id])
        if not found:
            raise UsageError(f"{video.name} has no track {track_id}")
        return found[0]

    def _class_id(self, video: Video, class_name: str, track_id: int | None, older: Annotation | None) -> int:
        if class_name:
            return self.project.ontology.id_of(class_name)
        if older is not None:
            return older.class_id
        if track_id is None:
            raise UsageError("a new object needs a class")
        return self._track(video, track_id).class_id


def _kept_visibility(wanted: Visibility | None, older: Annotation | None) -> Visibility:
    """Return what is asked for; without that an occluded object stays occluded, and a box that is drawn is there."""
    if wanted is not None:
        return wanted
    is_occluded = older is not None and older.visibility == Visibility.OCCLUDED
    return Visibility.OCCLUDED if is_occluded else Visibility.VISIBLE


def _with_keyframe(track: Track, fact: Annotation) -> Track:
    """Return a track with one human box more (or in place of what it had in that frame)."""
    kept = track.select(track.frame != fact.frame)
    at = int(np.searchsorted(kept.frame, fact.frame))
    return Track.of(
        track.id,
        np.insert(kept.frame, at, fact.frame),
        np.insert(kept.xyxy, at, fact.xyxy, axis=0),
        class_id=fact.class_id,
        is_keyframe=np.insert(kept.is_keyframe, at, True),
        uncertainty=np.insert(kept.uncertainty, at, 0.0),
        visibility=np.insert(kept.visibility, at, int(fact.visibility)),
        score=np.insert(kept.score, at, 1.0),
    )
