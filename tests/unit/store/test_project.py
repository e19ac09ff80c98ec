"""The project file: what goes in comes out, nothing is lost, one process writes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.boxes import Boxes
from framelabel.core.errors import ProjectError, ProjectLockedError
from framelabel.core.events import Event
from framelabel.core.findings import Findings
from framelabel.core.frames import FrameIndex, Span, VideoId
from framelabel.core.labels import Flag, FrameTable, Labels
from framelabel.core.ontology import AttributeSpec, ClassSpec, Ontology
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.core.tracks import Track, Visibility
from framelabel.core.videos import Video
from framelabel.store import annotations as facts
from framelabel.store.project import Project

MODEL = Provenance(Origin.MODEL, "sha256:00")
PERSON = Provenance(Origin.HUMAN, "ada")


def clip(frame_count: int = 10) -> Video:
    """Return a video that was never decoded."""
    return Video(VideoId(0), "clip", "clip.mp4", 64, 48, frame_count, Fraction(1, 30000), Fraction(30000, 1001))


def index(frame_count: int = 10) -> FrameIndex:
    """Return an index with uneven times."""
    pts = np.cumsum(np.arange(frame_count) + 1000)
    return FrameIndex(Fraction(1, 30000), pts, pts % 2 == 0, pts.astype(np.uint64) << np.uint64(40))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Return a new project with one video and two classes."""
    with Project(tmp_path / "a b é.framelabel", create=True) as opened:
        opened.add_video(clip(), index())
        opened.extend_ontology(Ontology.of(["person", "car"]))
        yield opened


def test_video_and_frame_index_survive(project: Project) -> None:
    """Facts about a video and every pts, sync flag and digest come back exactly."""
    video = project.video("clip")
    stored = project.frame_index(video.id)
    expected = index()
    assert (video.time_base, video.fps, video.size) == (Fraction(1, 30000), Fraction(30000, 1001), (64, 48))
    assert stored.pts.tolist() == expected.pts.tolist()
    assert stored.is_sync.tolist() == expected.is_sync.tolist()
    assert stored.digest.tolist() == expected.digest.tolist()


def test_names_are_made_unique(project: Project) -> None:
    """Two videos of one name are told apart, since the name names exported files."""
    assert project.add_video(clip()).name == "clip-2"


def test_ontology_only_grows(project: Project) -> None:
    """A class id stays valid when another plugin brings more classes."""
    helmet = ClassSpec("helmet", attributes=(AttributeSpec("colour", ("white", "blue"), "white", mutable=False),))
    merged = project.extend_ontology(Ontology((helmet, ClassSpec("person"))))
    assert merged.names == ("person", "car", "helmet")
    assert project.ontology == merged


SHAPES = [
    pytest.param(Polygon((np.array([[0.1, 0.2], [3.3, 0.2], [1.7, 9.9]]),)), id="polygon"),
    pytest.param(Polyline(np.array([[0.1, 0.2], [3.3, 1 / 3]])), id="polyline"),
    pytest.param(Keypoints(np.array([[1.5, 2.5]]), np.array([2], dtype=np.int8)), id="keypoints"),
    pytest.param(Mask((4, 2), np.array([3, 2, 3])), id="mask"),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_annotation_survives_digit_for_digit(project: Project, shape: Shape) -> None:
    """A stored annotation comes back equal, geometry included."""
    fact = Annotation(
        VideoId(1), 3, 1, (0.1, 1 / 3, 2.0, 1e5 / 7), PERSON, 7, 0.25, Visibility.OCCLUDED, is_keyframe=True,
        uncertainty=0.1, flags=Flag.TRUNCATED, attributes={"colour": "red", "speed": 1.5}, shape=shape,
    )  # fmt: skip
    [row_id] = project.append([fact])
    [back] = project.annotations(VideoId(1))
    assert back.id == row_id
    for name in ("video_id", "frame", "class_id", "xyxy", "provenance", "track_id", "score", "visibility", "flags"):
        assert getattr(back, name) == getattr(fact, name), name
    assert (back.is_keyframe, back.uncertainty, dict(back.attributes)) == (True, 0.1, {"colour": "red", "speed": 1.5})
    assert repr(back.shape) == repr(shape)


def test_a_correction_supersedes_and_keeps_history(project: Project) -> None:
    """The view shows the newest fact; the older one stays as audit."""
    [first] = project.append([Annotation(VideoId(1), 0, 0, (0, 0, 5, 5), MODEL)])
    [second] = project.append([Annotation(VideoId(1), 0, 0, (1, 1, 5, 5), PERSON, supersedes=first)])
    assert [fact.id for fact in project.annotations(VideoId(1))] == [second]
    assert [fact.id for fact in project.annotations(VideoId(1), history=True)] == [first, second]
    project.append([Annotation(VideoId(1), 0, 0, (1, 1, 5, 5), PERSON, supersedes=second, is_deleted=True)])
    assert list(project.annotations(VideoId(1))) == []


def test_replacing_a_track_keeps_human_boxes(project: Project) -> None:
    """Predicted rows of a span are replaced, keyframes and rows outside the span are not."""
    frames = np.arange(5)
    boxes = np.tile([0.0, 0.0, 4.0, 4.0], (5, 1))
    first = Track.of(3, frames, boxes, is_keyframe=frames == 2, score=np.full(5, 0.5))
    project.put_tracks(VideoId(1), [first], MODEL)
    moved = Track.of(3, np.arange(1, 4), boxes[:3] + 1)
    project.replace_track(VideoId(1), moved, Span(1, 5), Provenance(Origin.PROPAGATION, "auto"))
    [track] = project.tracks(VideoId(1))
    assert track.frame.tolist() == [0, 1, 2, 3]
    assert track.xyxy[:, 0].tolist() == [0, 1, 0, 1]
    assert track.is_keyframe.tolist() == [False, False, True, False]


def test_absent_rows_are_not_labels(project: Project) -> None:
    """Knowledge that an object is absent never becomes a box in an export (no ghost boxes)."""
    state = np.array([Visibility.VISIBLE, Visibility.ABSENT, Visibility.LOST], dtype=np.int8)
    track = Track.of(1, np.arange(3), np.ones((3, 4)) * [0, 0, 2, 2], visibility=state)
    project.put_tracks(VideoId(1), [track], MODEL)
    assert project.tracks(VideoId(1))[0].visibility.tolist() == state.tolist()
    assert project.labels().frame.tolist() == [0]


def test_labels_survive_in_bulk(project: Project) -> None:
    """Columns, sparse shapes, attributes and frame tags come back identical."""
    labels = Labels.of(
        Ontology.of(["bus", "car"]),
        (clip(3),),
        FrameTable(np.zeros(3, np.int32), np.array([0, 4, 9])),
        np.array([2, 0, 2]),
        np.array([[0, 0, 1, 1], [1, 1, 2, 1 / 3], [5, 5, 6, 7.0]]),
        class_id=[0, 1, 1],
        track_id=[5, -1, 6],
        score=[np.nan, 0.5, 1.0],
        flags=[Flag.CROWD, 0, Flag.OCCLUDED],
        visible=[0.25, np.nan, np.nan],
        shapes={0: Polyline(np.array([[0.0, 0.5], [1, 1]]))},
        attributes={2: {"colour": "red"}},
        frame_attributes={1: {"weather": "rainy"}},
    )
    project.append_labels(labels, [VideoId(1)], Provenance(Origin.IMPORT, "x.json"))
    back = project.labels()
    assert back.ontology.names == ("person", "car", "bus")
    assert back.frames.index[back.frame].tolist() == [0, 9, 9]
    assert back.class_id.tolist() == [1, 2, 1]
    for name in ("xyxy", "track_id", "score", "flags", "visible"):
        np.testing.assert_array_equal(getattr(back, name), getattr(labels, name), err_msg=name)
    assert list(back.shapes) == [1]
    assert back.attributes == {2: {"colour": "red"}}
    assert {int(back.frames.index[row]): tags for row, tags in back.frame_attributes.items()} == {
        4: {"weather": "rainy"}
    }


def test_a_run_resumes_where_it_stopped(project: Project) -> None:
    """The same config finds the same run and how far it came; another config starts anew."""
    run = project.begin_run("label", VideoId(1), {"model": "a"}, np.arange(10))
    boxes = Boxes.of([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 2.0, 2.5]], [0.5, 0.25], [0, 1])
    project.store_detections(run, [(0, Findings(boxes)), (2, Findings(boxes))], 3).result()
    again = project.begin_run("label", VideoId(1), {"model": "a"}, np.arange(10))
    assert (again.id, again.done_count, again.is_finished) == (run.id, 3, False)
    assert [len(found) for found in project.detections(again, range(4))] == [2, 0, 2, 0]
    assert project.begin_run("label", VideoId(1), {"model": "b"}, np.arange(10)).id != run.id


def test_events_tasks_answers(project: Project) -> None:
    """Events, tasks and answers come back; a task closes when it has the answers it wants."""
    project.append_events([Event(VideoId(1), "loitering", "loiter", 2, 9, (4, 5), 7, 0.5, True, {"zone": "gate"})])
    [event] = project.events(VideoId(1))
    assert (event.actors, event.needs_review, event.attributes["zone"]) == ((4, 5), True, "gate")
    [task_id] = project.append_tasks([Task(TaskKind.TRACK, VideoId(1), 0, 5, 4, gold={"verdict": "accept"})])
    project.add_answer(Answer(task_id, "ada", "skip"))
    assert [task.id for task in project.tasks()] == [task_id]
    project.add_answer(Answer(task_id, "bob", "fix", 2.5, {"xyxy": [1, 2, 3, 4]}))
    assert project.tasks() == []
    assert [(answer.annotator, dict(answer.content)) for answer in project.answers(task_id)] == [
        ("ada", {}),
        ("bob", {"xyxy": [1, 2, 3, 4]}),
    ]


def test_a_failing_change_stores_nothing(project: Project) -> None:
    """A change is one transaction: its error loses nothing that was there and stores nothing of itself."""

    def change(connection: sqlite3.Connection) -> None:
        facts.append(connection, [Annotation(VideoId(1), 0, 0, (0, 0, 5, 5), MODEL)])
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        project.write(change)
    assert list(project.annotations(VideoId(1))) == []


def test_two_processes_cannot_write_one_project(project: Project) -> None:
    """The second process gets one clear line that names the first."""
    code = (
        "import sys; from framelabel.store.project import Project; from framelabel.core.errors import *\n"
        "try: Project(sys.argv[1], write=True)\n"
        "except ProjectLockedError as error: print(error); sys.exit(7)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(project.path)], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.returncode == 7, done.stderr
    assert "another process (pid" in done.stdout
    with pytest.raises(ProjectLockedError):
        Project(project.path, write=True)


NOT_PROJECTS = [
    pytest.param(b"", "no such project", id="missing"),
    pytest.param(b"hello, this is text, not a database" * 40, "not a framelabel project", id="text"),
]


@pytest.mark.parametrize(("content", "message"), NOT_PROJECTS)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that is no project is named as such and left as it is."""
    path = tmp_path / "x.framelabel"
    if content:
        path.write_bytes(content)
    with pytest.raises(ProjectError, match=message):
        Project(path, write=True)
    assert not content or path.read_bytes() == content


def test_foreign_and_newer_databases_are_refused(tmp_path: Path) -> None:
    """A database of another program, or of a newer framelabel, is never migrated."""
    foreign, newer = tmp_path / "foreign.framelabel", tmp_path / "newer.framelabel"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    Project(newer, create=True).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(ProjectError, match="not a framelabel project"):
        Project(foreign, create=True)
    with pytest.raises(ProjectError, match="upgrade framelabel"):
        Project(newer)


def test_reading_only_refuses_writes(project: Project) -> None:
    """A project opened for reading says how to open it for writing."""
    with Project(project.path) as other, pytest.raises(ProjectError, match="write=True"):
        other.append([])


def test_a_full_disk_loses_nothing(project: Project) -> None:
    """What does not fit is refused in one line as a whole; what was stored before stays, and later writes fit again."""
    fact = Annotation(VideoId(1), 0, 0, (0, 0, 5, 5), MODEL)
    project.append([fact])
    pages = project.write(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    project.write(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 2}"))
    with pytest.raises(ProjectError, match=r"disk is full.*what was stored before is intact"):
        project.append([fact] * 5000)
    assert len(list(project.annotations(VideoId(1), history=True))) == 1
    project.write(lambda connection: connection.execute("PRAGMA max_page_count = 1000000"))
    project.append([fact] * 5000)
    assert len(list(project.annotations(VideoId(1), history=True))) == 5001
