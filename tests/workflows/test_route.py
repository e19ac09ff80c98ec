"""`framelabel route` from raw labels through two audits to a promise that is true."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framelabel.cli.main import main
from framelabel.core.annotations import Origin, Provenance
from framelabel.core.frames import VideoId
from framelabel.core.labels import Flag, FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.tasks import Answer
from framelabel.core.videos import Video
from framelabel.store import tasks as task_table
from framelabel.store.project import Project
from framelabel.workflows import route
from framelabel.workflows.route_summary import RouteSummary

FRAMES, TRACKS = 400, 300


@dataclass(frozen=True)
class _Made:
    path: Path
    wrong_tracks: frozenset[int]
    labels: Labels


@pytest.fixture
def made(tmp_path: Path) -> _Made:
    """Make a project of 300 tracks; those with low scores are often wrong, and wrong in every box."""
    random = np.random.default_rng(11)
    frame, box, score, track = [], [], [], []
    wrong = set()
    for number in range(1, TRACKS + 1):
        chance = float(random.beta(3, 0.35))
        if random.random() > chance:
            wrong.add(number)
        length = int(random.integers(10, 90))
        start = int(random.integers(0, FRAMES - length))
        left, top = random.uniform(0, 1200), random.uniform(0, 650)
        x = left + 0.5 * np.arange(length)
        frame.append(np.arange(start, start + length))
        box.append(np.stack([x, np.full(length, top), x + 30, np.full(length, top + 60)], axis=1))
        score.append(np.clip(0.4 + 0.6 * chance**2 + random.normal(0, 0.02, length), 0.05, 0.99))
        track.append(np.full(length, number))
    table = FrameTable(np.zeros(FRAMES, np.int32), np.arange(FRAMES))
    video = Video(VideoId(0), "yard", "", 1280, 720, FRAMES, Fraction(1, 25), Fraction(25))
    labels = Labels.of(
        Ontology.of(["person"]),
        (video,),
        table,
        np.concatenate(frame),
        np.concatenate(box),
        score=np.concatenate(score),
        track_id=np.concatenate(track),
    )
    path = tmp_path / "yard.framelabel"
    with Project(path, create=True) as project:
        stored = project.add_video(video)
        project.append_labels(labels, [stored.id], Provenance(Origin.TRACKER, "test"))
    return _Made(path, frozenset(wrong), labels)


def _answer_all(made: _Made, *, limit: int | None = None) -> int:
    """Let a person who is always right answer the open audit tasks; return how many."""
    with Project(made.path, write=True) as project:
        tasks = [task for task in project.tasks() if task.reason.startswith("audit")][:limit]
        for task in tasks:
            verdict = "wrong" if task.track_id in made.wrong_tracks else "right"
            project.write(task_table.add_answer, Answer(task.id, "ada", verdict, 2.0))
    return len(tasks)


def _route(made: _Made, **settings: Any) -> RouteSummary:
    return route.run(route.RouteConfig(made.path, **{"max_error": 0.05, "audit": 600, **settings}))


def test_two_audits_lead_to_a_promise_that_is_true(made: _Made) -> None:
    """First it says that it is uncalibrated and asks, then asks for the proof, then decides and keeps its promise."""
    first = _route(made)
    assert (first.state, first.method) == ("pilot", "uncalibrated")
    assert "uncalibrated" in first.message
    assert first.waiting == 120
    assert first.boxes == len(made.labels)
    _answer_all(made)
    second = _route(made)
    assert second.state == "proof"
    assert second.method != "uncalibrated"
    _answer_all(made)
    third = _route(made)
    assert third.state == "decided"
    (found,) = third.promises
    assert found.holds
    assert 0.3 < found.accepted_share < 1
    with Project(made.path) as project:
        kept = project.document("routing", "result")
        drawn = project.document("curve", "quality.svg")
        queue = [task for task in project.tasks() if task.reason.startswith("routing")]
    assert kept is not None
    assert json.loads(kept.content)["promises"][0]["holds"] is True
    assert drawn is not None
    assert drawn.content.startswith(b"<svg")
    assert len(queue) == third.queued > 0
    gains = [task.priority for task in queue]
    assert gains == sorted(gains, reverse=True)
    asked = {task.track_id for task in queue}
    accepted = ~np.isin(made.labels.track_id, sorted(asked))
    wrong = np.isin(made.labels.track_id, sorted(made.wrong_tracks))
    assert wrong[accepted].mean() <= 0.05


def test_asking_again_changes_nothing(made: _Made) -> None:
    """The same answers give the same decision, no second look, and no task twice."""
    for _ in range(2):
        _route(made)
        _answer_all(made)
    first, second = _route(made), _route(made)
    assert first.promises == second.promises
    assert first.queued == second.queued
    with Project(made.path) as project:
        assert len([task for task in project.tasks() if task.reason.startswith("routing")]) == first.queued


def test_half_answered_audits_wait(made: _Made) -> None:
    """No test before the sample is complete: looking early would break the promise."""
    _route(made)
    done = _answer_all(made, limit=20)
    again = _route(made)
    assert again.state == "pilot"
    assert 0 < again.waiting <= 120 - done + 20


def test_a_small_sample_is_refused_and_says_how_many_more(made: _Made) -> None:
    """60 audited boxes prove no 1 %; it says how many more, draws them on request, and then goes on."""
    _route(made, audit=60, max_error=0.01)
    _answer_all(made)
    _route(made, audit=60, max_error=0.01)
    _answer_all(made)
    refused = _route(made, audit=60, max_error=0.01)
    (found,) = refused.promises
    assert not found.holds
    assert found.accepted_share == 0
    assert found.more_to_audit > 200
    assert f"--more {found.more_to_audit}" in refused.message
    assert _route(made, audit=60, max_error=0.01, more=300).state == "proof"
    assert _answer_all(made) > 200


def test_labels_of_people_are_not_routed(made: _Made, tmp_path: Path) -> None:
    """A track with a box that a person drew is theirs."""
    flags = np.where(made.labels.track_id <= 100, int(Flag.KEYFRAME), 0)
    path = tmp_path / "human.framelabel"
    labels = made.labels
    columns = {"flags": flags, "track_id": labels.track_id, "score": labels.score}
    with Project(path, create=True) as project:
        stored = project.add_video(labels.videos[0])
        some = Labels.of(labels.ontology, labels.videos, labels.frames, labels.frame, labels.xyxy, **columns)
        project.append_labels(some, [stored.id], Provenance(Origin.HUMAN, "ada"))
    summary = route.run(route.RouteConfig(path))
    assert (summary.units, summary.human_boxes) == (200, int((labels.track_id <= 100).sum()))


def test_nothing_to_route_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty project says so; JSON is JSON."""
    path = tmp_path / "empty.framelabel"
    Project(path, create=True).close()
    with pytest.raises(SystemExit) as stopped:
        main(["route", str(path), "--json"])
    assert stopped.value.code == 0
    assert json.loads(capsys.readouterr().out)["state"] == "empty"


def test_impossible_promises_are_usage_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A budget of 2 instead of 0.02 is caught."""
    with pytest.raises(SystemExit) as stopped:
        main(["route", str(tmp_path / "x.framelabel"), "--max-error", "2"])
    assert stopped.value.code == 2
    assert "between 0 and 1" in capsys.readouterr().err


def test_the_judged_box_is_drawn_independently_of_its_track(made: _Made) -> None:
    """Boxes come from everywhere in their tracks: their places within the tracks are spread evenly."""
    _route(made, audit=2000)
    with Project(made.path) as project:
        tasks = project.tasks()
    frame = made.labels.frames.index[made.labels.frame]
    spans = {number: frame[made.labels.track_id == number] for number in range(1, TRACKS + 1)}
    place = np.array([(task.start - spans[task.track_id][0]) / len(spans[task.track_id]) for task in tasks])
    order = np.argsort([task.track_id for task in tasks])
    assert len(tasks) > 350
    assert abs(place.mean() - 0.5) < 0.06
    assert abs(np.corrcoef(place[order][:-1], place[order][1:])[0, 1]) < 0.15


def test_a_budget_of_minutes_is_kept_by_the_time_that_tasks_take(made: _Made) -> None:
    """One minute, two people, two seconds a check, six a full review: what fits is asked twice, in order."""
    for _ in range(2):
        _route(made)
        _answer_all(made)
    every = _route(made).queued
    some = _route(made, minutes=1.0, people=2)
    with Project(made.path) as project:
        queue = [task for task in project.tasks() if task.reason.startswith("routing")]
    seconds = sum(2.0 if task.reason.endswith("quick") else 6.0 for task in queue)
    assert 0 < len(queue) == some.queued < every
    assert 30.0 - 6.0 < seconds <= 30.0
    assert {task.answers_wanted for task in queue} == {2}
    assert [task.priority for task in queue] == sorted((task.priority for task in queue), reverse=True)
