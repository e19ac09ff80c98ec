from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from framelabel.core.labels import Labels
from framelabel.formats.bdd100k import Bdd100k, Bdd100kOptions
from framelabel.formats.coco import Coco
from framelabel.formats.coco_results import CocoResults
from framelabel.formats.mot import Mot, MotOptions

Tool = Callable[[str], ModuleType]

pytestmark = pytest.mark.filterwarnings("ignore")


def _predictions(labels: Labels) -> Labels:
    return replace(labels, score=np.linspace(0.5, 0.99, len(labels)))


def test_pycocotools_gives_full_marks(tool: Tool, traffic: Labels, tmp_path: Path) -> None:
    """Ground truth scored against itself: AP is 1, so ids, areas and boxes mean the same to pycocotools."""
    coco, evaluation = tool("pycocotools.coco"), tool("pycocotools.cocoeval")
    Coco().write(traffic, tmp_path / "gt.json")
    CocoResults().write(_predictions(traffic), tmp_path / "results.json")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(tmp_path / "gt.json"))
        scored = evaluation.COCOeval(truth, truth.loadRes(str(tmp_path / "results.json")), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    assert scored.stats[0] == pytest.approx(1.0)


@pytest.mark.parametrize("task", ["det", "box_track"])
def test_scalabel_loads_our_bdd100k_files(task: str, tool: Tool, traffic: Labels, tmp_path: Path) -> None:
    """The official loader validates every field (pydantic 2 demands the explicit nulls) and finds all labels."""
    load = tool("scalabel.label.io").load
    Bdd100k(Bdd100kOptions(task=task)).write(traffic, tmp_path / "bdd")
    folder = "box_track_20/train" if task == "box_track" else "det_20"
    frames = load(str(tmp_path / "bdd" / "labels" / folder)).frames
    assert len(frames) == 12
    assert sum(len(frame.labels) for frame in frames) == len(traffic)
    box = frames[0].labels[0].box2d
    assert (box.x1, box.x2) == (100.25, 159.75)  # inclusive: width is x2 - x1 + 1
    assert frames[0].name == "b1c66a42-0000001.jpg"
    assert frames[0].frameIndex == 0


def test_scalabel_scores_tracking_and_detection_full(tool: Tool, traffic: Labels, tmp_path: Path) -> None:
    """Scalabel's own evaluators give 100 for our export against itself."""
    io_module, typing_module = tool("scalabel.label.io"), tool("scalabel.label.typing")
    mot, detect = tool("scalabel.eval.mot"), tool("scalabel.eval.detect")
    names = ["pedestrian", "car", "bicycle"]
    categories = [typing_module.Category(name=name, subcategories=None, color=None) for name in names]
    size = typing_module.ImageSize(width=1280, height=720)
    config = typing_module.Config(imageSize=size, attributes=None, categories=categories, poseSigmas=None)
    Bdd100k(Bdd100kOptions(task="box_track")).write(_predictions(traffic), tmp_path / "bdd")
    folder = str(tmp_path / "bdd" / "labels" / "box_track_20" / "train")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        ours = [io_module.group_and_sort(io_module.load(folder).frames) for _ in range(2)]
        result = mot.evaluate_track(mot.acc_single_video_mot, *ours, config, nproc=1)
        boxes = detect.evaluate_det(io_module.load(folder).frames, io_module.load(folder).frames, config, nproc=1)
    summary = result.summary()
    assert summary["MOTA"] == pytest.approx(100.0)
    assert summary["IDF1"] == pytest.approx(100.0)
    assert boxes.summary()["AP"] == pytest.approx(100.0)


@pytest.mark.parametrize("task", ["det", "box_track"])
def test_the_official_bdd100k_command_accepts_our_files(task: str, tool: Tool, traffic: Labels, tmp_path: Path) -> None:
    """`python -m bdd100k.eval.run` runs on our layout with its own config and prints full marks."""
    tool("bdd100k.eval.run")
    Bdd100k(Bdd100kOptions(task=task)).write(_predictions(traffic), tmp_path / "bdd")
    place = tmp_path / "bdd" / "labels" / ("box_track_20/train" if task == "box_track" else "det_20/det_train.json")
    command = [sys.executable, "-W", "ignore", "-m", "bdd100k.eval.run", "-t", task, "-g", str(place), "-r", str(place)]
    done = subprocess.run([*command, "--nproc", "1"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "100.0" in done.stdout + done.stderr


def test_trackeval_scores_our_mot_export_full(tool: Tool, traffic: Labels, tmp_path: Path) -> None:
    """HOTA, MOTA and IDF1 are 1 when our gt export meets our results export."""
    trackeval = tool("trackeval")
    people = replace(traffic.select(traffic.class_id == 0))
    Mot().write(people, tmp_path / "gt")
    Mot(MotOptions(kind="results")).write(_predictions(people), tmp_path / "trackers" / "ours" / "data")
    dataset = trackeval.datasets.MotChallenge2DBox({
        "GT_FOLDER": str(tmp_path / "gt"), "TRACKERS_FOLDER": str(tmp_path / "trackers"), "SKIP_SPLIT_FOL": True,
        "SEQ_INFO": {video.name: video.frame_count for video in people.videos}, "PRINT_CONFIG": False,
        "OUTPUT_FOLDER": str(tmp_path / "out"),
    })  # fmt: skip
    quiet = {"PRINT_CONFIG": False, "PRINT_RESULTS": False, "OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False,
             "PLOT_CURVES": False, "TIME_PROGRESS": False, "PRINT_ONLY_COMBINED": True}  # fmt: skip
    metrics = [trackeval.metrics.HOTA({"PRINT_CONFIG": False}), trackeval.metrics.CLEAR({"PRINT_CONFIG": False}),
               trackeval.metrics.Identity({"PRINT_CONFIG": False})]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        results, _ = trackeval.Evaluator(quiet).evaluate([dataset], metrics)
    found = results["MotChallenge2DBox"]["ours"]["COMBINED_SEQ"]["pedestrian"]
    assert found["HOTA"]["HOTA"].mean() == pytest.approx(1.0)
    assert found["CLEAR"]["MOTA"] == pytest.approx(1.0)
    assert found["Identity"]["IDF1"] == pytest.approx(1.0)


def test_motmetrics_scores_our_mot_export_full(tool: Tool, traffic: Labels, tmp_path: Path) -> None:
    """py-motmetrics loads our gt and finds nothing wrong with it against itself."""
    motmetrics = tool("motmetrics")
    Mot().write(traffic, tmp_path / "gt")
    frame = motmetrics.io.loadtxt(str(tmp_path / "gt" / "b1c66a42" / "gt" / "gt.txt"), fmt="mot15-2D")
    accumulator = motmetrics.utils.compare_to_groundtruth(frame, frame, "iou", distth=0.5)
    summary = motmetrics.metrics.create().compute(accumulator, metrics=["mota", "idf1"], name="ours")
    assert summary["mota"].iloc[0] == pytest.approx(1.0)
    assert summary["idf1"].iloc[0] == pytest.approx(1.0)
