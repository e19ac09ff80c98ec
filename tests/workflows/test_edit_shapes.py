"""Shapes, attributes and requests: stored digit for digit, carried with the box, undone together, done once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from framelabel.core.annotations import Annotation
from framelabel.core.errors import UsageError
from framelabel.core.frames import Span, VideoId
from framelabel.core.labels import Flag
from framelabel.core.ontology import AttributeSpec, ClassSpec, Ontology
from framelabel.core.shapes import Keypoints, Polygon, Polyline, Shape
from framelabel.core.tracks import Track, Visibility
from framelabel.core.videos import Video
from framelabel.store.geometry import to_text
from framelabel.store.project import Project
from framelabel.workflows.edit import Editor

COLOUR = AttributeSpec("colour", ("red", "blue"), None, mutable=False)
DOOR = AttributeSpec("door", ("open", "shut"))
SHAPES: dict[str, Shape] = {
    "polygon": Polygon((np.array([[10.1, 20.2], [30.3, 20.2], [30.3, 44.444444444]]),)),
    "polygon-with-hole": Polygon(
        (np.array([[10.0, 10], [40, 10], [40, 40], [10, 40]]), np.array([[20.0, 20], [30, 20], [30, 30]]))
    ),
    "polyline": Polyline(np.array([[0.5, 1 / 3], [50.25, 60.125], [99.0, 2.0]])),
    "level-line": Polyline(np.array([[5.0, 50.0], [90.0, 50.0]])),
    "points": Keypoints(np.array([[10.0, 12.0], [14.0, 18.5]]), np.array([2, 1], np.int8)),
    "one-point": Keypoints(np.array([[33.3, 44.4]]), np.array([2], np.int8)),
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Return a project of one clip of 20 frames, 100 x 100, with a class that has attributes."""
    with Project(tmp_path / "p.framelabel", create=True) as opened:
        opened.add_video(Video(VideoId(0), "clip", "", 100, 100, 20, Fraction(1, 25), Fraction(25)))
        opened.extend_ontology(Ontology((ClassSpec("car", attributes=(COLOUR, DOOR)), ClassSpec("lane"))))
        yield opened


@pytest.fixture
def ada(project: Project) -> Editor:
    """Return an editor."""
    return Editor(project, "ada")


@pytest.fixture
def video(project: Project) -> Video:
    """Return the clip."""
    return project.video("clip")


def facts(project: Project, track: int) -> dict[int, Annotation]:
    """Return what is current of a track, by frame."""
    return {fact.frame: fact for fact in project.annotations(VideoId(1), None, [track])}


def moved(track: Track, span: Span) -> Track:
    """Carry an object two pixels a frame to the right of its first human box."""
    first = int(np.flatnonzero(track.is_keyframe)[0])
    frames = np.arange(span.start, span.stop)
    boxes = track.xyxy[first] + 2.0 * (frames - track.frame[first])[:, None] * np.array([1, 0, 1, 0])
    is_key = np.isin(frames, track.frame[track.is_keyframe])
    return Track.of(track.id, frames, boxes, class_id=track.class_id, is_keyframe=is_key)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_drawn_shape_is_stored_digit_for_digit(project: Project, ada: Editor, video: Video, shape: Shape) -> None:
    """The shape read back has the very numbers that were drawn; its box is its hull and has an extent."""
    _, number = ada.put_shape(video, 3, shape, class_name="lane")
    fact = facts(project, number)[3]
    assert to_text(fact.shape) == to_text(shape)
    assert fact.is_keyframe
    assert fact.xyxy[2] > fact.xyxy[0]
    assert fact.xyxy[3] > fact.xyxy[1]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (Polygon((np.array([[1.0, 1], [5, 5]]),)), "a polygon needs 3 points"),
        (Polyline(np.array([[1.0, 1]])), "a polyline needs 2 points"),
        (Polyline(np.array([[1.0, 1], [np.nan, 2]])), "not a number"),
        (Polygon((np.array([[200.0, 200], [300, 200], [300, 300]]),)), "outside the picture"),
    ],
    ids=["two-corners", "one-point", "nan", "outside"],
)
def test_a_shape_that_is_none_is_refused(ada: Editor, video: Video, shape: Shape, message: str) -> None:
    """Nothing is stored of a shape without extent or with impossible numbers; the message says what is wrong."""
    with pytest.raises(UsageError, match=message):
        ada.put_shape(video, 3, shape, class_name="lane")


def test_shape_and_attributes_are_carried_and_undone_as_one_step(project: Project, ada: Editor, video: Video) -> None:
    """Carried boxes have the shape at their own place and the keyframe's attributes; undo takes them together."""
    shape = SHAPES["polygon"]
    assert isinstance(shape, Polygon)
    _, number = ada.put_shape(video, 0, shape, class_name="car")
    ada.set_attributes(video, number, {"colour": "red"})
    ada.propagate(video, number, Span(0, 6), moved)
    found = facts(project, number)
    assert sorted(found) == [0, 1, 2, 3, 4, 5]
    for frame, fact in found.items():
        assert isinstance(fact.shape, Polygon)
        np.testing.assert_allclose(fact.shape.rings[0], shape.rings[0] + [2.0 * frame, 0], atol=1e-9)
        assert fact.attributes == {"colour": "red"}
    ada.undo()
    assert sorted(facts(project, number)) == [0]


def test_attributes_hold_from_a_frame_on(project: Project, ada: Editor, video: Video) -> None:
    """An attribute set from frame 3 on leaves earlier frames and other attributes as they were."""
    _, number = ada.put_box(video, 0, (10, 10, 20, 20), class_name="car")
    ada.set_attributes(video, number, {"colour": "blue"})
    ada.propagate(video, number, Span(0, 5), moved)
    ada.set_attributes(video, number, {"door": "open"}, Span(3, 20))
    found = facts(project, number)
    assert found[2].attributes == {"colour": "blue"}
    assert found[3].attributes == {"colour": "blue", "door": "open"}
    assert found[0].is_keyframe
    assert not found[3].is_keyframe, "an attribute says nothing about the box"
    with pytest.raises(UsageError, match="'door' is one of open, shut, not 'ajar'"):
        ada.set_attributes(video, number, {"door": "ajar"})


def test_correcting_a_box_keeps_what_is_known_of_it(project: Project, ada: Editor, video: Video) -> None:
    """A truncated, occluded object stays so when its box is moved; both change when a person says so."""
    _, number = ada.put_box(
        video, 0, (10, 10, 20, 20), class_name="car", visibility=Visibility.OCCLUDED, flags=Flag.TRUNCATED
    )
    ada.put_box(video, 0, (12, 10, 22, 20), track_id=number)
    assert (facts(project, number)[0].visibility, facts(project, number)[0].flags) == (
        Visibility.OCCLUDED,
        Flag.TRUNCATED,
    )
    ada.put_box(video, 0, (12, 10, 22, 20), track_id=number, visibility=Visibility.VISIBLE, flags=Flag.NONE)
    assert (facts(project, number)[0].visibility, facts(project, number)[0].flags) == (Visibility.VISIBLE, Flag.NONE)


def test_a_request_sent_twice_is_done_once(project: Project, video: Video) -> None:
    """A page that got no answer may send its edit again: one object, one step of undo; other requests are others."""
    for request in ("a1", "a1", "a2"):
        Editor(project, "ada", request).put_box(video, 0, (10, 10, 20, 20), class_name="car")
    Editor(project, "bob", "a1").put_box(video, 0, (10, 10, 20, 20), class_name="car")
    assert len(project.tracks(VideoId(1))) == 3
    assert project.edits_by_author() == {"ada": 2, "bob": 1}


def test_two_who_draw_at_once_get_two_objects(project: Project, video: Video) -> None:
    """Objects drawn at the same moment by many people never share an id."""

    def draw(number: int) -> int:
        return Editor(project, f"person {number}").put_box(video, 0, (10, 10, 20, 20), class_name="car")[1]

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(draw, range(64)))
    assert len(set(ids)) == 64
    assert len(project.tracks(VideoId(1))) == 64
