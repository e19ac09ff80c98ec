"""How fast and how small labelling is, end to end: `python tests/benchmarks/pipeline.py [--peers PYTHON] [--memory]`.

Speed: one clip through decode, preprocess, infer, track and store, against the best bare `session.run` rate of the
same model on pre-loaded tensors, and against supervision's loop when `--peers` names an interpreter that has it. The
contestants take turns, so that a machine whose speed drifts treats them alike; medians are compared.

Memory: peak of labelling two hours of 1080p against one minute of it, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.inference.models import find_model
from framelabel.media.encoder import write_video
from framelabel.plugins.building import model_source
from framelabel.workflows import label

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared"))
CLIP = "data/clips/intel/car-detection.mp4"
GOAL_BARE, GOAL_PEER, GOAL_MEMORY = 0.92, 1.4, 1.2


def bare_rate(model: Path, threads: int, sessions: int, runs: int) -> float:
    """Return pictures a second of `sessions` sessions of `threads` threads on pre-loaded tensors."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    opened = [onnxruntime.InferenceSession(str(model), options, ["CPUExecutionProvider"]) for _ in range(sessions)]
    tensor = np.random.default_rng(0).uniform(0, 255, (1, 3, 416, 416)).astype(np.float32)
    name = opened[0].get_inputs()[0].name

    def work(session: onnxruntime.InferenceSession) -> None:
        for _ in range(runs // sessions):
            session.run(None, {name: tensor})

    for session in opened:
        session.run(None, {name: tensor})
    workers = [threading.Thread(target=work, args=(session,)) for session in opened]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return runs // sessions * sessions / (time.perf_counter() - begun)


def our_rate(clip: Path, folder: Path) -> float:
    """Return frames a second of `framelabel label`, from opening the clip to the last row stored, model loaded."""
    project = folder / "speed.framelabel"
    project.unlink(missing_ok=True)
    config = label.LabelConfig(videos=(clip,), plugin="surveillance", project=project, device="cpu")
    begun = time.perf_counter()
    summary = label.run(config)
    return summary.videos[0].frames / (time.perf_counter() - begun)


def peer_rate(python: str, clip: Path, model: Path) -> float:
    """Return frames a second of supervision's loop, its model loaded."""
    script = Path(__file__).with_name("peers") / "supervision_loop.py"
    done = subprocess.run([python, script, clip, model], capture_output=True, text=True, check=True)
    seconds, frames, _ = done.stdout.split()[-3:]
    return int(frames) / float(seconds)


def speed(clip: Path, rounds: int, peers: str) -> dict[str, float]:
    """Return the median rate of each contestant, measured in turns."""
    model = find_model(*model_source(plugins.load("surveillance")))
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        our_rate(clip, Path(folder))
        for turn in range(rounds):
            measured = {
                "bare, one session of 2 threads": bare_rate(model, 2, 1, 120),
                "framelabel, end to end": our_rate(clip, Path(folder)),
                "bare, two sessions of 1 thread": bare_rate(model, 1, 2, 120),
            }
            if peers:
                measured["supervision 0.27 loop"] = peer_rate(peers, clip, model)
            for name, rate in measured.items():
                rates.setdefault(name, []).append(rate)
            print(f"round {turn + 1}: " + ", ".join(f"{name} {rate:.1f}/s" for name, rate in measured.items()))
    return {name: statistics.median(values) for name, values in rates.items()}


def write_street(path: Path, seconds: int, fps: int) -> None:
    """Write a 1080p clip of a minute and loop it without encoding again."""
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(60, 190, (27, 48, 3), np.uint8), (1920, 1080), interpolation=cv2.INTER_CUBIC)

    def pictures() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for frame in range(60 * fps):
            image = ground.copy()
            left = 40 + 6 * frame % 1700
            cv2.rectangle(image, (left, 500), (left + 160, 620), (200, 40, 40), -1)
            yield frame, image

    minute = path.with_name("minute.mp4")
    write_video(minute, pictures(), Fraction(1, fps), Fraction(fps), quality=30)
    loops = seconds // 60 - 1
    command = ["ffmpeg", "-v", "error", "-y", "-stream_loop", str(loops), "-i", str(minute), "-c", "copy", str(path)]
    subprocess.run(command, check=True)


def peak_memory(seconds: int) -> float:
    """Return the peak memory in MB of labelling this much 1080p footage, every picture of it, in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "street.mp4"
        write_street(clip, seconds, 5)
        command = [sys.executable, "-m", "framelabel", "label", str(clip), "--plugin", "surveillance"]
        command += ["--project", str(Path(folder) / "p.framelabel"), "--device", "cpu"]
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"labelling {seconds} s failed with status {status}")
        return usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def main() -> int:
    """Measure, print and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / CLIP, help="the clip")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default="", help="Python interpreter that has supervision 0.27")
    parser.add_argument("--memory", action="store_true", help="measure memory on two hours of footage instead")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    os.environ.setdefault("FRAMELABEL_MODELS", str(SHARED / "models"))
    figures: dict[str, float] = {}
    goals: list[tuple[str, float, bool]] = []
    if options.memory:
        figures = {"one minute, MB": peak_memory(60), "two hours, MB": peak_memory(7200)}
        ratio = figures["two hours, MB"] / figures["one minute, MB"]
        goals = [(f"memory of two hours over one minute (goal at most {GOAL_MEMORY})", ratio, ratio <= GOAL_MEMORY)]
    else:
        figures = speed(options.data, options.rounds, options.peers)
        ours = figures["framelabel, end to end"]
        ratio = ours / max(rate for name, rate in figures.items() if name.startswith("bare"))
        goals = [(f"of the best bare session.run rate (goal {GOAL_BARE})", ratio, ratio >= GOAL_BARE)]
        if options.peers:
            ratio = ours / figures["supervision 0.27 loop"]
            goals.append((f"times supervision's loop (goal {GOAL_PEER})", ratio, ratio >= GOAL_PEER))
    for name, value in figures.items():
        print(f"{name}: {value:.1f}")
    if options.json:
        options.json.write_text(json.dumps({**figures, **{name: ratio for name, ratio, _ in goals}}, indent=2), "utf-8")
    print("; ".join(f"{ratio:.2f} {name}: {'met' if met else 'MISSED'}" for name, ratio, met in goals))
    return 0 if all(met for _, _, met in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
