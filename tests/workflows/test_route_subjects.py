"""`framelabel route` on whole-frame tags, events and whole tracks: each has an audit and a promise of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from framelabel.cli.main import main
from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.events import Event
from framelabel.core.frames import VideoId
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.core.videos import Video
from framelabel.review.routing import Band
from framelabel.store.project import Project
from framelabel.workflows import route
from framelabel.workflows.population import Population
from framelabel.workflows.route_summary import RouteSummary

FRAMES = 900
MODEL = Provenance(Origin.MODEL, "classifier")


def _video(name: str) -> Video:
    return Video(VideoId(0), name, "", 640, 360, FRAMES, Fraction(1, 25), Fraction(25))


def _tag(video: Video, frame: int, value: str, score: float, source: Provenance = MODEL) -> Annotation:
    return Annotation(
        video.id, frame, -1, (0.0, 0.0, 0.0, 0.0), source, score=score, attributes={"weather": value}
    )  # fmt: skip


def _tagged(path: Path) -> set[tuple[int, int]]:
    """Make a project of nothing but tags: 1,800 of a model, 20 of a person; return the wrong ones (video, frame)."""
    random = np.random.default_rng(3)
    wrong = set()
    with Project(path, create=True) as project:
        for name in ("a", "b"):
            video = project.add_video(_video(name))
            rows = []
            for frame in range(FRAMES):
                score = float(random.beta(6, 1))
                if random.random() > score**0.25:
                    wrong.add((int(video.id), frame))
                rows.append(_tag(video, frame, "rain" if frame % 300 < 100 else "sun", score))
            if name == "a":
                rows[:20] = [
                    _tag(video, frame, "sun", float("nan"), Provenance(Origin.HUMAN, "ada")) for frame in range(20)
                ]
                wrong -= {(int(video.id), frame) for frame in range(20)}
            project.append(rows)
    return wrong


def _answer(path: Path, is_wrong: Callable[[Task], bool]) -> None:
    with Project(path, write=True) as project:
        for task in project.tasks():
            if task.reason.startswith("audit"):
                verdict = "wrong" if is_wrong(task) else "right"
                project.add_answer(Answer(task.id, "ada", verdict, 2.0))


def _through(path: Path, is_wrong: Callable[[Task], bool], **settings: object) -> RouteSummary:
    """Route until a decision."""
    config = route.RouteConfig(path, **{"max_error": 0.05, "audit": 700, **settings})  # type: ignore[arg-type]
    for _ in range(3):
        summary = route.run(config)
        if summary.state == "decided":
            break
        _answer(path, is_wrong)
    return summary


def test_a_project_of_nothing_but_tags_is_routed(tmp_path: Path) -> None:
    """Tags are asked about as tags, calibrated, and accepted within the budget; a person's tags are left alone."""
    path = tmp_path / "weather.framelabel"
    wrong = _tagged(path)
    first = route.run(route.RouteConfig(path, max_error=0.05, audit=700))
    assert (first.subject, first.state, first.units, first.human_boxes) == ("tag", "pilot", 1780, 20)
    assert not first.also
    with Project(path) as project:
        asked = project.tasks()
    assert {task.kind for task in asked} == {TaskKind.TAG}
    assert {task.question for task in asked} == {
        "Is it right to say of this frame: weather is sun?",
        "Is it right to say of this frame: weather is rain?",
    }
    found = _through(path, lambda task: (int(task.video_id), task.start) in wrong)
    (promise,) = found.promises
    assert found.method != "uncalibrated"
    assert promise.holds
    with Project(path) as project:
        population = Population.load(project, "tag")
        queue = [task for task in project.tasks() if task.reason.startswith("routing tag: ")]
    assert population is not None
    assert len(queue) == found.queued > 0
    assert found.routing is not None
    accepted = found.routing.band == 0
    places = list(zip(population.video_id[accepted].tolist(), population.frame[accepted].tolist(), strict=True))
    assert len(places) > 300
    assert np.mean([place in wrong for place in places]) <= 0.05


def test_tags_keep_the_budget_in_every_class(tmp_path: Path) -> None:
    """With --per-class there is a promise for "weather: rain" and one for "weather: sun"."""
    path = tmp_path / "weather.framelabel"
    wrong = _tagged(path)
    found = _through(path, lambda task: (int(task.video_id), task.start) in wrong, per_class=True)
    assert found.class_names == ("weather: rain", "weather: sun")
    assert len(found.promises) == 2


def _with_events(path: Path, count: int) -> set[int]:
    """Make a project of events, each by a track of its own; return the tracks whose event did not happen."""
    random = np.random.default_rng(5)
    score = random.beta(5, 1, count)
    wrong = {int(track) + 1 for track in np.flatnonzero(random.random(count) > score**0.2)}
    with Project(path, create=True) as project:
        video = project.add_video(_video("yard"))
        frame = np.repeat(np.arange(20), count)
        track = np.tile(np.arange(count), 20)
        box = np.stack([track * 30.0, np.zeros(len(track)), track * 30.0 + 20, np.full(len(track), 50.0)], axis=1)
        table = FrameTable(np.zeros(FRAMES, np.int32), np.arange(FRAMES))
        labels = Labels.of(
            Ontology.of(["person"]),
            (video,),
            table,
            frame,
            box,
            score=np.repeat(score[None], 20, 0).ravel(),
            track_id=track + 1,
        )
        project.append_labels(labels, [video.id], Provenance(Origin.TRACKER, "test"))
        project.append_events(
            [
                Event(video.id, "fall", "falls", 0, 20, (int(number) + 1,), 10, score=float(score[number]))
                for number in range(count)
            ]
        )
    return wrong


def test_boxes_and_events_are_routed_side_by_side(tmp_path: Path) -> None:
    """Boxes come first, events also; the event's question names the event and its subject."""
    path = tmp_path / "falls.framelabel"
    wrong = _with_events(path, 400)
    found = _through(path, lambda task: task.track_id in wrong, subject="event")
    assert found.subject == "event"
    assert found.promises[0].holds
    both = route.run(route.RouteConfig(path, max_error=0.05, audit=700))
    assert (both.subject, [item.subject for item in both.also]) == ("box", ["event"])
    assert both.also[0].promises == found.promises
    with Project(path) as project:
        question = next(task.question for task in project.tasks(open_only=False) if task.kind is TaskKind.EVENT)
        kept = project.document("routing", "result event")
        curve = project.document("curve", "quality event.svg")
    assert question.startswith("Did this happen: fall by track ")
    assert kept is not None
    assert json.loads(kept.content)["subject"] == "event"
    assert curve is not None


def test_a_few_events_are_all_judged(tmp_path: Path) -> None:
    """Twelve events: the audit asks about each once, draws them again at no cost, and says it is uncalibrated."""
    path = tmp_path / "few.framelabel"
    _with_events(path, 12)
    first = route.run(route.RouteConfig(path, subject="event"))
    with Project(path) as project:
        assert len(project.tasks()) == 12
    assert first.state == "pilot"
    found = _through(path, lambda _: False, subject="event")
    assert found.method == "uncalibrated"
    assert found.promises[0].holds
    assert found.promises[0].accepted_share == 1.0


def test_what_people_judged_is_decided(tmp_path: Path) -> None:
    """Twelve events, three called wrong: nine are accepted, three wait to be mended, and nothing is asked again."""
    path = tmp_path / "few.framelabel"
    _with_events(path, 12)
    judged: list[Task] = []

    def is_wrong(task: Task) -> bool:
        judged.append(task)
        return len(judged) <= 3

    found = _through(path, is_wrong, subject="event", max_error=0.01)
    assert found.message == "people judged all 12 events: 9 are right and accepted, 3 wait to be mended"
    assert found.routing is not None
    assert [int((found.routing.band == band).sum()) for band in Band] == [9, 0, 3, 0]
    assert (found.promises[0].more_to_audit, found.queued) == (0, 3)
    with Project(path) as project:
        waiting = {task.subject_id for task in project.tasks()}
    assert waiting == {task.subject_id for task in judged[:3]}


def test_whole_tracks_have_a_promise_about_extent_and_identity(tmp_path: Path) -> None:
    """Asked for, whole tracks are judged as such: the task spans the track, and the promise counts tracks."""
    path = tmp_path / "tracks.framelabel"
    wrong = _with_events(path, 300)
    found = _through(path, lambda task: task.track_id in wrong, subject="track")
    assert (found.subject, found.units, found.boxes) == ("track", 300, 300)
    assert found.promises[0].holds
    with Project(path) as project:
        task = next(task for task in project.tasks(open_only=False) if task.kind is TaskKind.TRACK)
    assert (task.start, task.stop) == (0, 20)
    assert "always the same one" in task.question


def test_the_command_prints_each_subject(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text has a heading per subject; JSON nests the others under "also"."""
    path = tmp_path / "falls.framelabel"
    _with_events(path, 40)
    with pytest.raises(SystemExit):
        main(["route", str(path)])
    printed = capsys.readouterr().out
    assert "Boxes\n" in printed
    assert "\nEvents\n" in printed
    assert "audit events wait" in printed
    with pytest.raises(SystemExit):
        main(["route", str(path), "--json"])
    assert [item["subject"] for item in json.loads(capsys.readouterr().out)["also"]] == ["event"]
