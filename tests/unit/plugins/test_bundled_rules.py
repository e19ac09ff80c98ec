"""Rules of the bundled ppe and defects plugins, on scenes small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel import plugins
from framelabel.core.frames import VideoId
from framelabel.core.tracks import Track
from framelabel.plugins.places import rules_of, zones_of
from framelabel.rules.evaluate import evaluate
from framelabel.rules.scene import Scene

PERSON, HEAD, ASIDE = (100, 132, 160, 280), (118, 100, 142, 130), (300, 100, 324, 130)
BOARD, FAULT = (50, 50, 350, 250), (100, 100, 120, 120)
Seen = list[tuple[str, tuple[int, int, int, int], int]]
"""Class, box and number of frames, at ten frames a second."""

CASES = [
    pytest.param("ppe", [("no_helmet", HEAD, 30)], {"bare_head"}, id="bare-head-for-3-s"),
    pytest.param("ppe", [("no_helmet", HEAD, 15)], set(), id="bare-head-for-1.5-s"),
    pytest.param("ppe", [("helmet", HEAD, 30), ("wear", PERSON, 30)], set(), id="all-as-it-should-be"),
    pytest.param(
        "ppe",
        [("no_helmet", HEAD, 30), ("wear", PERSON, 30)],
        {"bare_head", "person_without_helmet"},
        id="the-bare-head-is-this-person's",
    ),
    pytest.param("ppe", [("no_helmet", ASIDE, 30), ("wear", PERSON, 30)], {"bare_head"}, id="somebody-else's-head"),
    pytest.param("ppe", [("no_wear", PERSON, 30)], {"no_work_clothes"}, id="without-work-clothes"),
    pytest.param("defects", [("board", BOARD, 10), ("spur", FAULT, 10)], {"reject_board"}, id="fault-on-the-board"),
    pytest.param("defects", [("board", BOARD, 10)], set(), id="good-board"),
    pytest.param("defects", [("board", BOARD, 10), ("spur", (380, 50, 400, 70), 10)], set(), id="fault-beside-it"),
]


@pytest.mark.parametrize(("name", "seen", "expected"), CASES)
def test_rules_speak_when_they_should(name: str, seen: Seen, expected: set[str]) -> None:
    """A violation must last, must be this person's or board's, and needs the evidence that the rule names."""
    manifest = plugins.load(name)
    names = manifest.ontology().names
    tracks = tuple(
        Track.of(
            number,
            np.arange(count),
            np.tile(np.array(box, np.float64), (count, 1)),
            class_id=names.index(label),
            score=np.full(count, 0.9),
        )
        for number, (label, box, count) in enumerate(seen, start=1)
    )
    frames = np.arange(40)
    scene = Scene(VideoId(1), (400, 300), frames, frames / 10.0, tracks, manifest.ontology(), zones_of(manifest), {})
    assert {event.rule for event in evaluate(rules_of(manifest), scene)} == expected
