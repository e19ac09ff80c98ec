"""`framelabel evaluate` from files and projects to table, JSON and page."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from framelabel.cli.main import main
from framelabel.core.annotations import Origin, Provenance
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.labels import Flag, FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.videos import Video
from framelabel.metrics.challenges import kitti, kitti_truth
from framelabel.metrics.matching import overlap
from framelabel.metrics.tracking import score_tracks
from framelabel.store.project import Project
from framelabel.workflows.evaluate import evaluate
from framelabel.workflows.format_choice import make_format

FRAMES = 8


def _command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", *arguments])
    return int(stopped.value.code or 0)


def _labels(video: Video, left: float, kind: str = "person", **columns: Any) -> Labels:
    """Return one 20x40 box that moves right through every frame."""
    x = left + 4.0 * np.arange(FRAMES)
    box = np.stack([x, np.full(FRAMES, 30.0), x + 20, np.full(FRAMES, 70.0)], axis=1)
    table = FrameTable(np.zeros(FRAMES, np.int32), np.arange(FRAMES))
    columns.setdefault("track_id", np.ones(FRAMES))
    return Labels.of(Ontology.of([kind]), (video,), table, np.arange(FRAMES), box, **columns)


def _video(path: Path | str = "", name: str = "walk") -> Video:
    return Video(VideoId(0), name, str(path), 160, 120, FRAMES, Fraction(1, 10), Fraction(10))


def _project(path: Path, labels: Labels) -> Path:
    pts = np.arange(FRAMES)
    with Project(path, create=True) as project:
        project.extend_ontology(labels.ontology)
        video = project.add_video(labels.videos[0], FrameIndex(Fraction(1, 10), pts, pts == 0, pts.astype(np.uint64)))
        project.append_labels(labels, [video.id], Provenance(Origin.IMPORT, "test"))
    return path


def test_files_score_as_trackeval_scored_them(shared: Callable[[str], Path], tmp_path: Path) -> None:
    """Reading both sides as MOTChallenge files and applying its rules gives TrackEval's figures, to 1e-6."""
    prediction, truth = shared("data/mot/MOT17_trackeval_reference/data"), shared("data/mot/MOT17-train")
    out = tmp_path / "scores.json"
    assert _command(str(prediction), str(truth), "--metrics", "hota,clear,identity", "--json", str(out)) == 0
    result = json.loads(out.read_text())
    assert result["rules"] == "mot17"
    with (prediction.parent / "pedestrian_detailed.csv").open(newline="") as file:
        reference = {row["seq"]: row for row in csv.DictReader(file)}
    assert len(result["sequences"]) == 5
    for sequence in result["sequences"]:
        row = reference[sequence["video"]]
        for name, ours in sequence["figures"].items():
            theirs = row.get(name, row.get(f"{name}___AUC"))
            assert ours == pytest.approx(float(str(theirs)), abs=1e-6), (sequence["video"], name)
    errors = [sum(sequence["timeline"]["missed"]) for sequence in result["sequences"]]
    assert errors == [sequence["figures"]["CLR_FN"] for sequence in result["sequences"]]


def test_project_against_project_with_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page holds plots and the worst frames drawn from the footage, and refers to nothing outside itself."""
    footage = tmp_path / "walk"
    footage.mkdir()
    for number in range(FRAMES):
        cv2.imwrite(str(footage / f"{number:06d}.png"), np.full((120, 160, 3), 90, np.uint8))
    scores = np.linspace(0.5, 0.9, FRAMES)
    prediction = _project(tmp_path / "p.framelabel", _labels(_video(footage), 12.0, score=scores))
    truth = _project(tmp_path / "t.framelabel", _labels(_video(footage), 10.0))
    page, out = tmp_path / "out" / "page.html", tmp_path / "out" / "scores.json"
    assert _command(str(prediction), str(truth), "--html", str(page), "--json", str(out)) == 0
    result = json.loads(out.read_text())
    iou = 18 / 22
    assert result["combined"]["MOTA"] == 1.0
    assert result["combined"]["MOTP"] == pytest.approx(iou)
    assert result["sequences"][0]["tracks"][0]["mean_overlap"] == pytest.approx(iou, abs=1e-3)
    assert result["detection"]["average_precision"]["AP50"] == 1.0
    assert result["detection"]["calibration"]["ece"] == pytest.approx(0.3, abs=0.01)
    assert "HOTA" in capsys.readouterr().out
    text = page.read_text()
    assert text.count("<svg") >= 3
    links = set(re.findall(r"""(?:href|src|url)\s*[=(]\s*["']?([^"')\s>]{1,40})""", text))
    assert all(link.startswith(("#", "data:")) for link in links)


def test_worst_frames_are_drawn(tmp_path: Path) -> None:
    """Frames with errors appear as pictures when the footage is there."""
    footage = tmp_path / "walk"
    footage.mkdir()
    for number in range(FRAMES):
        cv2.imwrite(str(footage / f"{number:06d}.png"), np.full((120, 160, 3), 90, np.uint8))
    prediction = _project(tmp_path / "p.framelabel", _labels(_video(footage), 60.0))
    truth = _project(tmp_path / "t.framelabel", _labels(_video(footage), 10.0))
    page = tmp_path / "page.html"
    assert _command(str(prediction), str(truth), "--html", str(page)) == 0
    assert "data:image/jpeg;base64," in page.read_text()


def test_class_names_can_be_mapped() -> None:
    """A prediction that says "human" is scored as a person once it is mapped, and as another class before."""
    from framelabel.workflows.comparison import rename_classes

    truth, prediction = _labels(_video(), 10.0), _labels(_video(), 10.0, "human")
    assert evaluate(truth, prediction).combined().identity.idf1 == 0.0
    assert evaluate(truth, rename_classes(prediction, {"human": "person"})).combined().identity.idf1 == 1.0


def test_ignored_truth_is_neither_required_nor_punished() -> None:
    """A prediction on an ignored row vanishes; a truth that is ignored is not missed."""
    flags = np.zeros(FRAMES, np.uint16)
    flags[:4] = int(Flag.IGNORED)
    figures = evaluate(_labels(_video(), 10.0, flags=flags), _labels(_video(), 10.0)).combined().figures()
    assert (figures["GT_Dets"], figures["CLR_FP"], figures["CLR_FN"]) == (4, 0, 0)


def test_detections_without_identity_are_scored_as_boxes() -> None:
    """Without track ids, tracking is left out with a note, and average precision is there."""
    result = evaluate(_labels(_video(), 10.0), _labels(_video(), 10.0, track_id=np.full(FRAMES, -1)))
    assert not {"hota", "clear", "identity"} & set(result.families)
    assert any("no track ids" in note for note in result.notes)
    assert result.detection is not None
    assert result.detection.average_precision.figures["AP50"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--metrics", "hotta"), 2, "no such metric"),
        (("--map", "person"), 2, "write PRED=GT"),
        (("--map", "persn=x"), 2, "Did you mean 'person'?"),
    ],
    ids=["metric", "map-form", "map-name"],
)
def test_wrong_requests_say_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, text: str
) -> None:
    """One line, exit code 2."""
    one = str(_project(tmp_path / "t.framelabel", _labels(_video(), 10.0)))
    assert _command(one, one, *arguments) == code
    assert text in capsys.readouterr().err


def test_no_video_in_common_names_both_sides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two videos against others: the message lists what each side has."""
    sides = []
    for side, names in (("p", ("a", "b")), ("t", ("c", "d"))):
        root = tmp_path / side
        for name in names:
            (root / name / "gt").mkdir(parents=True)
            (root / name / "gt" / "gt.txt").write_text("1,1,0,0,10,10,1,1,1\n")
        sides.append(str(root))
    assert _command(*sides) == 2
    message = capsys.readouterr().err
    assert "no video in common" in message
    assert "c, d" in message


def test_kitti_files_are_scored_by_kittis_rules(shared: Callable[[str], Path]) -> None:
    """Reading KITTI's labels as a format loses nothing that its rules need: the same figures as from its raw lines."""
    file = shared("data/mot/KITTI_tracking_label_02/0001.txt")
    truth, _ = make_format("kitti").read(file)
    moved = replace(truth, xyxy=truth.xyxy + 3.0)
    result = evaluate(truth, moved)
    assert result.comparison.rules == "kitti"
    raw = kitti_truth(file.read_text().splitlines())
    prediction = replace(raw.boxes, xyxy=raw.boxes.xyxy + 3.0)
    for kind in ("Car", "Pedestrian"):
        expected = score_tracks(overlap(*kitti(raw, prediction, kind), 1)).figures()
        figures = result.combined(kind).figures()
        for name in ("HOTA", "CLR_TP", "CLR_FN", "CLR_FP", "IDF1", "IDSW", "Dets", "GT_Dets"):
            assert figures[name] == pytest.approx(expected[name]), (kind, name)
    assert result.combined("Car").sizes.truths > 1000
