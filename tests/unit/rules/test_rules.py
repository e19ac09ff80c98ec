"""Rules, each against scenes small enough to work out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import shapely

from framelabel.core.errors import FramelabelError
from framelabel.core.events import Event
from framelabel.core.frames import VideoId
from framelabel.core.ontology import Ontology
from framelabel.core.tracks import Track, Visibility
from framelabel.rules.evaluate import evaluate, parse
from framelabel.rules.intervals import Interval, intervals
from framelabel.rules.scene import Scene
from framelabel.rules.shelf import shelf_rows
from framelabel.rules.zones import Line, Zone

ONTOLOGY = Ontology.of(["person", "helmet", "car", "bag", "product"])
LEFT = Zone("left", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
GATE = Line("gate", ((0.5, 0.0), (0.5, 1.0)))
SIZE = (100, 100)


def walk(track_id: int, name: str, centres: Mapping[int, tuple[float, float]], side: float = 10.0) -> Track:
    """Return a track of square boxes whose bottom centre is at these points, by frame."""
    frames = np.array(sorted(centres))
    foot = np.array([centres[frame] for frame in sorted(centres)], dtype=np.float64)
    xyxy = np.column_stack([foot[:, 0] - side / 2, foot[:, 1] - side, foot[:, 0] + side / 2, foot[:, 1]])
    return Track.of(track_id, frames, xyxy, class_id=ONTOLOGY.id_of(name), score=np.full(len(frames), 0.5))


def straight(track_id: int, name: str, frames: range, start: tuple[float, float], step: tuple[float, float]) -> Track:
    """Return a track that moves by `step` per frame."""
    return walk(
        track_id,
        name,
        {frame: (start[0] + step[0] * n, start[1] + step[1] * n) for n, frame in enumerate(frames)},
    )


def run(rule: dict[str, Any], *tracks: Track, fps: float = 10.0, frame_count: int = 60) -> list[Event]:
    """Return the events of one rule in a scene of these tracks."""
    frames = np.arange(frame_count)
    scene = Scene(
        VideoId(1), SIZE, frames, frames / fps, tracks, ONTOLOGY, {"left": LEFT}, {"gate": GATE}
    )  # fmt: skip
    return evaluate(parse([{"name": "r", **rule}], scene.zones, scene.lines, ONTOLOGY, "test"), scene)


def spans(events: list[Event]) -> list[tuple[int, int]]:
    """Return start and stop of events."""
    return [(event.start, event.stop) for event in events]


CROSSER = straight(1, "person", range(20), (31, 50), (2, 0))  # x = 31, 33, ..., 69: passes x = 50 between 9 and 10

CROSSINGS = [
    pytest.param([CROSSER], ["out"], id="left-to-right"),
    pytest.param([straight(1, "person", range(20), (69, 50), (-2, 0))], ["in"], id="right-to-left"),
    pytest.param([walk(1, "person", {0: (10, 50), 30: (90, 50), 59: (95, 50)})], ["out"], id="low-rate-jump"),
    pytest.param([walk(1, "person", dict.fromkeys(range(10), (50.0, 50.0)))], [], id="stands-on-the-line"),
    pytest.param(
        [walk(1, "person", {n: (48.0 if n % 2 else 52.0, 50.0) for n in range(20)})], ["in"], id="jitter-19-changes"
    ),
    pytest.param([walk(1, "person", {0: (40, 50), 1: (60, 50)})], [], id="flicker-of-two-frames"),
    pytest.param([walk(1, "person", {0: (10, 120), 10: (90, 120), 11: (91, 120)})], [], id="passes-the-line's-end"),
    pytest.param([straight(1, "car", range(20), (31, 50), (2, 0))], [], id="other-class"),
]


@pytest.mark.parametrize(("tracks", "expected"), CROSSINGS)
def test_crossing(tracks: list[Track], expected: list[str]) -> None:
    """A line is crossed once per crossing: not by jitter, flickers or other classes; also by a jump over it."""
    events = run({"kind": "crossing", "subject": "person", "line": "gate"}, *tracks)
    assert [event.attributes["direction"] for event in events] == expected


def test_unconfirmed_boxes_are_never_counted() -> None:
    """Many objects that share no identity are not one object that crosses and crosses again (97 out, 95 in)."""
    flickers = [walk(n, "person", {n: (40.0 if n % 2 else 60.0, 50.0)}) for n in range(1, 50)]
    assert run({"kind": "crossing", "subject": "person", "line": "gate"}, *flickers) == []


def test_crossing_counts_add_up() -> None:
    """Totals run over all objects in order of time, and agree with shapely's own segment intersection."""
    tracks = [straight(n, "person", range(n, n + 20), (31, 40 + n), (2, 0)) for n in range(1, 6)]
    events = run({"kind": "crossing", "subject": "person", "line": "gate"}, *tracks)
    assert [event.attributes["count_out"] for event in events] == [1, 2, 3, 4, 5]
    gate = shapely.LineString([(50, 0), (50, 100)])
    for event, track in zip(events, tracks, strict=True):
        foot = (track.xyxy[:, :2] + track.xyxy[:, 2:]) / 2 + [0, 5]
        row = int(np.searchsorted(track.frame, event.start))
        assert shapely.LineString(foot[row : row + 2]).intersects(gate)


STANDING = walk(1, "person", dict.fromkeys(range(30), (20.0, 50.0)))
HELMET_ON = walk(2, "helmet", dict.fromkeys(range(30), (20.0, 44.0)), side=4)
HELMET_OFF = walk(2, "helmet", dict.fromkeys(range(30), (80.0, 44.0)), side=4)
GAPPY = walk(1, "person", {n: (20.0, 50.0) for n in range(30) if not 10 <= n < 14})
LONG_GAP = walk(1, "person", {n: (20.0, 50.0) for n in range(30) if not 10 <= n < 18})

PRESENCES = [
    pytest.param({"inside": "left"}, [STANDING], [(0, 30)], id="intrusion"),
    pytest.param({"outside": "left"}, [STANDING], [], id="not-outside"),
    pytest.param({"inside": "left", "for_s": 2.9}, [STANDING], [(0, 30)], id="long-enough-2.9s"),
    pytest.param({"inside": "left", "for_s": 3.0}, [STANDING], [], id="first-to-last-is-2.9s"),
    pytest.param({"inside": "left"}, [GAPPY], [(0, 30)], id="lost-0.5s-is-bridged"),
    pytest.param({"inside": "left"}, [LONG_GAP], [(0, 10), (18, 30)], id="lost-0.9s-is-not"),
    pytest.param({"lacks": "helmet", "part": "head"}, [STANDING], [(0, 30)], id="no-helmet-anywhere"),
    pytest.param({"lacks": "helmet", "part": "head"}, [STANDING, HELMET_ON], [], id="helmet-on"),
    pytest.param({"lacks": "helmet", "part": "head"}, [STANDING, HELMET_OFF], [(0, 30)], id="helmet-elsewhere"),
    pytest.param({"has": "helmet", "part": "head"}, [STANDING, HELMET_ON], [(0, 30)], id="has-helmet"),
    pytest.param({"max_speed": 0.5}, [STANDING], [(0, 30)], id="still"),
    pytest.param({"min_speed": 1.0}, [STANDING], [], id="not-moving"),
    pytest.param({"min_speed": 1.9, "max_speed": 2.1}, [CROSSER], [(0, 20)], id="20px-a-second-is-2-heights"),
]


@pytest.mark.parametrize(("rule", "tracks", "expected"), PRESENCES)
def test_presence(rule: dict[str, Any], tracks: list[Track], expected: list[tuple[int, int]]) -> None:
    """Every condition holds exactly over the frames worked out by hand; times count in seconds, not frames."""
    assert spans(run({"subject": "person", **rule}, *tracks)) == expected


def test_near_a_moving_vehicle() -> None:
    """A person beside a passing car is an event with the car as second actor; beside a parked one it is none."""
    person = walk(1, "person", dict.fromkeys(range(40), (50.0, 50.0)))
    passing = straight(2, "car", range(40), (0, 50), (2.5, 0))
    parked = walk(3, "car", dict.fromkeys(range(40), (62.0, 50.0)))
    rule = {"subject": "person", "near": "car", "within": 0.5, "near_speed": 1.0}
    [event] = run(rule, person, passing, parked)
    assert event.actors == (1, 2)
    # The gap of centres minus 10 is at most half a height (5 px): |2.5 n - 50| <= 15.
    assert (event.start, event.stop) == (14, 27)


def test_low_frame_rate_gives_the_same_event() -> None:
    """The same walk seen at 10 and at 2 frames a second loiters for the same time."""
    rule = {"subject": "person", "inside": "left", "for_s": 2.0, "bridge_s": 0.6}
    dense = run(rule, STANDING, fps=10)
    sparse = run(rule, walk(1, "person", dict.fromkeys(range(6), (20.0, 50.0))), fps=2, frame_count=6)
    assert spans(dense) == [(0, 30)]
    assert spans(sparse) == [(0, 6)]


def test_absent_rows_are_no_presence() -> None:
    """Rows where a track is known to be absent never raise an event."""
    state = np.full(30, Visibility.ABSENT, np.int8)
    gone = Track.of(1, STANDING.frame, STANDING.xyxy, visibility=state)
    assert run({"subject": "person", "inside": "left"}, gone) == []


PASSAGES = [
    pytest.param(straight(1, "person", range(20), (31, 50), (2, 0)), ["leave"], id="begins-inside-and-leaves"),
    pytest.param(straight(1, "person", range(20), (69, 50), (-2, 0)), ["enter"], id="enters-and-ends-inside"),
    pytest.param(
        walk(1, "person", {n: (60.0 - 2 * n if n < 15 else 2.0 * n, 50.0) for n in range(30)}),
        ["enter", "leave"],
        id="in-and-out",
    ),
]


@pytest.mark.parametrize(("track", "expected"), PASSAGES)
def test_passage(track: Track, expected: list[str]) -> None:
    """Entering and leaving are told from appearing and vanishing inside."""
    events = run({"kind": "passage", "subject": "person", "zone": "left"}, track)
    assert [event.attributes["way"] for event in events] == expected


def test_unattended_bag() -> None:
    """A bag is left from the moment its carrier is out of reach, and the carrier is named."""
    owner = walk(1, "person", {n: (20.0 if n < 10 else 20.0 + 4 * (n - 10), 50.0) for n in range(30)})
    bag = walk(2, "bag", dict.fromkeys(range(60), (20.0, 50.0)), side=4)
    rule = {"kind": "unattended", "subject": "bag", "owner": "person", "for_s": 3.0, "distance": 1.5}
    [event] = run(rule, owner, bag)
    # Gap of boxes = 4 (n - 10) - 5 - 2 must exceed 1.5 heights of 10: first at n = 16.
    assert (event.start, event.stop, event.actors) == (16, 60, (2, 1))


def test_count() -> None:
    """Crowding, an empty post, and window statistics over the same three people."""
    people = [walk(n, "person", dict.fromkeys(range(10 * n, 40), (20.0, 50.0))) for n in range(1, 4)]
    crowd = run({"kind": "count", "subject": "person", "at_least": 2, "for_s": 1.0}, *people)
    assert spans(crowd) == [(20, 40)]
    empty = run({"kind": "count", "subject": "person", "at_most": 0, "for_s": 0.5, "bridge_s": 0.1}, *people)
    assert spans(empty) == [(0, 10), (40, 60)]
    windows = run({"kind": "count", "subject": "person", "window_s": 2.0}, *people)
    assert [(event.start, event.attributes["most"], event.attributes["mean"]) for event in windows] == [
        (0, 1, 0.5),
        (20, 3, 2.5),
        (40, 0, 0.0),
    ]


def test_shelf_rows_and_gap() -> None:
    """Two rows of products, one with a gap of one product's width: facings and place are right."""
    boxes = [(x, 10) for x in (0, 10, 30, 40)] + [(x, 50) for x in (0, 10, 20)]
    xyxy = np.array([[x, y, x + 10, y + 20] for x, y in boxes], dtype=np.float64)
    rows = shelf_rows(xyxy, 0.8)
    assert [len(row.members) for row in rows] == [4, 3]
    assert rows[0].gaps.tolist() == [[20, 10, 30, 30]]
    tracks = [
        Track.of(n + 1, np.arange(30), np.tile(box, (30, 1)), class_id=ONTOLOGY.id_of("product"))
        for n, box in enumerate(xyxy)
    ]
    [event] = run({"kind": "shelf", "subject": "product", "for_s": 2.0}, *tracks)
    assert (event.start, event.stop, event.attributes["row"], event.attributes["facings"]) == (0, 30, 0, 4)
    assert event.attributes["share_of_row"] == pytest.approx(10 / 50)


def test_moving_camera_keeps_zones_on_the_ground() -> None:
    """With the camera's motion given, a standing person that drifts through the picture stays in the zone."""
    drift = straight(1, "person", range(30), (20, 50), (2, 0))
    frames = np.arange(30)
    to_scene = np.tile(np.eye(2, 3), (30, 1, 1))
    to_scene[:, 0, 2] = -2.0 * frames
    for motion, expected in ((None, [(0, 16)]), (to_scene, [(0, 30)])):
        scene = Scene(VideoId(1), SIZE, frames, frames / 10, (drift,), ONTOLOGY, {"left": LEFT}, {}, motion)
        rules = parse([{"name": "r", "subject": "person", "inside": "left"}], ["left"], [], ONTOLOGY, "test")
        assert spans(evaluate(rules, scene)) == expected


BAD_RULES = [
    pytest.param({"subject": "persn"}, "'person'", id="class"),
    pytest.param({"subject": "person", "inside": "lef"}, "'left'", id="zone"),
    pytest.param({"subject": "person", "insid": "left"}, "'inside'", id="key"),
    pytest.param({"kind": "crosing", "subject": "person", "line": "gate"}, "'crossing'", id="kind"),
    pytest.param({"kind": "crossing", "subject": "person", "line": "gat"}, "'gate'", id="line"),
    pytest.param({"subject": "person", "lacks": "helmet", "part": "hed"}, "'head'", id="part"),
    pytest.param({"subject": "person", "for_s": "long"}, "for_s", id="type"),
    pytest.param({"kind": "count", "subject": "person"}, "exactly one", id="count-of-what"),
    pytest.param({"inside": "left"}, "'subject' is missing", id="no-subject"),
]


@pytest.mark.parametrize(("rule", "message"), BAD_RULES)
def test_wrong_rules_name_the_nearest_right_one(rule: dict[str, Any], message: str) -> None:
    """A mistake in a rule is one line with the name that was probably meant."""
    with pytest.raises(FramelabelError, match=message):
        run(rule)


INTERVALS = [
    pytest.param([0, 0, 0], 0, 0, [], id="never"),
    pytest.param([1, 1, 1], 0, 0, [(0, 3)], id="always"),
    pytest.param([1, 0, 1], 0, 1.0, [(0, 1), (2, 3)], id="gap-of-2s-not-bridged-by-1s"),
    pytest.param([1, 0, 1], 0, 2.0, [(0, 3)], id="gap-of-2s-bridged-by-2s"),
    pytest.param([1, 0, 1, 1], 1.0, 0, [(2, 4)], id="too-short-is-dropped"),
]


@pytest.mark.parametrize(("holds", "for_s", "bridge_s", "expected"), INTERVALS)
def test_intervals(holds: list[int], for_s: float, bridge_s: float, expected: list[tuple[int, int]]) -> None:
    """Hysteresis and debounce are measured between observations, in seconds."""
    found = intervals(
        np.array(holds, dtype=np.bool_), np.arange(len(holds), dtype=np.float64), for_s=for_s, bridge_s=bridge_s
    )
    assert found == [Interval(*pair) for pair in expected]
