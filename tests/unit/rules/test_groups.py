"""Rules about many objects at once: tallies by unique track, groups, teams and possession."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from shapely import STRtree

from framelabel.core.ontology import AttributeValue
from framelabel.core.tracks import Track
from framelabel.rules.count import largest_group
from tests.scenes import events_of, moving, standing


def test_tally_counts_tracks_not_boxes() -> None:
    """Five teas and three colas in 30 frames are 5 and 3, and the share is 5 of 8."""
    tracks = [standing(n, "tea", (20 * n, 0, 20 * n + 10, 20)) for n in range(1, 6)]
    tracks += [standing(n, "cola", (20 * n, 50, 20 * n + 10, 70)) for n in range(6, 9)]
    [event] = events_of({"kind": "tally", "subject": ["tea", "cola"], "share_of": "tea"}, *tracks)
    facts = event.attributes
    assert (facts["count_tea"], facts["count_cola"], facts["total"], facts["share"]) == (5, 3, 8, 0.625)
    assert (event.start, event.stop, event.actors) == (0, 30, tuple(range(1, 9)))


def test_tally_per_plot() -> None:
    """An object that crosses from one plot to the other is counted once, where it was seen most."""
    crosser = moving(1, "tea", lambda t: (80 + 20 * t, 60), fps=10, seconds=2.9)  # over x = 100 after 1.1 s of 2.9
    stays = standing(2, "cola", (20, 40, 30, 60))
    left, right = events_of({"kind": "tally", "subject": ["tea", "cola"], "plots": ["left", "right"]}, crosser, stays)
    assert (left.attributes["plot"], left.attributes["count_tea"], left.attributes["count_cola"]) == ("left", 0, 1)
    assert (right.attributes["plot"], right.attributes["count_tea"], right.attributes["total"]) == ("right", 1, 1)


def test_tally_per_window() -> None:
    """Windows count what they show; flickers of two frames are nothing."""
    early = standing(1, "tea", (0, 0, 10, 20), frames=10)
    late = Track.of(2, np.arange(20, 30), np.tile([50.0, 0, 60, 20], (10, 1)), class_id=early.class_id)
    flicker = standing(3, "tea", (80, 0, 90, 20), frames=2)
    events = events_of({"kind": "tally", "subject": "tea", "window_s": 1.0}, early, late, flicker)
    assert [event.attributes["total"] for event in events] == [1, 0, 1]


def test_largest_group_agrees_with_shapely() -> None:
    """Over random scenes: boxes grown by half the reach touch in shapely's tree exactly where groups are linked."""
    random = np.random.default_rng(3)
    for _ in range(50):
        corner = random.uniform(0, 200, (12, 2))
        xyxy = np.concatenate([corner, corner + 10], axis=1)
        boxes = shapely.box(*xyxy.T)
        tree = STRtree(list(boxes))
        parent = list(range(12))
        for a, b in zip(*tree.query(boxes, predicate="dwithin", distance=15.0), strict=True):
            parent = [parent[a] if p == parent[b] else p for p in parent]
        sizes = [parent.count(p) for p in parent]
        found = largest_group(xyxy, 1.5)
        assert len(found) == max(sizes)
        assert len({parent[row] for row in found}) == 1


def test_density() -> None:
    """Four people of whom three stand together are a group of three, not a crowd of four."""
    people = [standing(n, "person", (x, 40, x + 8, 60)) for n, x in enumerate((10, 22, 34, 150), start=1)]
    rule: dict[str, Any] = {"kind": "count", "subject": "person", "grouped": 0.5, "for_s": 1.0}
    assert events_of({**rule, "at_least": 4}, *people) == []
    [event] = events_of({**rule, "at_least": 3}, *people)
    assert event.actors == (1, 2, 3)


TEAMS: dict[int, dict[str, AttributeValue]] = {
    1: {"team": "light"}, 2: {"team": "light"}, 3: {"team": "dark"}, 4: {"team": "unsure"},
}  # fmt: skip


def test_where_keeps_only_subjects_with_the_attribute() -> None:
    """A rule for one team does not see the other."""
    players = [standing(n, "player", (20 * n, 40, 20 * n + 8, 60)) for n in (1, 2, 3)]
    rule = {"kind": "count", "subject": "player", "at_least": 1, "where": {"team": "light"}}
    [event] = events_of(rule, *players, attributes=TEAMS)
    assert event.actors == (1, 2)


def test_possession_by_the_ball() -> None:
    """The ball rolls from a light player to a dark one: each has it while within reach, nobody in between."""
    light, dark = standing(1, "player", (10, 40, 18, 60)), standing(3, "player", (150, 40, 158, 60))
    referee = standing(4, "player", (80, 40, 88, 60))
    ball = moving(9, "ball", lambda t: (20 + 45 * t, 60), fps=10, seconds=2.9, size=(2, 2))
    rule = {"kind": "possession", "subject": "player", "ball": "ball", "for_s": 0.0, "bridge_s": 0.0, "reach": 0.5}
    first, second = events_of(rule, light, dark, referee, ball, attributes=TEAMS)
    # Within 0.5 heights (10 px) of the box: light while 20 + 45 t - 18 <= 10, dark from 20 + 45 t >= 140 on.
    assert (first.attributes["team"], first.start, first.stop, first.actors) == ("light", 0, 2, (1,))
    assert (second.attributes["team"], second.start, second.stop, second.actors) == ("dark", 27, 30, (3,))


def test_possession_by_players() -> None:
    """Without a ball a zone belongs to the team with more players in it, and "unsure" is no team."""
    players = [
        standing(1, "player", (10, 40, 18, 60)),
        standing(2, "player", (30, 40, 38, 60)),
        standing(3, "player", (50, 40, 58, 60)),
        standing(4, "player", (150, 40, 158, 60)),
    ]
    [event] = events_of(
        {"kind": "possession", "subject": "player", "zones": ["left", "right"]}, *players, attributes=TEAMS
    )
    assert (event.attributes["zone"], event.attributes["team"], event.attributes["by"]) == ("left", "light", "players")
    assert sorted(event.actors) == [1, 2]
    assert event.attributes["share"] == 1.0
