"""The queue by keyboard: every answer has a key, what was corrected is not called right, golden tasks stay hidden."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.frames import VideoId
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.store.project import Project
from framelabel.workflows.agree import AgreeConfig
from framelabel.workflows.agree import run as agree
from tests.assets import squares
from tests.browser.pages import drag, said, served

SIZE = squares.SIZE
VIDEO = VideoId(1)
JUDGED = ("accept", "reject", "fix")


def taken(page: Page, task: int) -> None:
    """Wait until a task is open, with its picture shown."""
    page.wait_for_function("id => framelabel.task?.id === id && framelabel.frame === framelabel.task.start", arg=task)


def answers(project: Path) -> dict[int, str]:
    """Return the verdicts by task."""
    with Project(project) as stored:
        return {answer.task_id: answer.verdict for answer in stored.answers()}


def test_every_answer_has_a_key_to_the_end_of_the_queue(visit: Callable[[str], Page], project: Path) -> None:
    """Enter, r, y, 0 and number keys answer five tasks; after the last one the queue is empty."""
    judge = [Task(TaskKind.TRACK, VIDEO, frame, frame + 1, 1, choices=JUDGED) for frame in (4, 5, 6)]
    weather = [Task(TaskKind.TAG, VIDEO, frame, frame + 1, choices=("sun", "rain", "snow")) for frame in (7, 8)]
    with Project(project, write=True) as stored:
        ids = stored.append_tasks([*judge, *weather])
    with served(project) as (_, [url]):
        page = visit(url)
        page.keyboard.press("y")
        said(page, "no task is open")
        page.keyboard.press("t")
        for task, key in zip(ids, ("Enter", "r", "y", "3", "0"), strict=True):
            taken(page, task)
            page.keyboard.press(key)
        page.wait_for_function("() => document.querySelector('#task').textContent.includes('empty')")
    assert answers(project) == dict(zip(ids, ("accept", "reject", "fix", "snow", "skip"), strict=True))


def test_a_corrected_label_is_not_answered_right(visit: Callable[[str], Page], project: Path) -> None:
    """Once the box asked about is corrected, Enter says that it was wrong; undone, it says right."""
    audit = [Task(TaskKind.TRACK, VIDEO, frame, frame + 1, 1, choices=("right", "wrong")) for frame in (10, 20)]
    with Project(project, write=True) as stored:
        routed = Task(TaskKind.TRACK, VIDEO, 30, 31, 1, choices=JUDGED, priority=-1.0)
        ids = stored.append_tasks([*audit, routed])
    with served(project) as (_, [url]):
        page = visit(url)
        page.keyboard.press("t")
        for task, is_undone in zip(ids, (False, True, False), strict=True):
            taken(page, task)
            assert page.inner_text("#task button >> nth=0").endswith("(Enter)")
            x1, y1, x2, y2 = page.evaluate("() => framelabel.stage.current().xyxy")
            centre = ((x1 + x2) / 2, (y1 + y2) / 2)
            drag(page, SIZE, centre, (centre[0] + 5, centre[1]))
            said(page, "correct")
            page.wait_for_function("() => !document.querySelector('#task button').textContent.endsWith('(Enter)')")
            if is_undone:
                page.keyboard.press("z")
                said(page, "undo: correct")
            page.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelector('#task').textContent.includes('empty')")
    assert answers(project) == dict(zip(ids, ("wrong", "right", "fix"), strict=True))


def test_the_label_asked_about_is_selected_also_without_an_object(visit: Callable[[str], Page], project: Path) -> None:
    """A question about one of two boxes of no object selects that box; correcting it answers fix."""
    places = [(20.0, 6.0, 30.0, 16.0), (60.0, 6.0, 70.0, 16.0)]
    with Project(project, write=True) as stored:
        ids = stored.append([Annotation(VIDEO, 50, 0, box, Provenance(Origin.MODEL, "x"), score=0.5) for box in places])
        [task] = stored.append_tasks([Task(TaskKind.BOX, VIDEO, 50, 51, subject_id=ids[1], choices=JUDGED)])
    with served(project) as (_, [url]):
        page = visit(url)
        page.keyboard.press("t")
        taken(page, task)
        assert page.evaluate("() => framelabel.stage.current().xyxy") == list(places[1])
        drag(page, SIZE, (65, 11), (70, 11))
        said(page, "correct")
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelector('#task').textContent.includes('empty')")
    assert answers(project) == {task: "fix"}


def test_golden_tasks_tell_their_answer_only_when_asked_to(visit: Callable[[str], Page], project: Path) -> None:
    """With feedback the page says the known answer once it is answered; before that nothing that it got tells it."""
    with Project(project, write=True) as stored:
        known = [
            Task(TaskKind.TRACK, VIDEO, frame, frame + 1, 1, choices=JUDGED, answers_wanted=2) for frame in range(8)
        ]
        stored.append_tasks([Task(TaskKind.TRACK, VIDEO, 40, 41, 1, choices=JUDGED)])
        for task in stored.append_tasks(known):
            for name in ("ada", "ben"):
                stored.add_answer(Answer(task, name, "reject", 2.0))
    agree(AgreeConfig(project, golden=2, feedback=True))
    with served(project, "--annotator", "cleo") as (_, [url]):
        page = visit(url)
        page.keyboard.press("t")
        told = []
        for _ in range(3):
            page.wait_for_function("() => framelabel.task !== null")
            assert "reject" not in page.evaluate("() => JSON.stringify({...framelabel.task, choices: []})")
            with page.expect_response("**/api/answer") as answered:
                page.keyboard.press("Enter")
            told.append(answered.value.json()["known"])
            if told[-1]:
                said(page, "known answer: reject")
        assert sorted(told) == ["", "reject", "reject"]
