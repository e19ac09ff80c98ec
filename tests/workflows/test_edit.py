"""What people change: each change one step of undo, public ids stable, nobody's work lost."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.boxes import NO_TRACK
from framelabel.core.errors import UnknownNameError, UsageError
from framelabel.core.frames import Span, VideoId
from framelabel.core.ontology import Ontology
from framelabel.core.shapes import Polygon
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.store.project import Project
from framelabel.workflows import merge
from framelabel.workflows.edit import Conflict, Editor

State = dict[int, list[tuple[int, float, int]]]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Return a project with tracks 1 (frames 0-9) and 2 (frames 12-19), both persons."""
    with Project(tmp_path / "p.framelabel", create=True) as opened:
        opened.add_video(Video(VideoId(0), "clip", "", 100, 100, 20, Fraction(1, 25), Fraction(25)))
        opened.extend_ontology(Ontology.of(["person", "car"]))
        for number, frames in ((1, np.arange(10)), (2, np.arange(12, 20))):
            boxes = np.tile([10.0 * number, 10, 10.0 * number + 8, 30], (len(frames), 1))
            opened.put_tracks(VideoId(1), [Track.of(number, frames, boxes)], Provenance(Origin.TRACKER, "t"))
        yield opened


@pytest.fixture
def ada(project: Project) -> Editor:
    """Return an editor."""
    return Editor(project, "ada")


def state(project: Project) -> State:
    """Return (frame, x1, class) of every current row by track."""
    return {
        track.id: [
            (int(frame), float(box[0]), track.class_id) for frame, box in zip(track.frame, track.xyxy, strict=True)
        ]
        for track in project.tracks(VideoId(1))
    }


def test_every_change_can_be_undone_and_redone(project: Project, ada: Editor) -> None:
    """After undoing everything the project is as before, after redoing everything as after; across reopening too."""
    video = project.video("clip")
    states = [state(project)]
    ada.put_box(video, 3, (50, 10, 60, 30), track_id=1)
    states.append(state(project))
    _, car = ada.put_box(video, 5, (70, 70, 90, 90), class_name="car")
    states.append(state(project))
    ada.set_class(video, 2, "car", Span(15, 18))
    states.append(state(project))
    ada.split(video, 1, 6)
    states.append(state(project))
    ada.swap(video, 2, car, 4)
    states.append(state(project))
    assert not isinstance(ada.merge(video, 1, car), Conflict)
    states.append(state(project))
    ada.delete(video, 1, Span(0, 4))
    states.append(state(project))
    ada.tag(video, 2, {"weather": "rainy"})
    for expected in reversed(states):
        assert ada.undo() is not None
        assert state(project) == expected
    assert ada.undo() is None
    for expected in states[1:]:
        ada.redo()
        assert state(project) == expected
    ada.redo()
    assert ada.redo() is None
    assert list(project.labels().frame_attributes.values()) == [{"weather": "rainy"}]


def test_a_corrected_box_is_a_keyframe(project: Project, ada: Editor) -> None:
    """A drawn box is a keyframe with its author; the model's row stays in the history."""
    ada.put_box(project.video("clip"), 3, (50, 10, 160, 30), track_id=1)
    [track] = project.tracks(VideoId(1), track_ids=[1])
    assert track.is_keyframe.tolist() == [frame == 3 for frame in range(10)]
    assert track.xyxy[3].tolist() == [50, 10, 100, 30], "cut at the border"
    authors = [fact.provenance.author for fact in project.annotations(VideoId(1), Span(3, 4), [1], history=True)]
    assert authors == ["t", "ada"]


def test_a_polygon_moves_with_its_box(project: Project, ada: Editor) -> None:
    """Correcting the box of an object that has an exact shape carries the shape rigidly along."""
    video = project.video("clip")
    shape = Polygon((np.array([[10.0, 10.0], [18.0, 10.0], [18.0, 30.0]]),))
    ada.put_box(video, 0, (10, 10, 18, 30), track_id=1, shape=shape)
    ada.put_box(video, 0, (20, 10, 36, 30), track_id=1)
    [fact] = project.annotations(VideoId(1), Span(0, 1), [1])
    assert isinstance(fact.shape, Polygon)
    assert fact.shape.rings[0].tolist() == [[20, 10], [36, 10], [36, 30]]


def test_a_label_of_no_object_becomes_one(project: Project, ada: Editor) -> None:
    """It keeps its box and class under an id of its own; asking again changes nothing; undoing gives it back."""
    video = project.video("clip")
    [label] = project.append([Annotation(video.id, 5, 1, (60, 60, 70, 80), Provenance(Origin.IMPORT, "coco"))])
    number = ada.adopt(video, 5, label)
    assert number not in (1, 2)
    [fact] = project.annotations(video.id, Span(5, 6), [number])
    assert (fact.xyxy, fact.class_id, fact.provenance.author) == ((60, 60, 70, 80), 1, "ada")
    assert ada.adopt(video, 5, label) == number
    assert ada.adopt(video, 5, fact.id) == number
    assert len(list(project.annotations(video.id, Span(5, 6)))) == 2
    ada.undo()
    assert NO_TRACK in {fact.track_id for fact in project.annotations(video.id, Span(5, 6))}
    with pytest.raises(UsageError, match="frame 5 of clip has no label 999 any more"):
        ada.adopt(video, 5, 999)


def test_split_keeps_the_id_before_the_cut(project: Project, ada: Editor) -> None:
    """The first half keeps the public id; the second gets one that was never used."""
    _, number = ada.split(project.video("clip"), 1, 6)
    assert number == 3
    assert {track: [row[0] for row in rows] for track, rows in state(project).items()} == {
        1: list(range(6)),
        2: list(range(12, 20)),
        3: list(range(6, 10)),
    }


def test_merge_shows_conflicts_first(project: Project, ada: Editor) -> None:
    """Two tracks in one frame are a conflict that is said before anything changes."""
    video = project.video("clip")
    _, other = ada.put_box(video, 5, (70, 70, 90, 90), class_name="car")
    before = state(project)
    assert ada.merge(video, 1, other) == Conflict((5,))
    assert state(project) == before
    ada.merge(video, 1, other, force=True)
    assert list(state(project)) == [1, 2]
    assert len(state(project)[1]) == 10


def test_undo_never_takes_anothers_work(project: Project, ada: Editor) -> None:
    """What somebody else has built upon cannot be undone; one's own later work can."""
    video, bob = project.video("clip"), Editor(project, "bob")
    ada.put_box(video, 3, (50, 10, 60, 30), track_id=1)
    bob.put_box(video, 3, (52, 10, 60, 30), track_id=1)
    with pytest.raises(UsageError, match="bob has changed"):
        ada.undo()
    assert bob.undo() is not None
    assert ada.undo() is not None
    assert state(project)[1][3][1] == 10.0


def test_a_new_change_forgets_what_was_undone(project: Project, ada: Editor) -> None:
    """After undo and another change there is nothing to redo."""
    video = project.video("clip")
    ada.put_box(video, 3, (50, 10, 60, 30), track_id=1)
    ada.undo()
    ada.put_box(video, 4, (50, 10, 60, 30), track_id=1)
    assert ada.redo() is None


REFUSED = [
    pytest.param({"frame": 20, "xyxy": (0, 0, 5, 5), "class_name": "car"}, UsageError, "frames 0 to 19", id="frame"),
    pytest.param({"frame": 0, "xyxy": (5, 5, 5, 9), "class_name": "car"}, UsageError, "empty", id="empty"),
    pytest.param({"frame": 0, "xyxy": (200, 5, 300, 9), "class_name": "car"}, UsageError, "outside", id="outside"),
    pytest.param({"frame": 0, "xyxy": (0, 0, 5, 5)}, UsageError, "needs a class", id="no-class"),
    pytest.param({"frame": 0, "xyxy": (0, 0, 5, 5), "class_name": "cra"}, UnknownNameError, "'car'", id="class"),
    pytest.param({"frame": 0, "xyxy": (0, 0, float("nan"), 5), "class_name": "car"}, UsageError, "empty", id="nan"),
]


@pytest.mark.parametrize(("request_", "error", "message"), REFUSED)
def test_nonsense_is_refused(
    project: Project, ada: Editor, request_: dict[str, object], error: type[Exception], message: str
) -> None:
    """A box that cannot be is refused in one line and changes nothing."""
    before = state(project)
    with pytest.raises(error, match=message):
        ada.put_box(project.video("clip"), **request_)  # type: ignore[arg-type]
    assert state(project) == before


def test_merging_projects_keeps_undo_and_history(project: Project, ada: Editor, tmp_path: Path) -> None:
    """Two people's projects become one: labels of both, ids apart, each can still undo their own."""
    ada.put_box(project.video("clip"), 3, (50, 10, 60, 30), track_id=1)
    with Project(tmp_path / "bob.framelabel", create=True) as other:
        other.add_video(Video(VideoId(0), "clip", "", 100, 100, 20, Fraction(1, 25), Fraction(25)))
        other.extend_ontology(Ontology.of(["bus", "car"]))
        bob = Editor(other, "bob")
        bob.put_box(other.video("clip"), 0, (1, 1, 9, 9), class_name="bus")
        bob.put_box(other.video("clip"), 0, (2, 1, 9, 9), track_id=1)
    joined = tmp_path / "c.framelabel"
    merge.run(merge.MergeConfig(projects=(project.path, other.path), out=joined))
    with Project(joined, write=True) as both:
        names = both.ontology.names
        assert names == ("person", "car", "bus")
        assert [(track.id, names[track.class_id]) for track in both.tracks(VideoId(2))] == [(1, "bus")]
        assert both.tracks(VideoId(2))[0].xyxy[0, 0] == 2
        Editor(both, "bob").undo()
        assert both.tracks(VideoId(2))[0].xyxy[0, 0] == 1
        assert both.tracks(VideoId(1), track_ids=[1])[0].xyxy[3, 0] == 50
