"""`framelabel agree`: how well people agree, how good each of them is, and one label out of several."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from framelabel.core.config import setting
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.tasks import Answer, Task
from framelabel.review.agreement import alpha_of_counts, cohen_kappa, fleiss_kappa, with_interval
from framelabel.review.consensus.catalog import CONSENSUS
from framelabel.review.consensus.majority import needs_another
from framelabel.review.consensus.votes import ClassConsensus, Votes
from framelabel.review.skill import Skill
from framelabel.store import tasks as task_table
from framelabel.store.documents import Document
from framelabel.store.project import Project
from framelabel.workflows import golden
from framelabel.workflows.annotators import LabelAgreement, label_agreements, merge_annotators
from framelabel.workflows.people import golden_skills
from framelabel.workflows.tag import settle_tags


@dataclass(frozen=True, slots=True)
class AgreeConfig:
    """What to compare, and what to do about it."""

    project: Path = setting(help="Project file.", argument=True)
    method: str = setting("majority", choices=tuple(CONSENSUS), help="How several answers to one task become one.")
    merge: bool = setting(
        False, help="Labels of several annotators and answers about frames become one; can be undone."
    )
    undo: bool = setting(False, help="Take the last merge back.")
    ask_more: bool = setting(False, help="Ask one more person where the answers leave doubt.")
    golden: int = setting(
        0,
        metavar="N",
        help="Hide N tasks with known answers among the open ones: tasks that several people answered alike.",
    )
    golden_by: str = setting("", metavar="PERSON", help="With --golden: the answers of this person count as known.")
    feedback: bool = setting(False, help="With --golden: who has answered one is told the known answer.")
    sure: float = setting(0.9, help="Probability from which an answer counts as sure.")
    json: bool = setting(False, help="Print JSON instead of tables.")


@dataclass(frozen=True, slots=True)
class Kappa:
    """Two annotators who answered the same tasks."""

    first: str
    second: str
    tasks: int
    kappa: float
    """Cohen's; NaN where chance explains everything."""


@dataclass(frozen=True, slots=True, eq=False)
class AgreeSummary:
    """What was found and done."""

    tasks: int
    """Tasks answered by at least two people."""
    annotators: tuple[str, ...]
    alpha: tuple[float, float, float]
    """Krippendorff's alpha with its 95 % interval; NaN where it is not defined."""
    fleiss: float
    kappas: tuple[Kappa, ...]
    skills: tuple[Skill, ...]
    """By golden tasks."""
    verdicts: tuple[str, ...]
    consensus: ClassConsensus | None
    unsure: int
    """Tasks whose answers leave doubt."""
    labels: tuple[LabelAgreement, ...]
    """Pairs of annotators who labelled the same video."""
    merged: int = 0
    """Tracks written as consensus."""
    message: str = ""
    hidden: int = 0
    """Golden tasks put among the open ones."""
    tagged: int = 0
    """Frames that got the tag on which their answers agree."""


def run(config: AgreeConfig, report: Reporter = SILENT) -> AgreeSummary:
    """Measure agreement and skill, and merge where asked.

    Raises:
        ProjectError: the project cannot be read or written.
        MissingExtraError: the method needs an optional package.
        UsageError: golden tasks are wanted and no answer is known.
    """
    with Project(config.project, write=True) as project:
        report.start("agree", None)
        message = ""
        if config.undo:
            edit = project.undo("consensus")
            message = f"undone: {edit.title}" if edit is not None else "there is no merge to undo"
        tasks, answers = project.tasks(open_only=False), project.answers()
        labels = label_agreements(project)
        merged = merge_annotators(project, report) if config.merge else 0
        tagged = settle_tags(project, config.method) if config.merge else 0
        hidden = 0
        if config.golden:
            hidden = golden.hide(project, config.golden, known_by=config.golden_by, feedback=config.feedback)
        summary = replace(_summary(config, tasks, answers, labels, merged, message), tagged=tagged, hidden=hidden)
        if config.ask_more and summary.unsure:
            project.write(task_table.want_more, _unsure_tasks(config, tasks, answers))
        text = json.dumps(as_dict(summary), indent=1).encode()
        project.put_document(Document("agreement", "result", "application/json", text))
        report.advance()
    return summary


def answers_summary(project: Project) -> AgreeSummary:
    """Return how well people agree as it stands, from their answers alone; nothing is stored."""
    return _summary(AgreeConfig(project.path), project.tasks(open_only=False), project.answers(), (), 0, "")


def _summary(
    config: AgreeConfig,
    tasks: Sequence[Task],
    answers: Sequence[Answer],
    labels: Sequence[LabelAgreement],
    merged: int,
    message: str,
) -> AgreeSummary:
    table = _Table.of(answers)
    votes = table.votes
    several = np.bincount(votes.task, minlength=votes.task_count) >= 2
    shared = Votes.of(
        votes.task[several[votes.task]], votes.annotator[several[votes.task]], votes.label[several[votes.task]]
    )
    counts = shared.counts()
    counts = counts[counts.sum(axis=1) > 0]
    consensus = CONSENSUS.load(config.method)(votes) if len(votes.task) else None
    return AgreeSummary(
        int(several.sum()),
        table.annotators,
        with_interval(shared, alpha_of_counts),
        fleiss_kappa(counts),
        tuple(_kappas(table)),
        tuple(golden_skills(tasks, answers)),
        table.verdicts,
        consensus,
        len(_unsure_tasks(config, tasks, answers)),
        tuple(labels),
        merged,
        message,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Answers as numbers; the last answer of a person to a task counts, "skip" does not."""

    votes: Votes
    task_ids: tuple[int, ...]
    annotators: tuple[str, ...]
    verdicts: tuple[str, ...]

    @staticmethod
    def of(answers: Sequence[Answer]) -> _Table:
        given = {(item.task_id, item.annotator): item.verdict for item in answers if item.verdict != "skip"}
        ids = tuple(sorted({task for task, _ in given}))
        names = tuple(sorted({name for _, name in given}))
        verdicts = tuple(sorted(set(given.values())))
        places = [{item: row for row, item in enumerate(items)} for items in (ids, names, verdicts)]
        rows = [(places[0][task], places[1][name], places[2][verdict]) for (task, name), verdict in given.items()]
        columns = np.array(rows, np.int64).reshape(-1, 3)
        return _Table(Votes.of(columns[:, 0], columns[:, 1], columns[:, 2]), ids, names, verdicts)


def _kappas(table: _Table) -> list[Kappa]:
    said: dict[int, dict[int, int]] = defaultdict(dict)
    for task, annotator, label in zip(table.votes.task, table.votes.annotator, table.votes.label, strict=True):
        said[int(annotator)][int(task)] = int(label)
    found = []
    for first, second in combinations(sorted(said), 2):
        both = sorted(said[first].keys() & said[second].keys())
        if both:
            labels = [np.array([said[one][task] for task in both]) for one in (first, second)]
            names = table.annotators[first], table.annotators[second]
            found.append(Kappa(*names, len(both), cohen_kappa(*labels)))
    return found


def _unsure_tasks(config: AgreeConfig, tasks: Sequence[Task], answers: Sequence[Answer]) -> list[int]:
    """Return the ids of tasks that one more answer would help; golden ones have their answer already."""
    table = _Table.of(answers)
    if not len(table.votes.task):
        return []
    merged = CONSENSUS.load(config.method)(table.votes)
    count = np.bincount(table.votes.task, minlength=table.votes.task_count)
    has_gold = {task.id for task in tasks if task.gold is not None}
    doubtful = needs_another(merged, count, sure=config.sure) & (count >= 2)
    return [table.task_ids[row] for row in np.flatnonzero(doubtful) if table.task_ids[row] not in has_gold]


def as_dict(summary: AgreeSummary) -> dict[str, Any]:
    """Return a summary as JSON-able values; what is not known is null."""
    return {
        "tasks_with_several_answers": summary.tasks,
        "annotators": list(summary.annotators),
        "krippendorff_alpha": dict(zip(("value", "low", "high"), map(_known, summary.alpha), strict=True)),
        "fleiss_kappa": _known(summary.fleiss),
        "cohen_kappa": [{**asdict(item), "kappa": _known(item.kappa)} for item in summary.kappas],
        "skills": [
            {
                "annotator": item.annotator,
                "right": item.right,
                "golden_tasks": item.count,
                "accuracy": item.accuracy,
                "low": item.low,
                "high": item.high,
                "seconds": _known(item.seconds_median),
                "trend": _known(item.trend),
                "trend_p_value": _known(item.trend_p_value),
                "confusion": item.confusion.tolist(),
                "verdicts": list(item.labels),
            }
            for item in summary.skills
        ],
        "consensus": _consensus_counts(summary),
        "unsure_tasks": summary.unsure,
        "labels": [{**asdict(item), "mean_overlap": _known(item.mean_overlap)} for item in summary.labels],
        "merged_tracks": summary.merged,
        "tagged_frames": summary.tagged,
        "golden_tasks_hidden": summary.hidden,
        "message": summary.message,
    }


def _consensus_counts(summary: AgreeSummary) -> dict[str, int]:
    if summary.consensus is None:
        return {}
    labels = summary.consensus.label
    return dict(Counter(summary.verdicts[label] for label in labels[labels >= 0].tolist()))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
