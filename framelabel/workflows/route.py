"""`framelabel route`: accept what a sample proves, send the rest to people, and say what is promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.reliability import ece_by_chance, reliability
from framelabel.core.tasks import Answer
from framelabel.review import calibration
from framelabel.review.calibrators import Calibrator, RawScore
from framelabel.review.error_budget import (
    Audit,
    Promise,
    Units,
    draw_audit,
    plausible,
    promise,
    promise_per_class,
)
from framelabel.review.quality_curve import QualityCurve, chosen_point, quality_curve
from framelabel.review.routing import RIGHT, UNJUDGED, WRONG
from framelabel.review.routing import route as decide
from framelabel.store.project import Project
from framelabel.workflows import route_queue
from framelabel.workflows.audit import PILOT, PROOF, AuditLog, Verdicts, ask, verdicts
from framelabel.workflows.people import annotator_skill, seconds_per_answer
from framelabel.workflows.population import SUBJECTS, Population
from framelabel.workflows.route_summary import PLURAL, RouteSummary, as_dict, keep
from framelabel.workflows.routed import gather, newest_run

_AUTOMATIC = ("box", "tag", "event")


@dataclass(frozen=True, slots=True)
class RouteConfig:
    """What to promise, and how many boxes to audit for it."""

    project: Path = setting(help="Project file.", argument=True)
    subject: str = setting(
        "auto",
        choices=("auto", *SUBJECTS),
        help="What to route; auto: boxes, whole-frame tags and events, whatever there is. track: whole tracks, their "
        "extent and identity.",
    )
    max_error: float = setting(0.02, help="Largest share of wrong labels among those accepted without review.")
    confidence: float = setting(0.95, help="How surely the promise holds.")
    audit: int = setting(600, help="Labels to audit: a fifth calibrates the scores, the rest proves the promise.")
    more: int = setting(0, metavar="N", help="Audit N further labels, when no promise could be made yet.")
    per_class: bool = setting(False, help="Keep the budget in every class, not only over all.")
    method: str = setting("auto", choices=("auto", *calibration.METHODS), help="How scores are calibrated.")
    drop_below: float = setting(0.02, help="Labels less probable than this are proposed for deletion.")
    quick_from: float = setting(0.5, help="Labels at least this probable get a yes/no check; below, a full review.")
    queue: int = setting(10_000, help="Most review tasks to put into the queue, the most useful first.")
    minutes: float = setting(
        0.0,
        metavar="M",
        help="Queue only what helps most within so much of people's time, by the time that tasks were measured to "
        "take: unsure, disputed, unlike one another, events first. 0: everything in doubt.",
    )
    rare: bool = setting(False, help="With --minutes: ask more about rare classes.")
    people: int = setting(1, metavar="N", help="People asked about each queued task.")
    seed: int = setting(1, help="Decides which labels are drawn for the audit.")
    json: bool = setting(False, help="Print JSON instead of text.")

    def __post_init__(self) -> None:
        for name, value in (("--max-error", self.max_error), ("--confidence", self.confidence)):
            if not 0 < value < 1:
                raise UsageError(f"{name} {value:g}: give a share between 0 and 1, for example 0.02 or 0.95")
        if self.audit < 50 or self.more < 0:
            raise UsageError("--audit must be at least 50 and --more at least 0")
        if self.minutes < 0 or self.people < 1:
            raise UsageError("--minutes must be at least 0 and --people at least 1")


def run(config: RouteConfig, report: Reporter = SILENT) -> RouteSummary:
    """Take the next step of routing a project: draw the audit, or decide on what people answered.

    Each subject has an audit, a calibration and a promise of its own.

    Raises:
        ProjectError: the project cannot be written.
    """
    with Project(config.project, write=True) as project:
        report.start("route", None)
        wanted = _AUTOMATIC if config.subject == "auto" else (config.subject,)
        found = [_step(project, config, subject) for subject in wanted]
        report.advance(sum(item.units for item in found))
    some = [item for item in found if item.state != "empty"] or found[:1]
    return replace(some[0], also=tuple(some[1:]))


def _step(project: Project, config: RouteConfig, subject: str) -> RouteSummary:
    """Take the next step with one subject."""
    population, log, notes = _population(project, subject)
    base = RouteSummary(
        "empty", "", len(population), population.piece_count, population.human_count, subject, notes=notes
    )
    what = PLURAL[subject]
    if len(population) == 0:
        nothing = "label" if config.subject == "auto" else subject
        return replace(base, message=f"nothing to route: no {nothing} made by a model")
    answers = project.answers()
    pilot = verdicts(log.of_phase(PILOT), answers)
    if not log.draws:
        raw = Units(_raw(population), population.size.astype(np.float64), population.class_id)
        count = max(config.audit // 5, calibration.LEAST_SAMPLE)
        log = ask(project, log, population, draw_audit(raw, count, config.seed), PILOT, config.seed)
        log.save(project, subject)
        pilot = verdicts(log.of_phase(PILOT), answers)
    if pilot.waiting:
        text = (
            f"uncalibrated: {pilot.waiting} audit {what} wait in the review queue; answer them "
            f"(framelabel review {config.project}) and run this again"
        )
        return replace(base, state="pilot", message=text, waiting=pilot.waiting)
    return _decide(project, config, population, log, pilot, answers, base)


def _population(project: Project, subject: str) -> tuple[Population, AuditLog, tuple[str, ...]]:
    """Return the frozen population and its log, frozen now where there is none or a newer run has added labels."""
    known = Population.load(project, subject)
    if known is not None and known.newest_run == newest_run(project, subject):
        return known, AuditLog.load(project, subject), ()
    fresh = gather(project, subject)
    notes = () if known is None else ("a newer run has added labels: the audit starts anew",)
    if len(fresh) or known is not None:
        fresh.save(project)
        AuditLog().save(project, subject)
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
    what = PLURAL[population.subject]
    features = design(population)
    calibrator = fitted(population, features, pilot, config.method)
    units = Units(calibrator(features), population.size.astype(np.float64), population.class_id)
    base = replace(base, class_names=population.names if config.per_class else ())
    base = _with_reliability(base, config.method, population, features, pilot, calibrator)
    proof = log.of_phase(PROOF)
    if not proof or config.more:
        # raw scores say nothing of what is plausible
        lowest = 0.0 if calibrator.method == "uncalibrated" else plausible(units, config.max_error)
        above = log.above if proof else lowest
        count = config.more if proof else config.audit - len(log.of_phase(PILOT))
        seed = config.seed + 1 + len(log.draws)
        drawn = draw_audit(units, count, seed, above=above)
        log = replace(ask(project, log, population, drawn, PROOF, seed), above=above)
        log.save(project, population.subject)
        proof = log.of_phase(PROOF)
    judged = verdicts(proof, answers)
    if judged.waiting:
        text = (
            f"calibrated; {judged.waiting} audit {what} wait in the review queue to prove the "
            "promise; answer them and run this again"
        )
        return replace(base, state="proof", message=text, waiting=judged.waiting)
    audit = Audit(judged.unit, judged.is_wrong.astype(np.float64), log.above)
    look = log.looks + (len(judged.unit) != log.answered_at_last_look or log.looks == 0)
    promises = _promises(config, units, audit, len(population.names), look)
    # what is not accepted is judged by all answers; the promise itself rests on the pilot's probabilities alone
    every = Verdicts(
        np.concatenate([pilot.unit, judged.unit]), np.concatenate([pilot.is_wrong, judged.is_wrong]), waiting=0
    )
    refitted = fitted(population, features, every, config.method)
    base = _with_reliability(base, config.method, population, features, every, refitted)
    stated = refitted(features)
    known = _judged_whole(population, every)
    is_census = bool((known != UNJUDGED).all())
    if is_census:
        promises, base = [_census(known, config)], replace(base, class_names=())
    routing = decide(
        units,
        promises,
        stated=stated,
        judged=known if is_census else None,
        drop_below=config.drop_below,
        quick_from=config.quick_from,
    )
    curves = _curves(project, units, [Audit(pilot.unit, pilot.is_wrong.astype(np.float64)), audit], answers, config)
    # nothing is left to choose once people have judged everything
    point = None if is_census else chosen_point(curves, 1 - config.max_error)
    queued = route_queue.fill(
        project,
        population,
        replace(units, probability=stated),
        routing,
        answers,
        judged=every.unit,
        most=config.queue,
        minutes=config.minutes,
        rare=config.rare,
        people=config.people,
    )
    summary = replace(
        base,
        state="decided",
        message=_census_message(known, what) if is_census else _message(promises, config, what),
        promises=tuple(promises),
        routing=routing,
        curves=tuple(curves),
        operating_point=point,
        queued=queued,
    )
    result = as_dict(summary)
    replace(log, looks=look, answered_at_last_look=len(judged.unit), result=result).save(project, population.subject)
    keep(project, summary, result)
    return summary


def fitted(population: Population, features: NDArray[np.float64], seen: Verdicts, method: str = "auto") -> Calibrator:
    """Return the calibrator fitted on what people said; uncalibrated while they have seen too few units."""
    if len(np.unique(seen.unit)) < calibration.LEAST_SAMPLE:
        return RawScore()
    group = population.group.astype(np.int64)[seen.unit]
    return calibration.fit(features[seen.unit], ~seen.is_wrong, group, method)


def _with_reliability(
    base: RouteSummary,
    method: str,
    population: Population,
    features: NDArray[np.float64],
    seen: Verdicts,
    calibrator: Calibrator,
) -> RouteSummary:
    """Return the summary with its method, and how far probabilities can be believed before and after."""
    right = ~seen.is_wrong
    group = population.group.astype(np.int64)[seen.unit]
    raw = _raw(population)[seen.unit]
    is_known = calibrator.method != "uncalibrated"
    after = calibration.out_of_fold(features[seen.unit], right, group, method) if is_known else raw
    # about forty answers to a bin: with fewer, chance alone would look like miscalibration
    bins = min(max(len(right) // 40, 2), 15)
    before, calibrated = (reliability(stated, right, bins=bins, equal_mass=True) for stated in (raw, after))
    return replace(
        base,
        method=calibrator.method,
        ece_before=before.ece,
        ece_after=calibrated.ece,
        ece_by_chance=ece_by_chance(after, right, group, bins=bins, equal_mass=True),
        reliability=(before, calibrated),
    )


def _promises(config: RouteConfig, units: Units, audit: Audit, class_count: int, look: int) -> list[Promise]:
    budget = {"max_error": config.max_error, "confidence": config.confidence}
    if config.per_class:
        return promise_per_class(units, audit, class_count, look=look, **budget)
    return [promise(units, audit, look=look, **budget)]


def design(population: Population) -> NDArray[np.float64]:
    """Return the features, with a column for every class but the first."""
    kinds = np.unique(population.class_id)[1:]
    classes = (population.class_id[:, None] == kinds[None, :]).astype(np.float64)
    return np.hstack([population.features.astype(np.float64), classes])


def _raw(population: Population) -> NDArray[np.float64]:
    return population.features[:, 0].astype(np.float64)


def _judged_whole(population: Population, seen: Verdicts) -> NDArray[np.int8]:
    """Return the (N,) verdict on each unit of one piece that people have judged."""
    known = np.full(len(population), UNJUDGED, np.int8)
    known[seen.unit] = np.where(seen.is_wrong, WRONG, RIGHT)
    known[population.size != 1] = UNJUDGED
    return known


def _census(known: NDArray[np.int8], config: RouteConfig) -> Promise:
    """Return what is known once people have judged every unit: what is accepted is right, by what they said."""
    share, count = float(np.mean(known == RIGHT)), int(np.count_nonzero(known == RIGHT))
    return Promise(2.0, share, config.max_error, config.confidence, True, count, 0.0, 0.0, 0.0)


def _census_message(known: NDArray[np.int8], what: str) -> str:
    right, wrong = int(np.count_nonzero(known == RIGHT)), int(np.count_nonzero(known == WRONG))
    return f"people judged all {len(known)} {what}: {right} are right and accepted, {wrong} wait to be mended"


def _message(promises: Sequence[Promise], config: RouteConfig, what: str) -> str:
    held = [item for item in promises if item.holds]
    if not held:
        worst = max(promises, key=lambda item: item.more_to_audit)
        more = (
            f"; audit {worst.more_to_audit} more {what} (--more {worst.more_to_audit})" if worst.more_to_audit else ""
        )
        return f"no promise: {worst.reason}{more}"
    share = sum(item.accepted_share for item in held) if len(promises) == 1 else float("nan")
    text = f"{share:.1%} of the {what} are" if len(promises) == 1 else f"{len(held)} classes have {what}"
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
