"""From footage to attributes, tags and events on the ground: clips rendered by the test, whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray

from framelabel.core.errors import InvalidManifestError
from framelabel.core.events import Event
from framelabel.core.labels import Flag, Labels
from framelabel.core.shapes import Polygon
from framelabel.media.encoder import write_video
from framelabel.plugins.loading import load
from framelabel.store.project import Project
from framelabel.workflows import label
from tests.assets import squares

SIZE = (384, 256)
COUNT = 24
CLASSES = "[{name: red, model_index: 0}, {name: green, model_index: 1}, {name: barcode, model_index: []}]"
Paint = Callable[[int], NDArray[np.uint8]]


def labelled(folder: Path, paint: Paint, more: str, **settings: object) -> tuple[Labels, list[Event]]:
    """Label a clip with the plugin of the squares, whose manifest says `more`; return labels and events."""
    clip = folder / "clip.mp4"
    write_video(clip, ((frame, paint(frame)) for frame in range(COUNT)), Fraction(1, 10), Fraction(10), quality=0)
    plugin = squares.write_plugin(folder / "squares")
    text = (plugin / "plugin.yaml").read_text().replace("[{name: red}, {name: green}]", CLASSES)
    (plugin / "plugin.yaml").write_text(text + more)
    config = {"videos": (clip,), "plugin": str(plugin), "project": folder / "p.framelabel", "tracker": "bytetrack"}
    summary = label.run(label.LabelConfig(**{**config, **settings}))  # type: ignore[arg-type]
    assert summary.is_complete, summary.videos
    with Project(folder / "p.framelabel") as project:
        return project.labels(), project.events()


def painted(red: tuple[int, int], green: tuple[int, int], ground: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture with the squares (32 px) at these corners."""
    image = ground.copy()
    for (x, y), colour in ((red, (230, 30, 30)), (green, (30, 230, 30))):
        image[y : y + 32, x : x + 32] = colour
    return image


def coded(frame: int) -> NDArray[np.uint8]:
    """Return squares beside a printed code that moves by 2 px a frame."""
    code = zxingcpp.create_barcode("SHELF-7", zxingcpp.BarcodeFormat.Code128)
    picture = np.array(zxingcpp.write_barcode_to_image(code, scale=1), np.uint8)[:, :, None]
    ground = np.full((SIZE[1], SIZE[0], 3), 160, np.uint8)
    x = 20 + 2 * frame
    ground[180 : 180 + picture.shape[0], x : x + picture.shape[1]] = picture
    return painted((40, 40), (352 - 4 * frame, 120), ground)


def test_codes_flags_and_tags_are_stored(tmp_path: Path) -> None:
    """One pass gives a track of the code with text and corners, a truncated square, and a tag on every frame."""
    more = "recognise: [{kind: barcodes}, {kind: visibility}, {kind: time_of_day}]\n"
    labels, _ = labelled(tmp_path, coded, more)
    barcode = labels.ontology.id_of("barcode")
    rows = np.flatnonzero(labels.class_id == barcode)
    assert len(rows) == COUNT
    assert len(set(labels.track_id[rows].tolist())) == 1
    assert {tuple(labels.attributes[row].items()) for row in rows.tolist()} == {
        (("code", "SHELF-7"), ("format", "Code 128"))
    }
    assert np.diff(labels.xyxy[rows, 0]) == pytest.approx(np.full(COUNT - 1, 2.0), abs=1.0)
    assert all(isinstance(labels.shapes[row], Polygon) for row in rows.tolist())
    green = np.flatnonzero(labels.class_id == labels.ontology.id_of("green"))
    cut = labels.frame[green[(labels.flags[green] & np.uint16(Flag.TRUNCATED)) != 0]]
    assert cut.tolist() == [0]  # at x = 352 + 32 = 384, the border
    assert len(labels.frame_attributes) == COUNT
    assert {tuple(tags.items()) for tags in labels.frame_attributes.values()} == {(("timeofday", "daytime"),)}


def test_occluded_is_a_state_of_the_track(tmp_path: Path) -> None:
    """The red square that passes behind the green one is occluded while it does, and only then."""
    ground = np.full((SIZE[1], SIZE[0], 3), 160, np.uint8)

    def paint(frame: int) -> NDArray[np.uint8]:
        return painted((40 + 8 * frame, 100), (150, 112), ground)

    labels, _ = labelled(tmp_path, paint, "recognise: [{kind: visibility, covered: 0.2}]\n")
    red = np.flatnonzero(labels.class_id == labels.ontology.id_of("red"))
    hidden = labels.frame[red[(labels.flags[red] & np.uint16(Flag.OCCLUDED)) != 0]]
    assert len(hidden)
    overlap = np.clip(32 - np.abs(40 + 8 * hidden - 150), 0, None)
    assert (overlap >= 8).all()
    with Project(tmp_path / "p.framelabel") as project:
        states = {int(state) for track in project.tracks(labels.videos[0].id) for state in track.visibility}
    assert states == {0, 1}


def panned(frame: int) -> NDArray[np.uint8]:
    """Return a camera that pans to the right over textured ground: 5 px a frame; red stands, green walks along."""
    noise = np.random.default_rng(4).integers(60, 180, (32, 80, 1), np.uint8)
    world = cv2.resize(np.repeat(noise, 3, axis=2), (640, SIZE[1]), interpolation=cv2.INTER_NEAREST)
    x = 5 * frame
    view = np.ascontiguousarray(np.asarray(world, np.uint8)[:, x : x + SIZE[0]])
    return painted((180 - x, 60), (60, 180), view)


ZONES = """\
zones: [{name: spot, polygon: [[0.4, 0.1], [0.62, 0.1], [0.62, 0.5], [0.4, 0.5]], anchor: center}]
rules: [{name: stays, subject: [red, green], inside: spot, for_s: 0.2}]
"""


@pytest.mark.parametrize(
    ("settings", "frames"),
    [
        pytest.param({"camera": "moving"}, (0, COUNT), id="held-on-the-ground"),
        pytest.param({"camera": "fixed"}, (0, 9), id="fixed-in-the-picture"),
    ],
)
def test_zones_hold_while_the_camera_pans(tmp_path: Path, settings: dict[str, str], frames: tuple[int, int]) -> None:
    """What stands in a zone stays in it over 115 px of pan; taken as fixed, it leaves where the zone's border is."""
    _, events = labelled(tmp_path, panned, ZONES, **settings)
    [event] = [event for event in events if event.start == 0]
    assert (event.start, event.stop) == frames


def test_a_zone_drawn_in_a_later_frame(tmp_path: Path) -> None:
    """A zone around the place where red stands in frame 20's picture holds from the first frame on."""
    zones = ZONES.replace(
        "[[0.4, 0.1], [0.62, 0.1], [0.62, 0.5], [0.4, 0.5]]", "[[0.16, 0.1], [0.36, 0.1], [0.36, 0.5], [0.16, 0.5]]"
    )
    zones = zones.replace("anchor: center", "anchor: center, frame: 20") + "camera: moving\n"
    _, events = labelled(tmp_path, panned, zones)
    assert [(event.start, event.stop) for event in events] == [(0, COUNT)]


def test_attributes_can_be_conditions(tmp_path: Path) -> None:
    """A rule about what was recognised: only the track with this attribute raises the event."""
    more = (
        "recognise: [{kind: barcodes}]\n"
        "rules:\n"
        "  - {name: ours, subject: barcode, where: {code: SHELF-7}}\n"
        "  - {name: other, subject: barcode, where: {code: X}}\n"
    )
    _, events = labelled(tmp_path, coded, more)
    assert [event.name for event in events] == ["ours"]


MISTAKES = [
    pytest.param("{kind: barcode}", "'barcodes'", id="kind"),
    pytest.param("{kind: barcodes, label: barcod}", "'barcode'", id="class"),
    pytest.param("{kind: barcodes, lable: x}", "'label'", id="option"),
]


@pytest.mark.parametrize(("entry", "message"), MISTAKES)
def test_mistakes_are_named(tmp_path: Path, entry: str, message: str) -> None:
    """A wrong kind, class or option is one line with the nearest right one, when the manifest is read."""
    plugin = squares.write_plugin(tmp_path / "squares")
    text = (plugin / "plugin.yaml").read_text().replace("{name: green}]", "{name: green}, {name: barcode}]")
    (plugin / "plugin.yaml").write_text(f"{text}recognise: [{entry}]\n")
    with pytest.raises(InvalidManifestError, match=message):
        load(plugin)
