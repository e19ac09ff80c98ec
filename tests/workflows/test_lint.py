"""`framelabel lint` from the command line to the review queue."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from framelabel.cli.main import main
from framelabel.core.annotations import Origin, Provenance
from framelabel.core.boxes import Boxes
from framelabel.core.findings import Findings
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.videos import Video
from framelabel.store import runs
from framelabel.store.project import Project

FRAMES = 40


@pytest.fixture
def project_path(tmp_path: Path) -> Path:
    """Make a project with one track that jumps at frame 20, and a detection nobody labelled at frame 5."""
    path = tmp_path / "yard.framelabel"
    left = 10 + 3.0 * np.arange(FRAMES)
    boxes = np.stack([left, np.full(FRAMES, 50.0), left + 40, np.full(FRAMES, 130.0)], axis=1)
    spoiled = boxes.copy()
    spoiled[20] += 60
    pts = np.arange(FRAMES)
    index = FrameIndex(Fraction(1, 25), pts, pts == 0, pts.astype(np.uint64))
    with Project(path, create=True) as project:
        ontology = project.extend_ontology(Ontology.of(["person"]))
        video = project.add_video(
            Video(VideoId(0), "yard", "yard.mp4", 640, 480, FRAMES, Fraction(1, 25), Fraction(25)), index
        )
        run = project.begin_run("detect", video.id, {"plugin": "x"}, pts)
        seen = [(frame, Findings(Boxes.of(boxes[frame : frame + 1], [0.9]))) for frame in range(FRAMES)]
        seen[5] = (5, Findings(Boxes.of([*boxes[5:6].tolist(), [400, 300, 440, 380]], [0.9, 0.95])))
        project.store_detections(run, seen, FRAMES).result()
        project.write(runs.finish, run.id, {})
        table = FrameTable(np.zeros(FRAMES, np.int32), pts)
        labels = Labels.of(ontology, (video,), table, pts, spoiled, track_id=np.ones(FRAMES))
        project.append_labels(labels, [video.id], Provenance(Origin.IMPORT, "test"))
    return path


def _lint(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    with pytest.raises(SystemExit) as stopped:
        main(["lint", *arguments, "--json"])
    assert stopped.value.code == 0
    result: dict[str, object] = json.loads(capsys.readouterr().out)
    return result


def test_findings_come_ranked_with_frame_and_track(project_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The jump is first, and the two detections without a label are among the findings."""
    result = _lint(capsys, str(project_path))
    findings = result["findings"]
    assert isinstance(findings, list)
    assert {"kind": "jump", "video": "yard", "frame": 20, "track": 1}.items() <= findings[0].items()
    assert [item["frame"] for item in findings if item["kind"] == "missed"] == [5, 20]
    severities = [item["severity"] for item in findings]
    assert severities == sorted(severities, reverse=True)


def test_the_worst_go_into_the_review_queue_once(project_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asking twice makes no second task."""
    assert _lint(capsys, str(project_path), "--queue", "2")["queued"] == 2
    assert _lint(capsys, str(project_path), "--queue", "2")["queued"] == 0
    with Project(project_path) as project:
        first = project.tasks()[0]
    assert (first.reason, first.start, first.track_id) == ("lint: jump", 20, 1)


def test_an_unknown_check_is_a_usage_error(project_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one line with the nearest name."""
    with pytest.raises(SystemExit) as stopped:
        main(["lint", str(project_path), "--check", "jumps"])
    assert stopped.value.code == 2
    assert "Did you mean 'jump'?" in capsys.readouterr().err


def test_a_missing_project_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and what to do."""
    with pytest.raises(SystemExit) as stopped:
        main(["lint", str(tmp_path / "no.framelabel")])
    assert stopped.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1
