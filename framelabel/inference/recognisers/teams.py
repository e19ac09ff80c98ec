"""Two teams by the colour of their jerseys, without examples: a clip's players are parted into two by torso colour.

Each look at a player gives the colours of the middle of the torso that the ground beside it does not have. A player's
colour is the median over its looks, so one dark frame or one overlap changes nothing, and the parting is made once for
the whole clip: a team is a fact of the track. Two clusters of colours in CIE Lab, found exactly along the axis of
greatest spread and then refined (k-means, k = 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.config import setting
from framelabel.core.ontology import AttributeValue, Ontology
from framelabel.core.recognition import Recognition
from framelabel.inference.recognisers.protocol import SubjectOptions

Floats = NDArray[np.float64]

_TORSO = (0.25, 0.18, 0.75, 0.52)
"""Left, top, right, bottom of the torso as shares of a standing player's box."""
_LEAST_SIDE_PX = 4
_GROUND_DISTANCE = 14.0
"""Distance in Lab from the ground's colour from which a pixel is taken for the player."""
_LEAST_SHARE = 0.15
"""Share of the torso that must differ from the ground; below, the whole torso counts (a green jersey on a lawn)."""
_LEAST_FREE = 0.35
"""A look counts when at least this share of the torso is not behind a nearer box."""


@dataclass(frozen=True, slots=True)
class TeamsOptions(SubjectOptions):
    """Who plays, and when a team is sure."""

    subject: tuple[str, ...] = setting(("player",), help="Classes that wear a jersey.")
    names: tuple[str, str] = setting(("light", "dark"), help="Names of the lighter and of the darker team.")
    min_looks: int = setting(3, help="Fewest looks at a player; with fewer the team is unsure.")
    sure: float = setting(0.8, help="Unsure when the own team's colour is more than this share as far as the other's.")
    lightness: float = setting(0.5, help="Weight of lightness beside colour: shadows change lightness first.")


class Teams:
    """See the module. Attributes: `team` (one of the two names, or "unsure") and `jersey` (its colour, "#rrggbb")."""

    Options = TeamsOptions
    needs_pixels: ClassVar[bool] = True

    def __init__(self, options: TeamsOptions, *, ontology: Ontology, size: tuple[int, int]) -> None:  # noqa: ARG002
        self._options = options
        self._class_ids = options.ids(ontology)
        self._colours: dict[int, list[Floats]] = {}
        self._players: set[int] = set()

    def look(self, image: NDArray[np.uint8], frame: int, boxes: Boxes) -> None:  # noqa: ARG002 - teams never change
        """Note the torso colour of every player whose torso shows."""
        players = np.flatnonzero(np.isin(boxes.class_id, self._class_ids))
        self._players.update(boxes.track_id[players].tolist())
        for row in players.tolist():
            nearer = boxes.xyxy[boxes.xyxy[:, 3] > boxes.xyxy[row, 3]]
            colour = torso_colour(image, boxes.xyxy[row], nearer)
            if colour is not None:
                self._colours.setdefault(int(boxes.track_id[row]), []).append(colour)

    def conclude(self, first_id: int) -> Recognition:  # noqa: ARG002 - finds no new objects
        """Part the players of the clip."""
        seen = {
            track: np.array(looks) for track, looks in self._colours.items() if len(looks) >= self._options.min_looks
        }
        ids = sorted(seen)
        colours = np.array([np.median(seen[track], axis=0) for track in ids]).reshape(-1, 3)
        weights = np.array([len(seen[track]) for track in ids], np.float64)
        scaled = colours * [self._options.lightness, 1.0, 1.0]
        team, ratio = part_in_two(scaled, weights)
        teams: dict[int, dict[str, AttributeValue]] = {track: {"team": "unsure"} for track in self._players}
        means = [
            np.average(colours[team == k, 0], weights=weights[team == k]) if np.any(team == k) else 0 for k in (0, 1)
        ]
        order = (0, 1) if means[0] >= means[1] else (1, 0)
        for row, track in enumerate(ids):
            is_sure = ratio[row] <= self._options.sure
            name = self._options.names[order.index(int(team[row]))] if is_sure else "unsure"
            teams[track] = {"team": name, "jersey": _hex(colours[row])}
        return Recognition(teams)


def torso_colour(image: NDArray[np.uint8], xyxy: Floats, nearer: Floats) -> Floats | None:
    """Return the (3,) median Lab colour (L 0..100) of a standing player's torso.

    Pixels inside the (M, 4) boxes of nearer objects do not count; None where the torso is too small or too much hidden.
    """
    height, width = image.shape[:2]
    extent = xyxy[2:] - xyxy[:2]
    start, stop = xyxy[:2] + extent * _TORSO[:2], xyxy[:2] + extent * _TORSO[2:]
    x1, y1 = (max(0, round(float(side))) for side in start)
    x2, y2 = min(width, round(float(stop[0]))), min(height, round(float(stop[1])))
    if x2 - x1 < _LEAST_SIDE_PX or y2 - y1 < _LEAST_SIDE_PX:
        return None
    is_free = np.ones((y2 - y1, x2 - x1), np.bool_)
    for left, top, right, bottom in (nearer - [x1, y1, x1, y1]).clip(0).astype(np.int64).tolist():
        is_free[top:bottom, left:right] = False
    if is_free.mean() < _LEAST_FREE:
        return None
    torso = _lab(image[y1:y2, x1:x2])[is_free.reshape(-1)]
    side = max(2, round(float(extent[0]) * 0.25))
    before = image[y1:y2, max(0, int(xyxy[0]) - side) : max(0, int(xyxy[0]))]
    behind = image[y1:y2, min(width, int(xyxy[2])) : min(width, int(xyxy[2]) + side)]
    beside = np.concatenate([before.reshape(-1, 3), behind.reshape(-1, 3)])
    if len(beside):
        ground = np.median(_lab(beside[None]), axis=0)
        stands_out = np.linalg.norm(torso - ground, axis=1) > _GROUND_DISTANCE
        if stands_out.mean() >= _LEAST_SHARE:
            torso = torso[stands_out]
    return np.asarray(np.median(torso, axis=0), dtype=np.float64)


def part_in_two(points: Floats, weights: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the cluster (0 or 1) of each of (N, D) weighted points and how sure: own distance over the other's.

    Starts from the best cut along the axis of greatest spread (exact for it: every cut is tried), so the result does
    not depend on chance; then k-means until nothing changes. One point, or equal points, are one cluster, unsure.
    """
    count = len(points)
    if count < 2 or bool(np.all(points == points[0])):
        return np.zeros(count, np.int64), np.ones(count)
    centred = points - np.average(points, axis=0, weights=weights)
    axis = np.linalg.svd(centred * np.sqrt(weights)[:, None], full_matrices=False)[2][0]
    order = np.argsort(centred @ axis, kind="stable")
    total = np.cumsum(weights[order])
    sums = np.cumsum(points[order] * weights[order, None], axis=0)
    below, above = total[:-1, None], total[-1] - total[:-1, None]
    gain = (np.square(sums[:-1]) / below).sum(axis=1) + (np.square(sums[-1] - sums[:-1]) / above).sum(axis=1)
    team = np.zeros(count, np.int64)
    team[order[int(np.argmax(gain)) + 1 :]] = 1
    distance = np.ones((count, 2))
    for _ in range(100):
        centres = np.array([np.average(points[team == k], axis=0, weights=weights[team == k]) for k in (0, 1)])
        distance = np.linalg.norm(points[:, None] - centres, axis=2)
        nearer = np.argmin(distance, axis=1)
        if np.array_equal(nearer, team) or len(np.unique(nearer)) < 2:
            break
        team = nearer.astype(np.int64)
    own = distance[np.arange(count), team]
    return team, own / np.maximum(distance[np.arange(count), 1 - team], 1e-9)


def _lab(image: NDArray[np.uint8]) -> Floats:
    """Return the (N, 3) Lab colours of a picture's pixels, L from 0 to 100."""
    lab = cv2.cvtColor(np.ascontiguousarray(image).astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    return np.asarray(lab, np.float64).reshape(-1, 3)


def _hex(lab: Floats) -> str:
    rgb = cv2.cvtColor(lab.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_LAB2RGB)
    red, green, blue = (int(value) for value in np.clip(np.round(np.asarray(rgb).reshape(3) * 255), 0, 255))
    return f"#{red:02x}{green:02x}{blue:02x}"
