"""`framelabel report`: one page that opens offline and says only what is known."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from framelabel.cli.main import main
from framelabel.core.annotations import Origin, Provenance
from framelabel.core.boxes import Boxes
from framelabel.core.findings import Findings
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.tasks import Answer
from framelabel.core.videos import Video
from framelabel.store import runs
from framelabel.store import tasks as task_table
from framelabel.store.documents import Document
from framelabel.store.project import Project
from framelabel.tracking.shots import VERSION
from framelabel.workflows import agree, lint, report, route
from framelabel.workflows.camera_path import name_of
from framelabel.workflows.route_summary import PLURAL

FRAMES = 40


@pytest.fixture
def project_path(tmp_path: Path) -> Path:
    """Make a project of 60 tracks over real pictures; the first one jumps at frame 20."""
    footage = tmp_path / "yard"
    footage.mkdir()
    for number in range(FRAMES):
        cv2.imwrite(str(footage / f"{number:06d}.png"), np.full((240, 320, 3), 80, np.uint8))
    frame, box, track = [], [], []
    for number in range(60):
        left, top = 5 * (number % 30), 100 * (number // 30) + 5
        x = left + 1.0 * np.arange(FRAMES)
        sides = np.stack([x, np.full(FRAMES, top), x + 20, np.full(FRAMES, top + 40)], axis=1)
        if number == 0:
            sides[20] += 80
        frame.append(np.arange(FRAMES))
        box.append(sides)
        track.append(np.full(FRAMES, number + 1))
    path = tmp_path / "yard <1>.framelabel"
    pts = np.arange(FRAMES)
    table = FrameTable(np.zeros(FRAMES, np.int32), pts)
    video = Video(VideoId(0), "yard", str(footage), 320, 240, FRAMES, Fraction(1, 25), Fraction(25))
    score = np.random.default_rng(0).uniform(0.6, 0.95, 60).repeat(FRAMES)
    with Project(path, create=True) as project:
        stored = project.add_video(video, FrameIndex(Fraction(1, 25), pts, pts == 0, np.zeros(FRAMES, np.uint64)))
        labels = Labels.of(
            Ontology.of(["person"]),
            (video,),
            table,
            np.concatenate(frame),
            np.concatenate(box),
            track_id=np.concatenate(track),
            score=score,
        )
        project.append_labels(labels, [stored.id], Provenance(Origin.TRACKER, "surveillance <x>"))
    return path


def _offline(text: str) -> bool:
    links = set(re.findall(r"""(?:href|src|url)\s*[=(]\s*["']?([^"')\s>]{1,40})""", text))
    return all(link.startswith(("#", "data:")) for link in links)


def test_a_fresh_project_promises_nothing(project_path: Path) -> None:
    """Before any audit the page says that nothing is promised; names are escaped; nothing outside is referred to."""
    with pytest.raises(SystemExit) as stopped:
        main(["report", str(project_path)])
    assert stopped.value.code == 0
    text = project_path.with_name("yard <1>-report.html").read_text()
    assert "Nothing is promised" in text
    assert "surveillance &lt;x&gt;" in text
    assert "surveillance <x>" not in text
    assert _offline(text)


def test_worst_cases_are_shown_from_the_footage(project_path: Path, tmp_path: Path) -> None:
    """The jump is among the worst cases, with a picture."""
    summary = report.run(report.ReportConfig(project_path, tmp_path / "r.html"))
    text = summary.path.read_text()
    assert summary.pictures > 0
    assert "box sizes off its course" in text
    assert "data:image/jpeg;base64," in text


def test_the_page_finds_wrong_what_lint_does(project_path: Path, tmp_path: Path) -> None:
    """Detections that no label covers and cuts that tracks run over are known to the page too."""
    frames, unseen = np.arange(FRAMES), Boxes.of([[250.0, 150.0, 290.0, 220.0]], [0.9], [0])
    with Project(project_path, write=True) as project:
        video = project.videos()[0]
        run = project.begin_run("detect", video.id, {}, frames)
        seen = [(number, Findings(unseen if number == 7 else Boxes.empty())) for number in range(FRAMES)]
        project.store_detections(run, seen, FRAMES).result()
        project.write(runs.finish, run.id, {})
        name = f"{name_of(video, frames)}:{VERSION}"
        content = json.dumps({"frames": FRAMES, "cuts": [30]}).encode()
        project.put_document(Document("shot_cuts", name, "application/json", content))
    found = lint.run(lint.LintConfig(project_path)).findings
    assert {"missed", "cut"} <= {item.kind for item in found}
    text = report.run(report.ReportConfig(project_path, tmp_path / "r.html")).path.read_text()
    assert f"{len(found)} findings: " in text
    assert "a person detected at (270, 185)" in text
    assert "runs over the cut at frame 30" in text


@pytest.mark.parametrize(("subject", "wrong_each"), [("box", 50), ("track", 25)], ids=["boxes", "tracks"])
def test_after_routing_the_page_holds_promise_curve_and_agreement(
    project_path: Path, tmp_path: Path, subject: str, wrong_each: int
) -> None:
    """What route and agree stored of a subject is on the page."""
    config = route.RouteConfig(project_path, subject=subject, max_error=0.1, audit=150)
    what = PLURAL[subject]
    for _ in range(2):
        route.run(config)
        with Project(project_path, write=True) as project:
            for number, task in enumerate(project.tasks()):
                verdict = "wrong" if number % wrong_each == wrong_each - 1 else "right"
                for name in ("ada", "ben"):
                    project.write(task_table.add_answer, Answer(task.id, name, verdict, 2.5))
    decided = route.run(config)
    assert (decided.state, decided.promises[0].holds) == ("decided", True), decided.message
    agree.run(agree.AgreeConfig(project_path))
    text = report.run(report.ReportConfig(project_path, tmp_path / "r.html")).path.read_text()
    assert "95% certainty at most 10.0%" in text
    assert "Krippendorff" in text
    assert text.count("<svg") == 2
    assert f"Surest {what} that people called wrong" in text
    assert f"{what} in the audit were called wrong" in text
    assert f"share of {what} sent to people" in text
    assert "probabilities without fault would show" in text
    assert "prefers-color-scheme: dark" in text
    assert _offline(text)
