"""`framelabel route`: accept what a sample proves, send the rest to people, and say what is promised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.frames import VideoId
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.reliability import Reliability, reliability
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.review import calibration
from framelabel.review.error_budget import (
    Audit,
    Promise,
    Units,
    draw_audit,
    plausible,
    promise,
    promise_per_class,
)
from framelabel.review.features import track_table
from framelabel.review.findings.catalog import find
from framelabel.review.findings.rows import LabelRows
from framelabel.review.quality_curve import QualityCurve, chosen_point, quality_curve
from framelabel.review.routing import Band, Routing, benefit
from framelabel.review.routing import route as decide
from framelabel.store import tasks as task_table
from framelabel.store.documents import Document
from framelabel.store.project import Project
from framelabel.workflows import plots
from framelabel.workflows.audit import PILOT, PROOF, AuditLog, Population, Verdicts, ask, verdicts
from framelabel.workflows.people import annotator_skill, seconds_per_answer

_ROUTED = "routing: "
_LABELLING = ("label", "import")
"""Kinds of runs that add labels nobody has looked at."""
_CHECKS_FOR_FEATURES = ("jump", "size", "switch", "break", "flicker", "duplicate", "class-flip")


@dataclass(frozen=True, slots=True)
class RouteConfig:
    """What to promise, and how many boxes to audit for it."""

    project: Path = setting(help="Project file.", argument=True)
    max_error: float = setting(0.02, help="Largest share of wrong boxes among those accepted without review.")
    confidence: float = setting(0.95, help="How surely the promise holds.")
    audit: int = setting(600, help="Boxes to audit: a fifth calibrates the scores, the rest proves the promise.")
    more: int = setting(0, metavar="N", help="Audit N further boxes, when no promise could be made yet.")
    per_class: bool = setting(False, help="Keep the budget in every class, not only over all.")
    method: str = setting("auto", choices=("auto", *calibration.METHODS), help="How scores are calibrated.")
    drop_below: float = setting(0.02, help="Labels less probable than this are proposed for deletion.")
    quick_from: float = setting(0.5, help="Labels at least this probable get a yes/no check; below, a full review.")
    queue: int = setting(10_000, help="Most review tasks to put into the queue, the most useful first.")
    seed: int = setting(1, help="Decides which boxes are drawn for the audit.")
    json: bool = setting(False, help="Print JSON instead of text.")

    def __post_init__(self) -> None:
        for name, value in (("--max-error", self.max_error), ("--confidence", self.confidence)):
            if not 0 < value < 1:
                raise UsageError(f"{name} {value:g}: give a share between 0 and 1, for example 0.02 or 0.95")
        if self.audit < 50 or self.more < 0:
            raise UsageError("--audit must be at least 50 and --more at least 0")


@dataclass(frozen=True, slots=True, eq=False)
class RouteSummary:
    """How far the audit is, and what is decided."""

    state: str
    """"empty", "pilot" (waiting for the first answers), "proof" (for the second), or "decided"."""
    message: str
    """One line: what is promised, or what to do next."""
    units: int
    boxes: int
    """Model-made boxes that wait for a decision."""
    human_boxes: int
    """Boxes that people drew or confirmed, or whose track they touched."""
    waiting: int = 0
    """Audit boxes nobody has judged yet."""
    method: str = "uncalibrated"
    ece_before: float = float("nan")
    ece_after: float = float("nan")
    """Calibration error of the raw scores, and of the calibrated ones on groups they were not fitted on."""
    promises: tuple[Promise, ...] = ()
    """One over all, or one per class (see `class_names`)."""
    class_names: tuple[str, ...] = ()
    routing: Routing | None = None
    curves: tuple[QualityCurve, ...] = ()
    operating_point: dict[str, Any] | None = None
    reliability: tuple[Reliability, Reliability] | None = None
    queued: int = 0
    notes: tuple[str, ...] = field(default=())


def run(config: RouteConfig, report: Reporter = SILENT) -> RouteSummary:
    """Take the next step of routing a project: draw the audit, or decide on what people answered.

    Raises:
        ProjectError: the project cannot be written.
    """
    with Project(config.project, write=True) as project:
        report.start("route", None)
        population, log, notes = _population(project)
        human = population.human_boxes
        if len(population) == 0:
            return RouteSummary("empty", "nothing to route: no label made by a model", 0, 0, human, notes=notes)
        answers = project.answers()
        pilot = verdicts(log.of_phase(PILOT), answers)
        raw = Units(population.features[:, 0], population.size.astype(np.float64), population.class_id)
        if not log.draws:
            count = max(config.audit // 5, calibration.LEAST_SAMPLE)
            log = ask(project, log, population, draw_audit(raw, count, config.seed), PILOT, config.seed)
            log.save(project)
            pilot = verdicts(log.of_phase(PILOT), answers)
        base = RouteSummary("pilot", "", len(population), int(population.size.sum()), human, notes=notes)
        if pilot.waiting:
            text = (
                f"uncalibrated: {pilot.waiting} audit boxes wait in the review queue; answer them "
                f"(framelabel review {config.project}) and run this again"
            )
            return replace(base, message=text, waiting=pilot.waiting)
        summary = _decide(project, config, population, log, pilot, answers, base)
    report.advance(len(population))
    return summary


def _population(project: Project) -> tuple[Population, AuditLog, tuple[str, ...]]:
    """Return the frozen population and its log, frozen now where there is none or a newer run has added labels."""
    newest = max((item.id for item in project.runs() if item.kind in _LABELLING), default=0)
    known = Population.load(project)
    if known is not None and known.newest_run == newest:
        return known, AuditLog.load(project), ()
    labels = project.labels()
    rows = LabelRows.of(labels)
    uncertainty = {
        (row, track.id): float(track.uncertainty.mean())
        for row, video in enumerate(labels.videos)
        for track in project.tracks(video.id)
        if len(track)
    }
    table = track_table(rows, find(rows, _CHECKS_FOR_FEATURES), uncertainty)
    fresh = Population.of(table, [video.id for video in labels.videos], newest)
    notes = () if known is None else ("a newer run has added labels: the audit starts anew",)
    fresh.save(project)
    AuditLog().save(project)
    return fresh, AuditLog(), notes


def _decide(
    project: Project,
    config: RouteConfig,
    population: Population,
    log: AuditLog,
    pilot: Verdicts,
    answers: Sequence[Answer],
    base: RouteSummary,
) -> RouteSummary:
    """Calibrate on the pilot, draw the proof or test it, and decide."""
    features = design(population)
    calibrator = calibration.fit(features[pilot.unit], ~pilot.is_wrong, pilot.unit, config.method)
    units = Units(calibrator(features), population.size.astype(np.float64), population.class_id)
    right = ~pilot.is_wrong
    after = calibration.out_of_fold(features[pilot.unit], right, pilot.unit)
    # about forty answers to a bin: with fewer, chance alone would look like miscalibration
    bins = min(max(len(right) // 40, 2), 15)
    diagrams = (
        reliability(population.features[pilot.unit, 0], right, bins=bins, equal_mass=True),
        reliability(after, right, bins=bins, equal_mass=True),
    )
    base = replace(
        base,
        method=calibrator.method,
        ece_before=diagrams[0].ece,
        ece_after=diagrams[1].ece,
        reliability=diagrams,
        class_names=project.ontology.names if config.per_class else (),
    )
    proof = log.of_phase(PROOF)
    if not proof or config.more:
        above = plausible(units, config.max_error) if not proof else log.above
        count = config.more if proof else config.audit - len(log.of_phase(PILOT))
        seed = config.seed + 1 + len(log.draws)
        drawn = draw_audit(units, count, seed, above=above)
        log = replace(ask(project, log, population, drawn, PROOF, seed), above=above)
        log.save(project)
        proof = log.of_phase(PROOF)
    judged = verdicts(proof, answers)
    if judged.waiting:
        text = (
            f"calibrated; {judged.waiting} audit boxes wait in the review queue to prove the promise; answer them "
            "and run this again"
        )
        return replace(base, state="proof", message=text, waiting=judged.waiting)
    audit = Audit(judged.unit, judged.is_wrong.astype(np.float64), log.above)
    look = log.looks + (len(judged.unit) != log.answered_at_last_look or log.looks == 0)
    promises = _promises(config, units, audit, len(project.ontology), look)
    routing = decide(units, promises, drop_below=config.drop_below, quick_from=config.quick_from)
    curves = _curves(project, units, [Audit(pilot.unit, pilot.is_wrong.astype(np.float64)), audit], answers, config)
    point = chosen_point(curves, 1 - config.max_error)
    queued = _queue(project, config, population, units, routing)
    summary = replace(
        base,
        state="decided",
        message=_message(promises, config),
        promises=tuple(promises),
        routing=routing,
        curves=tuple(curves),
        operating_point=point,
        queued=queued,
    )
    result = as_dict(summary)
    replace(log, looks=look, answered_at_last_look=len(judged.unit), result=result).save(project)
    _keep(project, summary, result)
    return summary


def _promises(config: RouteConfig, units: Units, audit: Audit, class_count: int, look: int) -> list[Promise]:
    budget = {"max_error": config.max_error, "confidence": config.confidence}
    if config.per_class:
        return promise_per_class(units, audit, class_count, look=look, **budget)
    return [promise(units, audit, look=look, **budget)]


def design(population: Population) -> NDArray[np.float64]:
    """Return the features, with a column for every class but the first."""
    kinds = np.unique(population.class_id)[1:]
    classes = (population.class_id[:, None] == kinds[None, :]).astype(np.float64)
    return np.hstack([population.features, classes])


def _message(promises: Sequence[Promise], config: RouteConfig) -> str:
    held = [item for item in promises if item.holds]
    if not held:
        worst = max(promises, key=lambda item: item.more_to_audit)
        more = f"; audit {worst.more_to_audit} more boxes (--more {worst.more_to_audit})" if worst.more_to_audit else ""
        return f"no promise: {worst.reason}{more}"
    share = sum(item.accepted_share for item in held) if len(promises) == 1 else float("nan")
    text = f"{share:.1%} of the boxes are" if len(promises) == 1 else f"{len(held)} classes have boxes"
    errors, count = sum(item.errors for item in held), sum(item.audited for item in held)
    return (
        f"{text} accepted: with {config.confidence:.0%} certainty at most {config.max_error:.1%} of them are wrong "
        f"({errors:.0f} wrong of {count} audited)"
    )


def _curves(
    project: Project, units: Units, audits: Sequence[Audit], answers: Sequence[Answer], config: RouteConfig
) -> list[QualityCurve]:
    skill = annotator_skill(project.tasks(open_only=False), answers)
    return quality_curve(
        units, audits, skill=skill, seconds_per_box=seconds_per_answer(answers), confidence=config.confidence
    )


def _queue(project: Project, config: RouteConfig, population: Population, units: Units, routing: Routing) -> int:
    """Replace the open tasks of an earlier routing by those of this one, most useful first."""
    wanted = np.flatnonzero((routing.band == Band.QUICK) | (routing.band == Band.FULL))
    gain = benefit(units)
    wanted = wanted[np.argsort(-gain[wanted], kind="stable")][: config.queue]
    starts = population.starts()
    new = []
    for unit in wanted.tolist():
        frames = population.frame[starts[unit] : starts[unit] + population.size[unit]]
        band, track = Band(int(routing.band[unit])), int(population.track_id[unit])
        question = "Is this right?" if band is Band.QUICK else "Please draw this right, or delete it."
        new.append(
            Task(
                kind=TaskKind.TRACK if track != NO_TRACK else TaskKind.BOX,
                video_id=VideoId(int(population.video_id[unit])),
                start=int(frames[0]),
                stop=int(frames[-1]) + 1,
                track_id=track,
                question=question,
                choices=("accept", "reject", "fix"),
                priority=float(gain[unit]),
                reason=f"{_ROUTED}{band.name.lower()}",
            )
        )
    old = [task.id for task in project.tasks() if task.reason.startswith(_ROUTED)]
    project.write(task_table.replace, old, new)
    return len(new)


def _keep(project: Project, summary: RouteSummary, result: dict[str, Any]) -> None:
    """Store the result and the curve with the project."""
    text = json.dumps(result, indent=1).encode()
    project.put_document(Document("routing", "result", "application/json", text))
    curves = [curve.as_dict() for curve in summary.curves]
    project.put_document(Document("curve", "quality", "application/json", json.dumps(curves).encode()))
    project.put_document(Document("curve", "quality.svg", "image/svg+xml", curve_plot(summary.curves).encode()))


def curve_plot(curves: Sequence[QualityCurve]) -> str:
    """Draw quality over the share sent to people."""
    if not curves:
        return plots.lines([], {}, title="Quality", x_label="share sent to people", y_label="share of right boxes")
    names = [f"{curve.votes} vote{'s' if curve.votes > 1 else ''}" for curve in curves]
    lowest = float(min(curve.low.min() for curve in curves))
    return plots.lines(
        curves[0].share,
        {name: curve.quality for name, curve in zip(names, curves, strict=True)},
        bands={names[0]: (curves[0].low, curves[0].high)},
        title="Expected quality, with its band for one vote",
        x_label="share of boxes sent to people, least sure first",
        y_label="share of right boxes",
        y_range=(max(0.0, lowest - 0.02), 1.0),
    )


def as_dict(summary: RouteSummary) -> dict[str, Any]:
    """Return a summary as JSON-able values; what is not known is null."""
    known = {
        name: getattr(summary, name)
        for name in ("state", "message", "units", "boxes", "human_boxes", "waiting", "method", "queued")
    }
    known["notes"] = list(summary.notes)
    for name in ("ece_before", "ece_after"):
        value = getattr(summary, name)
        known[name] = None if np.isnan(value) else value
    names = summary.class_names or ("all",) * len(summary.promises)
    known["promises"] = [{"class": name, **asdict(item)} for name, item in zip(names, summary.promises, strict=False)]
    if summary.routing is not None:
        known["bands"] = {
            band.name.lower(): {
                "units": int(np.count_nonzero(summary.routing.band == band)),
                "share_of_boxes": float(summary.routing.share[band]),
                "expected_error": None
                if np.isnan(summary.routing.expected_error[band])
                else float(summary.routing.expected_error[band]),
            }
            for band in Band
        }
    known["operating_point"] = summary.operating_point
    known["curve"] = [curve.as_dict() for curve in summary.curves]
    known["reliability"] = [
        {"count": item.count.tolist(), "confidence": item.confidence.tolist(), "accuracy": item.accuracy.tolist()}
        for item in summary.reliability or ()
    ]
    return known
