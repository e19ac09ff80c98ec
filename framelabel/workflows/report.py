"""`framelabel report`: one page on what was labelled by whom or what, and how good it is."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framelabel.core.annotations import Annotation
from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import setting
from framelabel.core.labels import Flag, Labels
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.reliability import Reliability
from framelabel.core.videos import Video
from framelabel.store.project import Project
from framelabel.workflows import plots, report_cases
from framelabel.workflows.html_page import Page
from framelabel.workflows.picture_tags import untagged
from framelabel.workflows.population import SUBJECTS, document_name
from framelabel.workflows.route_summary import PLURAL

_FALLS = 0.05
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """What to report on, and where to."""

    project: Path = setting(help="Project file.", argument=True)
    out: Path | None = setting(None, metavar="FILE", help="HTML file; PROJECT-report.html when not given.")
    worst: int = setting(8, help="Worst cases to show.")


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What was written."""

    path: Path
    labels: int
    pictures: int


def run(config: ReportConfig, report: Reporter = SILENT) -> ReportSummary:
    """Write the page; it holds everything it needs and opens offline.

    Raises:
        ProjectError: the project cannot be read.
    """
    path = config.out or config.project.with_name(f"{config.project.stem}-report.html")
    with Project(config.project) as project:
        labels = untagged(project.labels())
        report.start("report", None)
        page = Page(f"Labels of {config.project.stem}", _counted(labels))
        _contents(page, labels)
        _origins(page, project, labels)
        _quality(page, {name: _stored(project, "routing", document_name("result", name)) for name in SUBJECTS})
        _agreement(page, _stored(project, "agreement", "result"))
        pictures = report_cases.worst(page, project, labels, config.worst)
        _provenance(page, project)
        _losses(page, config.project)
        report.advance(len(labels))
    page.write(path)
    return ReportSummary(path, len(labels), pictures)


def _counted(labels: Labels) -> str:
    """Return how much there is, in words."""
    pictures = sum(1 for name in labels.frames.name if name)
    count = len(labels.videos)
    clips = f"{len(labels.frames)} frames of {count} video{'s' if count != 1 else ''}"
    return f"{len(labels)} boxes in {f'{pictures} pictures' if pictures else clips}"


def _short(text: str) -> str:
    """Return a text with its digests cut to what tells them apart.

    >>> _short("ppe sha256:9eb90a66af495dc4")
    'ppe sha256:9eb90a66af49'
    """
    return _DIGEST.sub(r"\1", text)


def _contents(page: Page, labels: Labels) -> None:
    page.heading("What is in it")
    video_of_row = labels.frames.video[labels.frame]
    rows = []
    for number, video in enumerate(labels.videos):
        own = video_of_row == number
        tracks = np.unique(labels.track_id[own & (labels.track_id != NO_TRACK)])
        frames = int(np.count_nonzero(labels.frames.video == number))
        size = f"{video.width}x{video.height}"
        rows.append((video.name, size, str(frames), str(int(own.sum())), str(len(tracks))))
    page.table(("video", "size", "frames", "boxes", "tracks"), rows)
    counts = np.bincount(labels.class_id, minlength=len(labels.ontology))
    page.table(
        ("class", "boxes"),
        [(name, str(int(count))) for name, count in zip(labels.ontology.names, counts, strict=True) if count],
    )


def _origins(page: Page, project: Project, labels: Labels) -> None:
    page.heading("Who and what made it")
    made: Counter[tuple[str, str]] = Counter()
    for video in labels.videos:
        # rows without a class say something of a frame, and are no boxes
        made.update(
            (item.provenance.origin.value, _short(item.provenance.author))
            for item in project.annotations(video.id)
            if item.class_id >= 0
        )
    total = max(sum(made.values()), 1)
    page.table(
        ("origin", "author or model", "boxes", "share"),
        [(origin, author, str(count), f"{count / total:.1%}") for (origin, author), count in made.most_common()],
    )
    confirmed = int(np.count_nonzero(labels.flags & int(Flag.KEYFRAME)))
    filled = int(np.count_nonzero(labels.flags & int(Flag.PREDICTED)))
    page.note(f"{confirmed} boxes were drawn or confirmed by people; {filled} were filled in by propagation.")
    answers = project.answers()
    per_person: dict[str, list[float]] = defaultdict(list)
    for answer in answers:
        per_person[answer.annotator].append(answer.seconds)
    if per_person:
        page.table(
            ("person", "answers", "minutes", "seconds an answer"),
            [
                (name, str(len(times)), f"{sum(times) / 60:.1f}", f"{np.median(times):.1f}")
                for name, times in sorted(per_person.items())
            ],
        )
    events = Counter(event.name for event in project.events())
    if events:
        page.table(("event", "count"), [(name, str(count)) for name, count in events.most_common()])


def _quality(page: Page, results: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Say what is promised of each subject that was routed."""
    page.heading("How good it is")
    known = {name: result for name, result in results.items() if result is not None and result.get("promises")}
    if not known:
        page.text("Nothing is promised: no audit was answered yet. `framelabel route` draws one.")
    for subject, result in known.items():
        _promised(page, result, PLURAL[subject])


def _promised(page: Page, result: Mapping[str, Any], what: str) -> None:
    page.text(f"{what.capitalize()}: {result['message']}.")
    rows = []
    for item in result["promises"]:
        state = f"at most {item['max_error']:.1%}, {item['confidence']:.0%} sure" if item["holds"] else item["reason"]
        interval = f"{item['error_low']:.2%} to {item['error_high']:.2%}"
        rows.append(
            (
                item["class"],
                f"{item['accepted_share']:.1%}",
                str(item["audited"]),
                f"{item['errors']:g}",
                interval,
                state,
            )
        )
    page.table(("class", "accepted", "audited", "wrong", "interval of the error", "promise"), rows)
    bands = result.get("bands") or {}
    page.table(
        ("band", "tracks or boxes" if what == "boxes" else what, f"share of {what}", "expected error"),
        [
            (
                name,
                str(band["units"]),
                f"{band['share_of_boxes']:.1%}",
                "-" if band["expected_error"] is None else f"{band['expected_error']:.1%}",
            )
            for name, band in bands.items()
        ],
    )
    page.plots(_quality_plots(result, what))
    if result["method"] != "uncalibrated" and result.get("ece_by_chance") is not None:
        page.note(
            f"Calibration: {result['method']}. Expected calibration error {result['ece_before']:.3f} before and "
            f"{result['ece_after']:.3f} after, judged by answers that the calibration did not see; in so few answers, "
            f"probabilities without fault would show {result['ece_by_chance']:.3f}."
        )
    point = result.get("operating_point")
    if point:
        page.note(
            f"Cheapest way to the promised quality: {point['share']:.0%} of the {what} to people, {point['votes']} "
            f"vote(s), {_time(point['hours'])}; expected {point['quality']:.1%} right, at least {point['low']:.1%}."
        )


def _quality_plots(result: Mapping[str, Any], what: str) -> list[str]:
    drawings = []
    curves = result.get("curve") or []
    if curves:
        names = [f"{curve['votes']} vote{'s' if curve['votes'] > 1 else ''}" for curve in curves]
        drawings.append(
            plots.lines(
                curves[0]["share"],
                {name: curve["quality"] for name, curve in zip(names, curves, strict=True)},
                bands={names[0]: (curves[0]["low"], curves[0]["high"])},
                title="Expected quality, with its band for one vote",
                x_label=f"share of {what} sent to people, least sure first",
                y_label=f"share of right {what}",
                y_range=(max(0.0, min(curves[0]["low"]) - 0.02), 1.0),
                marks=_operating_mark(result),
            )
        )
    diagrams = {
        name: Reliability(np.array(item["count"]), np.array(item["confidence"]), np.array(item["accuracy"]))
        for name, item in zip(("raw score", "calibrated"), result.get("reliability") or [], strict=False)
    }
    if diagrams:
        drawings.append(plots.reliability_diagram(diagrams, title="Are the probabilities to be believed?"))
    return drawings


def _operating_mark(result: Mapping[str, Any]) -> list[tuple[float, float, str]]:
    point = result.get("operating_point")
    return [(point["share"], point["quality"], f"{point['share']:.0%} to people")] if point else []


def _time(hours: float) -> str:
    return f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.0f} minutes"


def _agreement(page: Page, result: Mapping[str, Any] | None) -> None:
    page.heading("How well people agree")
    if result is None:
        page.text("Not measured yet: `framelabel agree` does.")
        return
    alpha = result["krippendorff_alpha"]
    if alpha["value"] is not None:
        page.text(
            f"Krippendorff's alpha {alpha['value']:.3f}"
            + (f" ({alpha['low']:.3f} to {alpha['high']:.3f}, 95 %)" if alpha["low"] is not None else "")
            + f" over {result['tasks_with_several_answers']} tasks with several answers."
        )
    if result["skills"]:
        page.table(
            ("person", "golden tasks", "right", "95 % interval", "over time", "what was taken for what"),
            [
                (
                    item["annotator"],
                    str(item["golden_tasks"]),
                    f"{item['accuracy']:.1%}",
                    f"{item['low']:.1%} to {item['high']:.1%}",
                    _over_time(item),
                    _confusions(item),
                )
                for item in result["skills"]
            ],
        )
    if result["labels"]:
        page.table(
            ("video", "people", "F1", "IDF1"),
            [
                (item["video"], f"{item['first']}, {item['second']}", f"{item['f1']:.3f}", f"{item['idf1']:.3f}")
                for item in result["labels"]
            ],
        )


def _over_time(skill: Mapping[str, Any]) -> str:
    """Return whether somebody tires."""
    if skill["trend"] is None:
        return "too few to tell"
    return f"falls by {-skill['trend']:.0%}" if skill["trend_p_value"] < _FALLS else "steady"


def _confusions(skill: Mapping[str, Any]) -> str:
    """Return the three most frequent mistakes, in words."""
    names = skill.get("verdicts") or []
    found = [
        (int(count), names[known], names[said])
        for known, row in enumerate(skill["confusion"] if names else [])
        for said, count in enumerate(row)
        if known != said and count
    ]
    return ", ".join(f"{said} where it is {known}: {count}x" for count, known, said in sorted(found, reverse=True)[:3])


def _provenance(page: Page, project: Project) -> None:
    page.heading("How it came about")
    rows = []
    for item in project.runs():
        facts = {**item.config, **item.facts}
        shown = ", ".join(
            f"{name.replace('_', ' ')} {_short(str(facts[name]))}"
            for name in ("plugin", "tracker", "model_digest", "device", "source")
            if facts.get(name)
        )
        frames = f"{item.done_count} of {len(item.frames)}"
        started, finished = (text[:16].replace("T", " ") for text in (item.started_at, item.finished_at or ""))
        rows.append((item.kind, started, finished or "not finished", frames, shown))
    page.table(("run", "started", "finished", "frames", "with"), rows)
    human = [item for video in project.videos() for item in _people(project, video)]
    page.note(f"{len(human)} rows of the history were written by people; nothing is ever overwritten.")


def _people(project: Project, video: Video) -> list[Annotation]:
    return [item for item in project.annotations(video.id, history=True) if item.provenance.origin.value == "human"]


def _losses(page: Page, project: Path) -> None:
    """Repeat what the exports beside the project could not hold."""
    reports = sorted(project.absolute().parent.glob("*.losses.txt"))
    if not reports:
        return
    page.heading("What exports could not hold")
    for path in reports[:20]:
        page.note(path.name)
        for line in path.read_text(encoding="utf-8", errors="replace")[:4000].splitlines():
            page.text(line)


def _stored(project: Project, kind: str, name: str) -> Mapping[str, Any] | None:
    document = project.document(kind, name)
    if document is None:
        return None
    content: Mapping[str, Any] = json.loads(document.content)
    return content
