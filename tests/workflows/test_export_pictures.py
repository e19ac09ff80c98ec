"""`export --images`: the pictures are the decoded frames, under the names and in the splits that the target expects."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.media import open_reader
from framelabel.media.picture_files import encode
from framelabel.workflows import export, import_labels
from tests.assets import squares

_FRAMES = (0, 3, 4)


def _decoded(clip: Path) -> list[NDArray[np.uint8]]:
    """Return every (H, W, 3) RGB picture of a clip, as models see them."""
    with closing(open_reader(clip)) as reader:
        return [frame.image for frame in reader.read(range(6))]


def _shown(path: Path) -> NDArray[np.uint8]:
    """Return the (H, W, 3) RGB picture in a file, by OpenCV."""
    return np.asarray(cv2.cvtColor(np.asarray(cv2.imread(str(path))), cv2.COLOR_BGR2RGB), np.uint8)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of six clips of six frames, three of which have a car with a track."""
    place = tmp_path / "p.framelabel"
    for number in range(6):
        clip = squares.write_clip(tmp_path / f"clip {number}.mp4", 6)
        rows = ["frame,track,class,x1,y1,x2,y2", *(f"{frame},1,car,8,8,24,24" for frame in _FRAMES)]
        (tmp_path / f"clip {number}.csv").write_text("\n".join(rows) + "\n")
        source = tmp_path / f"clip {number}.csv"
        import_labels.run(import_labels.ImportConfig(project=place, source=source, footage=(clip,)))
    return place


@pytest.mark.parametrize(
    ("name", "target", "task", "pictures"),
    [
        pytest.param("coco", "l.json", "", "images/clip 0/frame_{:06d}.png", id="coco"),
        pytest.param("yolo", "y", "", "y/images/train/clip 0/frame_{:06d}.png", id="yolo"),
        pytest.param("voc", "v", "", "v/JPEGImages/clip 0/frame_{:06d}.png", id="voc"),
        pytest.param("labelme", "m", "", "m/clip 0/frame_{:06d}.png", id="labelme"),
    ],
)
def test_png_pictures_are_the_decoded_frames(
    name: str, target: str, task: str, pictures: str, project: Path, tmp_path: Path
) -> None:
    """Where the target takes any picture, it gets a lossless one, equal to what models saw to the last bit."""
    config = export.ExportConfig(
        project=project, destination=tmp_path / "out" / target, to=name, task=task, video=("clip 0",), images=True
    )
    summary = export.run(config)
    frames = _decoded(tmp_path / "clip 0.mp4")
    written = sorted((tmp_path / "out").rglob("*.png"))
    expected = [tmp_path / "out" / pictures.format(frame) for frame in _FRAMES]
    assert written == expected
    assert summary.pictures == len(_FRAMES)
    for path, frame in zip(expected, _FRAMES, strict=True):
        assert np.array_equal(_shown(path), frames[frame])


@pytest.mark.parametrize(
    ("name", "task", "pictures"),
    [
        pytest.param("bdd100k", "box_track", "images/track/train/clip 0/clip 0-{:07d}.jpg", id="bdd100k-track"),
        pytest.param("bdd100k", "det", "images/100k/train/clip 0-{:07d}.jpg", id="bdd100k-det"),
        pytest.param("mot", "", "clip 0/img1/{:06d}.jpg", id="mot"),
    ],
)
def test_jpeg_pictures_are_exactly_the_jpeg_of_the_frames(
    name: str, task: str, pictures: str, project: Path, tmp_path: Path
) -> None:
    """Where the target demands .jpg, numbered from 1, the file decodes to what encoding the frame once gives."""
    config = export.ExportConfig(
        project=project, destination=tmp_path / "out", to=name, task=task, video=("clip 0",), images=True
    )
    export.run(config)
    frames = _decoded(tmp_path / "clip 0.mp4")
    expected = [tmp_path / "out" / pictures.format(frame + 1) for frame in _FRAMES]
    assert sorted((tmp_path / "out").rglob("*.jpg")) == expected
    for path, frame in zip(expected, _FRAMES, strict=True):
        once = np.frombuffer(encode(frames[frame], "jpg"), np.uint8)
        decoded = np.asarray(cv2.imdecode(once, cv2.IMREAD_COLOR_RGB), np.uint8)
        assert np.array_equal(_shown(path), decoded)


def test_no_clip_is_in_two_splits(project: Path, tmp_path: Path) -> None:
    """All pictures of a clip are in one of train and val, both are filled, and the labels lie beside them."""
    config = export.ExportConfig(
        project=project, destination=tmp_path / "out", to="yolo", images=True, split="train=0.5,val=0.5"
    )
    export.run(config)
    clips: dict[str, set[str]] = {}
    for path in (tmp_path / "out" / "images").rglob("*.png"):
        split, clip, _ = path.relative_to(tmp_path / "out" / "images").parts
        clips.setdefault(clip, set()).add(split)
        assert (tmp_path / "out" / "labels" / split / clip / f"{path.stem}.txt").is_file()
    assert len(clips) == 6
    assert all(len(splits) == 1 for splits in clips.values())
    assert set.union(*clips.values()) == {"train", "val"}


def test_a_clip_stays_in_its_split_when_others_come(project: Path, tmp_path: Path) -> None:
    """The split of a clip depends on its name alone: exported by itself it is where it was among six."""
    places = []
    for number, chosen in enumerate(((), ("clip 0",), ("clip 3",))):
        config = export.ExportConfig(
            project=project, destination=tmp_path / str(number), to="yolo", video=chosen, split="train=0.5,val=0.5"
        )
        export.run(config)
        files = (tmp_path / str(number) / "labels").rglob("*.txt")
        places.append({path.relative_to(tmp_path / str(number)).as_posix() for path in files})
    assert len(places[0]) == 6 * len(_FRAMES)
    assert places[1] < places[0]
    assert places[2] < places[0]
