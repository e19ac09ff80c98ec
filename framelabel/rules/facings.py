"""Who has how much of the shelf: facings per row and product, and each product's share of the shelf's length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.events import Event
from framelabel.core.ontology import AttributeValue
from framelabel.rules.intervals import Interval
from framelabel.rules.rule import Names, SubjectOptions, names_of, span_event, subjects, windows
from framelabel.rules.scene import Scene
from framelabel.rules.shelf import ShelfView, shelf_views

WHOLE_SHELF = -1
"""The row number of the event about all rows together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacingsOptions(SubjectOptions):
    """What stands on the shelf."""

    subject: Names = setting(help="Classes of products.")
    window_s: float = setting(0.0, help="One report per window of this many seconds; 0: one for the clip.")


class Facings:
    """See the module."""

    Options = FacingsOptions

    @staticmethod
    def evaluate(options: FacingsOptions, scene: Scene) -> list[Event]:
        """Return per window one event for the whole shelf (`row` -1) and one for each row (0 on top).

        `facings` and `facings_CLASS` are medians over the frames that show something; `share_CLASS` is the share of the
        classes' summed widths, each a median too, so that a product hidden for a while changes nothing. Rows are those
        of the frames that show the usual number of rows.
        """
        options.check_zone(scene)
        views = shelf_views(subjects(scene, options.subject, options), scene, options.inside, gap=1.0)
        events = []
        for window in windows(scene, options.window_s):
            shown = [row for row in range(window.start, window.stop) if len(views[row].xyxy)]
            if not shown:
                continue
            usual = round(float(np.median([len(views[row].rows) for row in shown])))
            regular = [row for row in shown if len(views[row].rows) == usual] or shown
            events.append(_event(options, scene, window, regular, views, WHOLE_SHELF))
            events += [_event(options, scene, window, regular, views, number) for number in range(usual)]
        return events


def _event(
    options: FacingsOptions,
    scene: Scene,
    window: Interval,
    frames: list[int],
    views: list[ShelfView],
    number: int,
) -> Event:
    """Return the report on one row of the shelf, or on all of it."""
    names = names_of(options.subject)
    ids = np.array([scene.ontology.id_of(name) for name in names])
    counts, lengths = np.zeros((len(frames), len(names))), np.zeros((len(frames), len(names)))
    for at, frame in enumerate(frames):
        view = views[frame]
        chosen = _members(view, number)
        width = view.xyxy[chosen, 2] - view.xyxy[chosen, 0]
        of_class = view.class_id[chosen][:, None] == ids
        counts[at], lengths[at] = of_class.sum(axis=0), (of_class * width[:, None]).sum(axis=0)
    facts: dict[str, AttributeValue] = {"row": number, "facings": float(np.median(counts.sum(axis=1)))}
    usual = np.median(lengths, axis=0)
    share = usual / max(float(usual.sum()), 1e-9)
    for name, count, part in zip(names, np.median(counts, axis=0).tolist(), share.tolist(), strict=True):
        if count or part:
            facts |= {f"facings_{name}": count, f"share_{name}": part}
    evidence = frames[int(np.argmax(counts.sum(axis=1)))]
    actors = views[evidence].track_id[_members(views[evidence], number)]
    return span_event(options, scene, window, evidence, actors.tolist(), facts)


def _members(view: ShelfView, number: int) -> NDArray[np.int64]:
    if number == WHOLE_SHELF:
        return np.concatenate([row.members for row in view.rows])
    return view.rows[number].members
