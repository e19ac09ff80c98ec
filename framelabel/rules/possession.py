"""Who has a part of the pitch: the team nearest to the ball, or the team with more players there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.events import Event
from framelabel.core.ontology import AttributeValue
from framelabel.rules.intervals import intervals
from framelabel.rules.rule import Names, RuleOptions, names_of, place, span_event, subjects
from framelabel.rules.scene import BoxesByFrame, Scene

_NOBODY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PossessionOptions(RuleOptions):
    """Who plays, for what, and where."""

    subject: Names = setting(help="Classes of players.")
    ball: Names = setting("", help="Class of the ball; without one the team with more players in the zone has it.")
    zones: tuple[str, ...] = setting((), help="Parts of the pitch; the whole picture when not given.")
    attribute: str = setting("team", help="The attribute that tells the teams apart.")
    ignore: tuple[str, ...] = setting(("unsure",), help="Values of the attribute that are no team.")
    reach: float = setting(0.6, help="With a ball: nearest player within this many of the player's own heights.")
    lead: int = setting(1, help="Without a ball: players more than the other team.")
    for_s: float = setting(1.0, help="Shortest time, in seconds.")
    bridge_s: float = setting(0.5, help="Interruptions up to this long, in seconds, do not end it.")

    def classes(self) -> tuple[str, ...]:
        """Return every class name the rule mentions."""
        return names_of(self.subject) + names_of(self.ball)

    def zone_names(self) -> tuple[str, ...]:
        """Return the zones."""
        return self.zones


class Possession:
    """See the module."""

    Options = PossessionOptions

    @staticmethod
    def evaluate(options: PossessionOptions, scene: Scene) -> list[Event]:
        """Return one event per time that a team has a zone: `team`, `zone`, `by`, `share` of all looked-at frames."""
        for name in options.zones:
            place(scene.zones, name, "zone", options.name)
        players = BoxesByFrame.of(subjects(scene, options.subject, options))
        balls = BoxesByFrame.of([scene.present(track) for track in scene.of_classes(names_of(options.ball))])
        events = []
        for zone in options.zones or (_NOBODY,):
            holders = [_holder(options, scene, zone, players, balls, frame) for frame in scene.frames.tolist()]
            teams = [team for team, _ in holders]
            for team in sorted(set(teams) - {_NOBODY}):
                holds = np.array([one == team for one in teams], np.bool_)
                for interval in intervals(holds, scene.seconds, for_s=options.for_s, bridge_s=options.bridge_s):
                    counted = Counter(
                        actor for name, ids in holders[interval.start : interval.stop] if name == team for actor in ids
                    )
                    facts: dict[str, AttributeValue] = {
                        "team": team,
                        "by": "ball" if options.ball else "players",
                        "share": float(holds.mean()),
                    }
                    if zone:
                        facts["zone"] = zone
                    actors = [actor for actor, _ in counted.most_common()]
                    evidence = interval.start + int(np.argmax(holds[interval.start : interval.stop]))
                    events.append(span_event(options, scene, interval, evidence, actors, facts))
        return events


def _holder(
    options: PossessionOptions, scene: Scene, zone: str, players: BoxesByFrame, balls: BoxesByFrame, frame: int
) -> tuple[str, list[int]]:
    """Return the team that has a zone in a frame, with the players who make it so; "" and none for nobody."""
    at = players.at(frame)
    xyxy, ids = players.xyxy[at], players.track_id[at].tolist()
    team = [str(scene.attributes.get(number, {}).get(options.attribute, _NOBODY)) for number in ids]
    plays = np.array([name not in (*options.ignore, _NOBODY) for name in team], np.bool_)
    if not plays.any():
        return _NOBODY, []
    if options.ball:
        ball = balls.xyxy[balls.at(frame)]
        if zone and len(ball):
            ball = ball[scene.zones[zone].contains(ball, scene.size)]
        row = _nearest(xyxy, plays, ball, options.reach)
        return (team[row], [ids[row]]) if row >= 0 else (_NOBODY, [])
    inside = plays & (scene.zones[zone].contains(xyxy, scene.size) if zone else True)
    counts = Counter(name for name, there in zip(team, inside.tolist(), strict=True) if there).most_common()
    if not counts or counts[0][1] - (counts[1][1] if len(counts) > 1 else 0) < options.lead:
        return _NOBODY, []
    best = counts[0][0]
    return best, [
        number for number, name, there in zip(ids, team, inside.tolist(), strict=True) if there and name == best
    ]


def _nearest(xyxy: NDArray[np.float64], plays: NDArray[np.bool_], ball: NDArray[np.float64], reach: float) -> int:
    """Return the row of the player nearest to a ball, from the edge of the box, within reach; -1 for none."""
    if not len(ball):
        return -1
    centre = (ball[:, :2] + ball[:, 2:]) / 2
    gap = np.maximum(np.maximum(xyxy[:, None, :2] - centre[None], centre[None] - xyxy[:, None, 2:]), 0.0)
    distance = np.linalg.norm(gap, axis=2).min(axis=1) / np.maximum(xyxy[:, 3] - xyxy[:, 1], 1.0)
    distance[~plays] = np.inf
    row = int(np.argmin(distance))
    return row if distance[row] <= reach else -1
