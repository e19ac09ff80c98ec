"""The worst cases of a report: what people found wrong although it was thought right, and what looks wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.errors import FramelabelError
from framelabel.core.labels import Labels
from framelabel.core.videos import Video
from framelabel.media import open_video
from framelabel.media.overlay import Drawn, draw
from framelabel.media.picture_files import encode
from framelabel.review.findings.finding import Finding
from framelabel.store.project import Project
from framelabel.workflows import lint
from framelabel.workflows.audit import AuditLog, verdicts
from framelabel.workflows.frame_source import stored_index
from framelabel.workflows.html_page import Page
from framelabel.workflows.population import Population
from framelabel.workflows.route_summary import PLURAL

_SUSPECT, _OTHER = (213, 94, 0), (150, 150, 150)
_SHOWN = ("box", "track")
"""Subjects of an audit that a picture of one box shows."""
_MARGIN = 1.5
"""Shown around a suspect box, in box sizes."""


def worst(page: Page, project: Project, labels: Labels, count: int) -> int:
    """Add the worst cases to a page, as pictures where the footage is there; return how many pictures.

    Args:
        page: gets two sections.
        project: open for reading.
        labels: its current labels, picture names put away.
        count: cases of each sort.
    """
    audited = sum(_wrong_in_audit(page, project, labels, count, subject) for subject in _SHOWN)
    return audited + _suspicious(page, project, labels, count)


def _wrong_in_audit(page: Page, project: Project, labels: Labels, count: int, subject: str) -> int:
    """Show what people called wrong, the highest scores first: what the model is surest of and errs."""
    population = Population.load(project, subject)
    if population is None:
        return 0
    # a project may have lost or gained videos since the audit
    row_of = {int(video.id): row for row, video in enumerate(labels.videos)}
    log, answers = AuditLog.load(project, subject), project.answers()
    judged = [(drawn, verdicts([drawn], answers)) for drawn in {drawn.task_id: drawn for drawn in log.draws}.values()]
    wrong = [drawn for drawn, said in judged if len(said.unit) and bool(said.is_wrong[0])]
    wrong = [drawn for drawn in wrong if int(population.video_id[drawn.unit]) in row_of]
    if not wrong:
        return 0
    page.heading(f"Surest {PLURAL[subject]} that people called wrong")
    score, starts = population.features[:, 0], population.starts()
    wrong.sort(key=lambda drawn: -float(score[drawn.unit]))
    pictures = []
    for drawn in wrong[:count]:
        own = slice(int(starts[drawn.unit]), int(starts[drawn.unit] + population.size[drawn.unit]))
        place = own.start + int(np.flatnonzero(population.frame[own] == drawn.frame)[0])
        video = labels.videos[row_of[int(population.video_id[drawn.unit])]]
        name = population.names[population.class_id[drawn.unit]]
        picture = _picture(project, labels, row_of[int(video.id)], drawn.frame, population.xyxy[[place]], name)
        if picture is not None:
            where = _place(labels, row_of[int(video.id)], drawn.frame)
            who = f"track {population.track_id[drawn.unit]}, " if subject == "track" else ""
            pictures.append((picture, f"{where}: {who}{name}, score {score[drawn.unit]:.2f}"))
    page.text(f"{len(wrong)} of {len(judged)} {PLURAL[subject]} in the audit were called wrong.")
    if pictures:
        page.pictures(pictures)
    return len(pictures)


def _suspicious(page: Page, project: Project, labels: Labels, count: int) -> int:
    """Show the most severe findings, as pictures where the footage is there; return how many pictures."""
    page.heading("What looks wrong")
    found = lint.findings(project, labels)
    if not found:
        page.text("Nothing looks wrong.")
        return 0
    kinds = Counter(item.kind for item in found)
    page.text(f"{len(found)} findings: " + ", ".join(f"{number} {kind}" for kind, number in kinds.most_common()))
    pictures = []
    for item in _spread(found, count):
        at = np.flatnonzero((labels.frames.video == item.video) & (labels.frames.index == item.frame))
        rows = np.arange(len(labels))[labels.rows_of_frame(int(at[0]))] if len(at) else np.zeros(0, np.int64)
        suspects = [track for track in (item.track_id, item.other_track) if track != NO_TRACK]
        boxes = labels.xyxy[rows[np.isin(labels.track_id[rows], suspects)]]
        picture = _picture(project, labels, item.video, item.frame, boxes, "")
        if picture is not None:
            pictures.append((picture, f"{_place(labels, item.video, item.frame)}: {item.message}"))
    if pictures:
        page.pictures(pictures)
    else:
        page.table(
            ("where", "what"),
            [(_place(labels, item.video, item.frame), item.message) for item in _spread(found, count)],
        )
        page.note("The footage is not here, so they are not shown.")
    return len(pictures)


def _place(labels: Labels, video: int, frame: int) -> str:
    """Return the name of a picture, or of a video with the number of its frame."""
    table = labels.frames
    at = np.flatnonzero((table.video == video) & (table.index == frame))
    if table.name and len(at) and table.name[int(at[0])]:
        return table.name[int(at[0])]
    return f"{labels.videos[video].name}, frame {frame}"


def _spread(found: Sequence[Finding], count: int) -> list[Finding]:
    """Return the most severe findings, at most three of a kind and one of a track."""
    kinds: Counter[str] = Counter()
    tracks: set[tuple[int, int]] = set()
    chosen = []
    for item in found:
        key = (item.video, item.track_id)
        if kinds[item.kind] < 3 and (item.track_id == NO_TRACK or key not in tracks):
            chosen.append(item)
            kinds[item.kind] += 1
            tracks.add(key)
        if len(chosen) == count:
            break
    return chosen


def _picture(
    project: Project, labels: Labels, video_row: int, frame: int, suspects: NDArray[np.floating], text: str
) -> bytes | None:
    """Return the surroundings of (N, 4) suspect boxes, all labels drawn, as JPEG; None where it cannot be read."""
    video: Video = labels.videos[video_row]
    if not video.path or not Path(video.path).exists():
        return None
    try:
        with closing(open_video(video, stored_index(project, video))) as reader:
            image = reader.frame(frame).image
    except (FramelabelError, OSError):
        return None
    at = np.flatnonzero((labels.frames.video == video_row) & (labels.frames.index == frame))
    others = labels.xyxy[labels.rows_of_frame(int(at[0]))] if len(at) else np.zeros((0, 4))
    drawn = [Drawn(box, "", _OTHER) for box in others]
    drawn += [Drawn(box, text, _SUSPECT) for box in suspects.astype(np.float64)]
    picture = draw(image, drawn)
    if len(suspects):
        low, high = suspects.min(axis=0)[:2], suspects.max(axis=0)[2:]
        margin = np.maximum(_MARGIN * (high - low), 80)
        left, top = np.maximum(low - margin, 0).astype(int)
        right, bottom = np.minimum(high + margin, picture.shape[1::-1]).astype(int)
        if right - left > 8 and bottom - top > 8:
            picture = np.ascontiguousarray(picture[top:bottom, left:right])
    return encode(picture, "jpg", quality=80)
