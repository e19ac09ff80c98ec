"""`framelabel agree`: answers, golden tasks and whole labellings of several people."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from framelabel.cli.main import main
from framelabel.core.annotations import Origin, Provenance
from framelabel.core.frames import VideoId
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.core.videos import Video
from framelabel.store.project import Project
from framelabel.workflows.agree import AgreeConfig, run

FRAMES = 30
PEOPLE = ("ada", "ben", "cleo")


def _labelling(video: Video, random: np.random.Generator, *, swap: bool) -> Labels:
    """Return two people walking, drawn with a jitter of half a pixel; `swap` exchanges their ids half way."""
    frame = np.tile(np.arange(FRAMES), 2)
    left = np.concatenate([10 + 3.0 * np.arange(FRAMES), 300 - 3.0 * np.arange(FRAMES)])
    top = np.repeat([50.0, 200.0], FRAMES)
    box = np.stack([left, top, left + 40, top + 80], axis=1) + random.normal(0, 0.5, (2 * FRAMES, 4))
    track = np.repeat([1, 2], FRAMES)
    if swap:
        late = frame >= 15
        track[late] = 3 - track[late]
    table = FrameTable(np.zeros(FRAMES, np.int32), np.arange(FRAMES))
    return Labels.of(Ontology.of(["person"]), (video,), table, frame, box, track_id=track)


@pytest.fixture
def project_path(tmp_path: Path) -> Path:
    """Make a project that three people labelled (one swaps identities) and answered 40 tasks in (20 of them golden)."""
    path = tmp_path / "team.framelabel"
    random = np.random.default_rng(4)
    with Project(path, create=True) as project:
        video = project.add_video(Video(VideoId(0), "walk", "", 640, 480, FRAMES, Fraction(1, 25), Fraction(25)))
        for offset, name in enumerate(PEOPLE):
            labels = _labelling(video, random, swap=name == "ben")
            moved = Labels.of(
                labels.ontology,
                labels.videos,
                labels.frames,
                labels.frame,
                labels.xyxy,
                track_id=labels.track_id + 10 * offset,
            )
            project.append_labels(moved, [video.id], Provenance(Origin.IMPORT, name))
        kinds = [{"verdict": "accept" if number % 2 else "reject"} if number < 20 else None for number in range(40)]
        ids = project.append_tasks(
            [Task(TaskKind.BOX, video.id, 0, 1, question="right?", gold=gold, answers_wanted=2) for gold in kinds]
        )
        for number, task in enumerate(ids):
            truth = "accept" if number % 2 else "reject"
            other = "reject" if number % 2 else "accept"
            project.add_answer(Answer(task, "ada", truth, 2.0))
            project.add_answer(Answer(task, "ben", other if number % 5 == 0 else truth, 3.0))
    return path


def test_agreement_and_skill(project_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Alpha, kappa and golden accuracy are those of the answers given: 32 of 40 equal, 20 and 16 of 20 right."""
    with pytest.raises(SystemExit) as stopped:
        main(["agree", str(project_path), "--json"])
    assert stopped.value.code == 0
    result = json.loads(capsys.readouterr().out)
    assert result["tasks_with_several_answers"] == 40
    (pair,) = result["cohen_kappa"]
    assert pair["kappa"] == pytest.approx(0.6)
    alpha = result["krippendorff_alpha"]
    assert alpha["low"] < alpha["value"] < alpha["high"]
    assert alpha["value"] == pytest.approx(1 - 0.2 / (2 * 0.5 * 0.5 * 80 / 79), abs=1e-6)
    skills = {item["annotator"]: item for item in result["skills"]}
    assert (skills["ada"]["right"], skills["ben"]["right"]) == (20, 16)
    assert skills["ben"]["low"] < 0.8 < skills["ben"]["high"]
    with Project(project_path) as project:
        kept = project.document("agreement", "result")
    assert kept is not None


def test_labels_of_two_people_are_compared_in_place_and_identity(project_path: Path) -> None:
    """All boxes agree in place; the one who swaps identities half way agrees in half of them."""
    figures = {(item.first, item.second): item for item in run(AgreeConfig(project_path)).labels}
    assert figures["ada", "cleo"].idf1 == pytest.approx(1.0)
    assert figures["ada", "ben"].f1 == pytest.approx(1.0)
    assert figures["ada", "ben"].idf1 == pytest.approx(0.5)
    assert figures["ada", "ben"].mean_overlap > 0.9


def test_merging_is_one_step_that_can_be_undone(project_path: Path) -> None:
    """The consensus of three has two tracks and no swap, names its parents, and undoing brings the originals back."""
    with Project(project_path) as project:
        before = project.labels()
    assert run(AgreeConfig(project_path, merge=True)).merged == 2
    with Project(project_path) as project:
        video = project.videos()[0]
        tracks = project.tracks(video.id)
        rows = list(project.annotations(video.id))
        history = {item.id: item for item in project.annotations(video.id, history=True)}
    assert len(rows) == 2 * FRAMES
    assert all(item.provenance.origin is Origin.CONSENSUS for item in rows)
    assert {history[parent].provenance.author for parent in rows[0].provenance.parents} == set(PEOPLE)
    for track in tracks:
        assert len(track) == FRAMES
        assert np.ptp(track.xyxy[:, 1]) < 10
    assert "undone" in run(AgreeConfig(project_path, undo=True)).message
    with Project(project_path) as project:
        after = project.labels()
    assert after.xyxy.tolist() == before.xyxy.tolist()
    assert after.track_id.tolist() == before.track_id.tolist()


def test_one_more_person_is_asked_where_answers_differ(project_path: Path) -> None:
    """Four of the 20 tasks without a known answer are split; they open again, wanting three answers."""
    with Project(project_path) as project:
        assert project.tasks() == []
    assert run(AgreeConfig(project_path, ask_more=True)).unsure == 4
    with Project(project_path) as project:
        opened = project.tasks()
    assert len(opened) == 4
    assert {task.answers_wanted for task in opened} == {3}
    assert all(task.gold is None for task in opened)


def test_nothing_to_compare_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty project says so."""
    path = tmp_path / "empty.framelabel"
    Project(path, create=True).close()
    with pytest.raises(SystemExit) as stopped:
        main(["agree", str(path)])
    assert stopped.value.code == 0
    assert "nothing to compare" in capsys.readouterr().out
