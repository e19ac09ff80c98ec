"""Golden tasks look like any other, measure people, and change nothing else."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from framelabel.cli.main import main
from framelabel.core.errors import UsageError
from framelabel.core.frames import VideoId
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.core.videos import Video
from framelabel.store.project import Project
from framelabel.web.studio import Studio
from framelabel.workflows.agree import AgreeConfig, run

KNOWN = 30


@pytest.fixture
def project_path(tmp_path: Path) -> Path:
    """Make a project of thirty tracks that Ada and Ben judged alike (one in three wrong), and ten open tasks."""
    path = tmp_path / "yard.framelabel"
    with Project(path, create=True) as project:
        video = project.add_video(Video(VideoId(0), "yard", "", 640, 480, 100, Fraction(1, 25), Fraction(25)))
        ask = Task(
            TaskKind.TRACK,
            video.id,
            0,
            50,
            question="Is this right?",
            choices=("accept", "reject", "fix"),
            reason="routing: quick",
        )
        known = [replace(ask, track_id=number, answers_wanted=2, priority=99.0) for number in range(KNOWN)]
        for task_id, task in zip(project.append_tasks(known), known, strict=True):
            for name in ("ada", "ben"):
                project.add_answer(Answer(task_id, name, "accept" if task.track_id % 3 else "reject", 2.0))
        project.append_tasks([replace(ask, track_id=100 + number, priority=float(number)) for number in range(10)])
    return path


def test_they_are_hidden_among_the_open_ones_and_measure_a_newcomer(project_path: Path) -> None:
    """Cleo gets ten golden tracks between ten others, cannot tell them apart, and her skill is known afterwards."""
    summary = run(AgreeConfig(project_path, golden=10))
    assert summary.hidden == 10
    with closing(Studio(project_path)) as studio:
        gold = {task.id: task for task in studio.project.tasks() if task.gold is not None}
        order: list[bool] = []
        shown = []
        while True:
            task, waiting = studio.next_task("cleo")
            if task is None:
                break
            assert waiting == 20 - len(order)
            order.append(task.id in gold)
            shown.append((task.kind, task.question, task.choices, task.reason, task.start, task.stop))
            right = "accept" if task.track_id % 3 else "fix"
            is_slip = task.id in gold and sum(order) == 1
            studio.answer(task.id, "cleo", {"accept": "fix", "fix": "accept"}[right] if is_slip else right, 2.0, {})
            assert studio.known_answer(task.id) == ""
        assert studio.project.open_task_count() == 0
    assert sum(order) == 10
    assert len(set(shown)) == 1
    assert order not in (sorted(order), sorted(order, reverse=True))
    assert [task.gold["verdict"] for task in gold.values() if task.gold].count("accept") == 5
    (skill,) = run(AgreeConfig(project_path)).skills
    assert (skill.annotator, skill.right, skill.count) == ("cleo", 9, 10)


def test_nobody_is_measured_by_an_answer_of_their_own(project_path: Path) -> None:
    """Ada, whose word made the answers known, answers golden tasks without being judged by them."""
    assert run(AgreeConfig(project_path, golden=6, golden_by="ada")).hidden == 6
    with Project(project_path, write=True) as project:
        for task in project.tasks():
            if task.gold is not None:
                project.add_answer(Answer(task.id, "ada", str(task.gold["verdict"]), 1.0))
                project.add_answer(Answer(task.id, "ben", str(task.gold["verdict"]), 1.0))
    assert [skill.annotator for skill in run(AgreeConfig(project_path)).skills] == ["ben"]


def test_feedback_tells_the_known_answer_only_where_it_is_wanted(project_path: Path) -> None:
    """With --feedback the page hears the known answer of a golden task, and none of any other."""
    run(AgreeConfig(project_path, golden=4, feedback=True))
    with closing(Studio(project_path)) as studio:
        for task in studio.project.tasks():
            expected = str(task.gold["verdict"]) if task.gold is not None else ""
            assert studio.known_answer(task.id) == expected


def test_none_is_asked_twice_and_nothing_known_is_a_usage_error(
    project_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked for more than there are, each known task is hidden once; a second call finds none left."""
    assert run(AgreeConfig(project_path, golden=100)).hidden == KNOWN
    with pytest.raises(UsageError, match="no other task is answered alike by two people"):
        run(AgreeConfig(project_path, golden=1))
    with pytest.raises(SystemExit, match="2"):
        main(["agree", str(project_path), "--golden", "1", "--golden-by", "nobody"])
    assert "by nobody" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        main(["agree", str(project_path), "--json"])
    assert json.loads(capsys.readouterr().out)["golden_tasks_hidden"] == 0
