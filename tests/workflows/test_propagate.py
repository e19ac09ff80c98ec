"""`framelabel propagate` and the calls behind the review page, on a project without footage."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.cli.main import main
from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.boxes import Boxes
from framelabel.core.errors import UnknownNameError, UsageError
from framelabel.core.findings import Findings
from framelabel.core.frames import FrameIndex, Span, VideoId
from framelabel.core.geometry import paired_iou
from framelabel.core.ontology import Ontology
from framelabel.core.shapes import Keypoints, Polygon
from framelabel.core.videos import Video
from framelabel.store import runs
from framelabel.store.project import Project
from framelabel.workflows import suggest
from framelabel.workflows.propagate import Carrier, PropagateConfig, parse_tracks, run

FRAMES = 81
PERSON = Provenance(Origin.HUMAN, "ada")


def truth(offset: float = 0.0) -> NDArray[np.float64]:
    """Return a box that swings far off the straight line."""
    time = np.arange(FRAMES)
    centre = np.stack([150 + 4.0 * time, 200 + offset + 60 * np.sin(time / 80 * 2 * np.pi)], axis=1)
    return np.concatenate([centre - np.array([20, 30]), centre + np.array([20, 30])], axis=1)


def human(frame: int, box: NDArray[np.float64], track_id: int = 1, **rest: object) -> Annotation:
    """Return a box drawn by a person."""
    sides = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    return Annotation(VideoId(1), frame, 0, sides, PERSON, track_id=track_id, is_keyframe=True, **rest)  # type: ignore[arg-type]


@pytest.fixture
def project_path(tmp_path: Path) -> Path:
    """Make a project with detections, a track with two human boxes, and one that no person has touched."""
    path = tmp_path / "yard.framelabel"
    pts = np.arange(FRAMES)
    index = FrameIndex(Fraction(1, 25), pts, pts == 0, pts.astype(np.uint64))
    random = np.random.default_rng(0)
    with Project(path, create=True) as project:
        project.extend_ontology(Ontology.of(["person"]))
        facts = Video(VideoId(0), "yard", "", 640, 480, FRAMES, Fraction(1, 25), Fraction(25))
        video = project.add_video(facts, index)
        detect = project.begin_run("detect", video.id, {"plugin": "x"}, pts)
        boxes = truth()
        noisy = boxes + random.normal(0, 0.5, boxes.shape)
        seen = [(frame, Findings(Boxes.of(noisy[frame], [0.9]))) for frame in range(FRAMES)]
        project.store_detections(detect, seen, FRAMES).result()
        project.write(runs.finish, detect.id, {})
        project.append([human(0, boxes[0]), human(FRAMES - 1, boxes[-1])])
        tracker = Provenance(Origin.TRACKER, "bytetrack")
        project.append([Annotation(VideoId(1), 3, 0, (5.0, 5.0, 9.0, 9.0), tracker, track_id=2)])
    return path


def test_predicted_boxes_are_dense_and_marked_and_human_ones_stay(project_path: Path) -> None:
    """Every frame between has a box that is predicted, uncertain, no keyframe, and right."""
    summary = run(PropagateConfig(project_path, method="detections"))
    with Project(project_path) as project:
        track = project.tracks(VideoId(1), None, [1])[0]
        facts = list(project.annotations(VideoId(1), None, [1]))
    assert track.frame.tolist() == list(range(FRAMES))
    assert track.frame[track.is_keyframe].tolist() == [0, FRAMES - 1]
    assert (paired_iou(track.xyxy, truth()) >= 0.7).mean() > 0.95
    assert {fact.provenance.origin for fact in facts if not fact.is_keyframe} == {Origin.PROPAGATION}
    assert {fact.provenance.author for fact in facts if fact.is_keyframe} == {"ada"}
    assert all(fact.uncertainty > 0 for fact in facts if not fact.is_keyframe)
    assert (summary.videos[0].track_count, summary.videos[0].filled_count) == (1, FRAMES - 2)


def test_running_again_replaces_predictions_and_repeats_them(project_path: Path) -> None:
    """The second run stores the same boxes in place of the first run's, not beside them."""
    tracks = []
    for _ in range(2):
        run(PropagateConfig(project_path, method="detections"))
        with Project(project_path) as project:
            tracks.append(project.tracks(VideoId(1), None, [1])[0])
    np.testing.assert_array_equal(tracks[0].xyxy, tracks[1].xyxy)


def test_a_correction_becomes_a_keyframe_and_solves_again_around_itself_only(project_path: Path) -> None:
    """Boxes beyond the adjacent keyframes stay as they are, and the corrected box is passed through exactly."""
    with Project(project_path, write=True) as project:
        boxes = truth()
        project.append([human(40, boxes[40])])
        video = project.videos()[0]
        carrier = Carrier(project, video, "linear")
        carrier.store(carrier.carry(project.tracks(video.id, None, [1])[0], Span(0, FRAMES)), Span(0, FRAMES))
        before = project.tracks(video.id, None, [1])[0]
        project.append([human(20, boxes[20] + 7, supersedes=_id_at(project, 20))])
        part, span = carrier.around(project.tracks(video.id, None, [1])[0], 20)
        carrier.store(part, span)
        after = project.tracks(video.id, None, [1])[0]
    assert span == Span(0, 41)
    assert after.xyxy[20].tolist() == (boxes[20] + 7).tolist()
    assert after.is_keyframe[[0, 20, 40, 80]].all()
    np.testing.assert_array_equal(after.xyxy[41:], before.xyxy[41:])
    assert np.abs(after.xyxy[10:20] - before.xyxy[10:20]).min() > 0


def _id_at(project: Project, frame: int) -> int:
    return next(fact.id for fact in project.annotations(VideoId(1), Span(frame, frame + 1), [1]))


def test_polygons_and_points_ride_with_their_box(project_path: Path) -> None:
    """A predicted box carries its nearest keyframe's shape, moved and scaled as the box is."""
    box = truth()[0]
    corners = np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]]])
    dots = Keypoints(np.array([[310.0, 220.0]]), np.array([2], np.int8))
    with Project(project_path, write=True) as project:
        project.append(
            [
                human(0, box, 7, shape=Polygon((corners,))),
                human(10, box + 50, 7, shape=Polygon((corners + 50,))),
                human(0, np.array([300.0, 200.0, 320.0, 240.0]), 8, shape=dots),
                human(4, np.array([300.0, 200.0, 340.0, 280.0]), 8, shape=dots),
            ]
        )
    run(PropagateConfig(project_path, method="linear", span="0:11", tracks=("7,8",)))
    with Project(project_path) as project:
        carried = {(fact.track_id, fact.frame): fact.shape for fact in project.annotations(VideoId(1), None, [7, 8])}
    polygon, points = carried[7, 4], carried[8, 1]
    assert isinstance(polygon, Polygon)
    assert isinstance(points, Keypoints)
    np.testing.assert_allclose(polygon.rings[0], corners + 20)
    np.testing.assert_allclose(points.points, [[312.5, 225.0]])


def test_queue_asks_where_the_path_is_doubtful(project_path: Path) -> None:
    """The list of labels names frames of the carried track, none of them drawn already."""
    summary = run(PropagateConfig(project_path, method="linear", target=0.99))
    queue = summary.videos[0].queue
    assert queue.suggestions
    assert {item.track_id for item in queue.suggestions} == {1}
    assert not {item.frame for item in queue.suggestions} & {0, FRAMES - 1}
    assert queue.expected_after > queue.expected_now


@pytest.mark.parametrize(
    ("config", "error", "words"),
    [
        pytest.param({"tracks": ("9",)}, UnknownNameError, "no track 9. Known: 1, 2.", id="track"),
        pytest.param({"method": "detection"}, UnknownNameError, "Did you mean 'detections'?", id="method"),
        pytest.param({"span": "4-9"}, UsageError, "write START:STOP", id="span"),
        pytest.param({"tracks": ("x",)}, UsageError, "write ids such as 3,7-12", id="ids"),
        pytest.param({"video": "yrad"}, UnknownNameError, "Did you mean 'yard'?", id="video"),
    ],
)
def test_a_wrong_request_says_what_to_do(
    project_path: Path, config: dict[str, object], error: type[Exception], words: str
) -> None:
    """Each message holds the way out."""
    with pytest.raises(error) as caught:
        run(PropagateConfig(project_path, **{"method": "linear", **config}))  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_a_project_without_human_boxes_says_where_to_draw_one(tmp_path: Path) -> None:
    """There is nothing to carry, and the message says how to begin."""
    Project(tmp_path / "empty.framelabel", create=True).close()
    with pytest.raises(UsageError, match="framelabel review"):
        run(PropagateConfig(tmp_path / "empty.framelabel", method="linear"))


def test_command_line_prints_the_queue_in_words(project_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The person reads how many boxes bring the clip how far."""
    with pytest.raises(SystemExit) as stopped:
        main(["propagate", str(project_path), "--method", "linear", "--span", "0:60"])
    assert stopped.value.code == 0
    assert "more boxes bring this clip from an expected" in capsys.readouterr().out


def test_next_labels_read_what_is_stored_and_agree_with_the_command(
    project_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page and the command line ask one function; it names one frame a track and changes nothing."""
    summary = run(PropagateConfig(project_path, method="linear", target=0.99))
    with Project(project_path) as project:
        before = project.tracks(VideoId(1))
        found = suggest.next_labels(project, project.videos()[0], target=0.99)
    assert found.queue == summary.videos[0].queue
    assert found.by_track == found.queue.suggestions[:1]
    assert found.without_keyframes == 1
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(["propagate", str(project_path), "--suggest", "--target", "0.99"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert found.queue.sentence() in printed
    assert f"track 1, frame {found.by_track[0].frame}:" in printed
    with Project(project_path) as project:
        for old, new in zip(before, project.tracks(VideoId(1)), strict=True):
            np.testing.assert_array_equal(old.xyxy, new.xyxy)


def test_track_lists() -> None:
    """Ids are read singly, in lists and in ranges."""
    assert parse_tracks(["3,5", "7-9"]) == {3, 5, 7, 8, 9}
    assert parse_tracks([]) == set()
