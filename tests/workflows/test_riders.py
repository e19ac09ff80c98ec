from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from framelabel.cli.main import application

_BICYCLE = (100, 150, 200, 220)
"""x1, y1, x2, y2: 100 wide, 70 high. People cover it from 30 px of its width on; feet count down to y = 227."""
_PLACES = (
    pytest.param("bicycle", (110, 60, 190, 200), "rider", id="on-the-saddle"),
    pytest.param("motorcycle", (110, 60, 190, 200), "rider", id="on-a-motorcycle"),
    pytest.param("car", (110, 60, 190, 200), "pedestrian", id="before-a-car"),
    pytest.param("bicycle", (40, 60, 129, 200), "pedestrian", id="covers-29-of-100"),
    pytest.param("bicycle", (40, 60, 130, 200), "rider", id="covers-30-of-100"),
    pytest.param("bicycle", (110, 20, 190, 150), "pedestrian", id="feet-at-its-upper-edge"),
    pytest.param("bicycle", (110, 20, 190, 151), "rider", id="feet-one-pixel-lower"),
    pytest.param("bicycle", (110, 60, 190, 227), "rider", id="feet-a-tenth-below-it"),
    pytest.param("bicycle", (110, 60, 190, 228), "pedestrian", id="stands-before-it"),
    pytest.param("bicycle", (110, 150, 190, 210), "pedestrian", id="head-not-above-it"),
    pytest.param("bicycle", (210, 60, 290, 200), "pedestrian", id="beside-it"),
)


def _coco(path: Path, frames: list[list[tuple[str, tuple[int, int, int, int], int]]]) -> Path:
    """Write a clip in COCO: for each frame class, corners and track."""
    names = ["person", "bicycle", "motorcycle", "car"]
    images = [
        {"id": at + 1, "file_name": f"{at}.jpg", "width": 1280, "height": 720, "video_id": 1, "frame_id": at}
        for at in range(len(frames))
    ]
    labels = [
        {"image_id": at + 1, "category_id": names.index(name) + 1, "bbox": [x1, y1, x2 - x1, y2 - y1],
         "area": (x2 - x1) * (y2 - y1), "iscrowd": 0, "track_id": track}
        for at, frame in enumerate(frames) for name, (x1, y1, x2, y2), track in frame
    ]  # fmt: skip
    content = {
        "videos": [{"id": 1, "name": "street", "width": 1280, "height": 720, "length": len(frames), "fps": 5}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, 1)],
        "images": images,
        "annotations": [{"id": number, **label} for number, label in enumerate(labels, 1)],
    }
    path.write_text(json.dumps(content))
    return path


def _run(*words: object) -> str:
    result = CliRunner().invoke(application, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(("vehicle", "person", "expected"), _PLACES)
@pytest.mark.parametrize("by", ["convert", "export"])
def test_a_person_on_a_bicycle_is_written_as_a_rider(
    by: str, vehicle: str, person: tuple[int, int, int, int], expected: str, tmp_path: Path
) -> None:
    """COCO's person becomes BDD100K's rider or pedestrian; the edges of the rule are worked out by hand above."""
    source = _coco(tmp_path / "coco.json", [[("person", person, 1), (vehicle, _BICYCLE, 2)]])
    target = tmp_path / "bdd.json"
    if by == "convert":
        printed = _run("convert", source, target, "--to", "bdd100k", "--task", "det")
    else:
        _run("import", tmp_path / "p.framelabel", source)
        printed = _run("export", tmp_path / "p.framelabel", target, "--to", "bdd100k", "--task", "det")
    (frame,) = json.loads(target.read_text())
    found = {label["category"]: label["box2d"] for label in frame["labels"]}
    assert set(found) == {expected, vehicle}
    x1, y1, x2, y2 = person
    assert found[expected] == {"x1": x1, "y1": y1, "x2": x2 - 1, "y2": y2 - 1}  # BDD100K's corners are inclusive
    assert ("1 x class person on a vehicle: written as rider" in printed) == (expected == "rider")


@pytest.mark.parametrize(
    ("rides", "expected"),
    [
        pytest.param("RRW", ["rider"] * 3, id="two-of-three"),
        pytest.param("RWW", ["pedestrian"] * 3, id="one-of-three"),
        pytest.param("RW", ["pedestrian"] * 2, id="as-often-as-not"),
        pytest.param("RRR-WW", ["rider"] * 5, id="with-a-gap"),
    ],
)
def test_a_track_is_a_rider_in_all_frames_or_in_none(rides: str, expected: list[str], tmp_path: Path) -> None:
    """The majority of a track's frames decides (R rides, W walks, - absent); a second person is not drawn in."""
    rider, walker = (110, 60, 190, 200), (110, 60, 190, 400)
    frames = [
        [("bicycle", _BICYCLE, 2), ("person", (600, 60, 680, 200), 3)]
        + ([("person", rider if place == "R" else walker, 1)] if place != "-" else [])
        for place in rides
    ]
    source = _coco(tmp_path / "coco.json", frames)
    _run("convert", source, tmp_path / "bdd", "--to", "bdd100k", "--task", "box_track")
    (file,) = (tmp_path / "bdd").rglob("street.json")
    found = [(label["id"], label["category"]) for frame in json.loads(file.read_text()) for label in frame["labels"]]
    assert [kind for track, kind in found if track == "1"] == expected
    assert {kind for track, kind in found if track == "3"} == {"pedestrian"}
