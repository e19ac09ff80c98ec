"""What the offline tracker gains from pixels: who is who after people met out of sight, and how the camera moved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from framelabel.core.boxes import Boxes
from framelabel.core.errors import MissingModelError, UsageError
from framelabel.core.frames import VideoId
from framelabel.core.protocols import SILENT
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.media import open_reader
from framelabel.media.encoder import write_video
from framelabel.store.project import Project
from framelabel.workflows import label
from framelabel.workflows.associate import TrackerChoice
from tests.assets import encounters, squares

OSNET = "models/osnet_x0_25_reid/osnet_x0_25_msmt17.onnx"
COUNT = encounters.ENCOUNTERS * encounters.FRAMES_EACH


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the clip of the encounters."""
    return encounters.write_clip(tmp_path_factory.mktemp("encounters") / "pillar.mp4")


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model that says where in a crop which colour is: a tiny re-identification model without weights."""
    node = helper.make_node("AveragePool", ["crop"], ["cells"], kernel_shape=[32, 64], strides=[32, 64])
    flat = helper.make_node("Flatten", ["cells"], ["look"])
    crop = helper.make_tensor_value_info("crop", TensorProto.FLOAT, [1, 3, 256, 128])
    out = helper.make_tensor_value_info("look", TensorProto.FLOAT, [1, 48])
    graph = helper.make_graph([node, flat], "colours", [crop], [out])
    path = tmp_path_factory.mktemp("reid") / "colours.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


def _linked(clip: Path, options: dict[str, Any]) -> list[Track]:
    """Return the tracks through the visible people of the clip."""
    boxes = []
    for frame in range(COUNT):
        seen = [box for box in encounters.truth(frame) if encounters.is_seen(box)]
        boxes.append(Boxes.of(np.array(seen).reshape(-1, 4), np.full(len(seen), 0.9)))
    with closing(open_reader(clip)) as reader:
        index = reader.index
    video = Video(VideoId(0), "pillar", str(clip), *encounters.SIZE, COUNT, Fraction(1, 25), Fraction(25))
    return TrackerChoice.of("offline", options, "test").link(
        range(COUNT), lambda some: [boxes[k] for k in some], video, index, SILENT
    )


def _right(tracks: list[Track]) -> float:
    """Return the share of people who are one track on both sides of the pillar."""
    right = 0
    for number in range(encounters.ENCOUNTERS):
        start = number * encounters.FRAMES_EACH
        for person in range(2):
            owners = []
            for frame in (start + 22, start + encounters.FRAMES_EACH - 22):
                box = encounters.truth(frame)[person]
                owners.append({track.id for track in tracks for row in np.flatnonzero(track.frame == frame)
                               if np.abs(track.xyxy[row] - box).max() < 8})  # fmt: skip
            right += len(owners[0]) == 1 and owners[0] == owners[1]
    return right / (2 * encounters.ENCOUNTERS)


def test_motion_alone_guesses(clip: Path) -> None:
    """Without looks those who turned back are taken for having crossed: the clip is as hard as it should be."""
    assert _right(_linked(clip, {})) <= 0.5


def test_clothes_tell(clip: Path, colours: Path) -> None:
    """With embeddings that know colours everybody keeps the id."""
    assert _right(_linked(clip, {"reid": str(colours)})) == 1.0


def test_a_person_model_tells(clip: Path, shared: Callable[[str], Path]) -> None:
    """OSNet, trained on photographs of people, tells even drawn ones apart."""
    assert _right(_linked(clip, {"reid": str(shared(OSNET))})) >= 0.9


def test_the_model_is_on_record(colours: Path, tmp_path: Path) -> None:
    """`label --reid` stores the model's digest with the run, and another model means linking anew."""
    clip, plugin = squares.write_clip(tmp_path / "clip.mp4", 40), squares.write_plugin(tmp_path / "squares")
    project = tmp_path / "p.framelabel"
    with_looks = label.LabelConfig(videos=(clip,), plugin=str(plugin), project=project, reid=str(colours))
    for config, is_new in ((with_looks, True), (with_looks, False)):
        summary = label.run(config)
        assert [(video.tracks, video.is_new, video.problem) for video in summary.videos] == [(2, is_new, "")]
    with Project(project) as opened:
        [run] = [run for run in opened.runs() if run.kind == "label"]
        assert run.config["tracker_options"]["reid"] == str(colours)
        assert run.config["reid_digest"].startswith("sha256:")


def test_wrong_requests(tmp_path: Path, colours: Path) -> None:
    """A model that is not there, and a tracker that does not look, are one line before any work."""
    with pytest.raises(MissingModelError, match=r"nothing\.onnx: re-identification model not found"):
        TrackerChoice.of("offline", {"reid": str(tmp_path / "nothing.onnx")}, "test")
    with pytest.raises(UsageError, match="reid"):
        TrackerChoice.of("bytetrack", {"reid": str(colours)}, "test")


def _scene(shift: int) -> NDArray[np.uint8]:
    """Return a textured picture seen by a camera that has moved so far to the left."""
    texture = np.random.default_rng(0).integers(0, 255, (30, 100, 3), dtype=np.uint8)
    wide = np.kron(texture, np.ones((8, 8, 1), np.uint8))
    return np.ascontiguousarray(wide[:192, 200 - shift : 456 - shift])


def test_the_camera_is_seen_in_the_pixels(tmp_path: Path) -> None:
    """One object alone shows nothing of the camera; the picture behind it does, and its track follows the jerk."""
    shift = np.concatenate([np.zeros(20, int), np.full(40, 40)])
    clip = tmp_path / "jerk.mp4"
    write_video(clip, ((k, _scene(int(shift[k]))) for k in range(60)), Fraction(1, 25), Fraction(25), quality=0)
    boxes = [Boxes.of([[40.0 + shift[k], 60, 52 + shift[k], 90]], [0.9]) for k in range(60)]
    with closing(open_reader(clip)) as reader:
        index = reader.index
    video = Video(VideoId(0), "jerk", str(clip), 256, 192, 60, Fraction(1, 25), Fraction(25))
    found = {
        camera: TrackerChoice.of("offline", {"camera": camera}, "test").link(
            range(60), lambda some: [boxes[k] for k in some], video, index
        )
        for camera in ("boxes", "pixels")
    }
    assert [len(track) for track in found["pixels"]] == [60]
    assert len(found["boxes"]) == 2
