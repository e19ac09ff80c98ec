"""The bundled sports plugin on a pan over its drawn field, whose kits are red and white as the script drew them."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.events import Event
from framelabel.core.labels import Labels
from framelabel.media.encoder import write_video
from framelabel.plugins.loading import bundled_folder
from framelabel.store.project import Project
from framelabel.workflows import label

COUNT, STEP = 16, 4


def view(frame: int) -> NDArray[np.uint8]:
    """Return what the panning camera sees: 560 px of the 640 px wide field."""
    path = bundled_folder() / "sports" / "samples" / "field.jpg"
    picture = np.asarray(cv2.imread(str(path)), np.uint8)[:, :, ::-1]
    return np.ascontiguousarray(picture[:, STEP * frame : STEP * frame + 560])


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> tuple[Labels, list[Event]]:
    """Return labels and events of the clip."""
    folder = tmp_path_factory.mktemp("play")
    clip, project = folder / "play.mp4", folder / "p.framelabel"
    write_video(clip, ((n, view(n)) for n in range(COUNT)), Fraction(1, 8), Fraction(8), quality=12)
    assert label.run(label.LabelConfig(videos=(clip,), plugin="sports", project=project)).is_complete
    with Project(project) as opened:
        return opened.labels(), opened.events()


def redness(labels: Labels, row: int) -> float:
    """Return the share of red among the kits' pixels in the upper half of a label's box."""
    x1, y1, x2, y2 = labels.xyxy[row].astype(int)
    part = view(int(labels.frames.index[labels.frame[row]]))[y1 : (y1 + y2) // 2, x1:x2].astype(int).reshape(-1, 3)
    is_red = (part[:, 0] > 110) & (part[:, 0] > 2 * part[:, 2])
    is_white = part.min(axis=1) > 150
    return float(is_red.sum() / max(int((is_red | is_white).sum()), 1))


def test_teams_are_those_that_were_drawn(play: tuple[Labels, list[Event]]) -> None:
    """Every player's track has one team; where its box holds one kit and it is sure, it is that kit."""
    labels, _ = play
    players = np.flatnonzero(labels.class_id == labels.ontology.id_of("player"))
    right = {"light": 0, "dark": 0}
    for track in sorted(set(labels.track_id[players].tolist())):
        rows = players[labels.track_id[players] == track].tolist()
        [team] = {labels.attributes[row]["team"] for row in rows}
        red = float(np.median([redness(labels, row) for row in rows]))
        if team != "unsure" and not 0.25 < red < 0.75:
            assert team == ("dark" if red > 0.5 else "light"), f"track {track} is {red:.0%} red"
            right[team] += 1
    assert min(right.values()) >= 3
    referees = np.flatnonzero(labels.class_id == labels.ontology.id_of("referee"))
    assert all("team" not in labels.attributes.get(row, {}) for row in referees.tolist())


def test_possession_and_counts(play: tuple[Labels, list[Event]]) -> None:
    """Events of the plugin's rules: who has a third of the pitch has more players there, and both teams are counted."""
    labels, events = play
    names = {event.name for event in events}
    assert {"possession", "on_the_pitch", "light_team", "dark_team"} <= names
    [tally] = [event for event in events if event.name == "on_the_pitch"]
    assert tally.attributes["count_referee"] == 3
    assert 10 <= int(tally.attributes["count_player"]) <= 22  # some of the 22 drawn stand behind others
    for event in events:
        if event.name == "possession":
            teams = {
                labels.attributes[row]["team"]
                for row in np.flatnonzero(np.isin(labels.track_id, event.actors)).tolist()
            }
            assert teams == {event.attributes["team"]}
