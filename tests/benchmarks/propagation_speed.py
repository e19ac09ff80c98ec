"""How fast are human boxes carried? CPU time, one thread.

    python tests/benchmarks/propagation_speed.py [--data PATH] [--network FOLDER] [--peers PYTHON] [--json FILE]
        [--write]

One clip, 60-frame gaps: optical flow per frame; a full two-sided solve per object without the flow, which all objects
share; solving again after one more human box in the middle; ten objects on two threads against one by one on one
(elapsed time, so it needs two idle cores). Neighbours, forward only: OpenCV's TrackerNano, and with `--peers`, an
interpreter that has opencv-contrib-python, CSRT, KCF and median flow.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import cv2  # noqa: E402 - run as a script, from any folder
import numpy as np  # noqa: E402

from framelabel.core.frames import Span  # noqa: E402
from framelabel.core.tracks import Track  # noqa: E402
from framelabel.inference.siamese import NanoTrack  # noqa: E402
from framelabel.tracking.propagation.evidence import Evidence  # noqa: E402
from framelabel.tracking.propagation.visual import VisualPropagator  # noqa: E402
from tests.benchmarks.documented import put  # noqa: E402
from tests.benchmarks.effort_footage import Decoded, Sequence, sequences  # noqa: E402
from tests.benchmarks.effort_goals import Goal  # noqa: E402

SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared"))
GAP = 60
OBJECTS = 10


def keys(sequence: Sequence, *frames: int) -> Track:
    """Return human boxes at these frames."""
    frame = np.array(frames, np.int64)
    return Track.of(1, frame, sequence.truth[frame], is_keyframe=np.ones(len(frame), np.bool_))


def warm(clip: Decoded, network: NanoTrack) -> tuple[VisualPropagator, float]:
    """Return a tool whose flow is computed, and the CPU milliseconds a frame that took."""
    evidence = Evidence(clip.size, 25.0, len(clip.index), reader=clip, network=network)
    begun = time.process_time()
    box = np.array([[0.0, 0.0, 40.0, 40.0]])
    for frame in range(GAP + OBJECTS + 1):
        evidence.flow.motion(frame, box)
    spent = 1000 * (time.process_time() - begun) / (GAP + OBJECTS + 1)
    return VisualPropagator(VisualPropagator.Options(), evidence), spent


def elapsed(sequence: Sequence, clip: Decoded, network: NanoTrack, threads: int) -> float:
    """Return the seconds that ten objects (the same one from ten first frames) take on some threads."""
    tools = [warm(clip, network)[0] for _ in range(threads)]

    def work(number: int) -> None:
        for index in range(number, OBJECTS, threads):
            tools[number].propagate(keys(sequence, index, index + GAP), Span(index, index + GAP + 1))

    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    return time.perf_counter() - begun


def tracker_nano(sequence: Sequence, clip: Decoded, folder: Path) -> float:
    """Return frames per CPU second of OpenCV's own forward tracker."""
    parameters = cv2.TrackerNano.Params()
    parameters.backbone = str(folder / "nanotrack_backbone_sim.onnx")
    parameters.neckhead = str(folder / "nanotrack_head_sim.onnx")
    tracker = cv2.TrackerNano.create(parameters)
    left, top, right, bottom = (int(value) for value in sequence.truth[0])
    tracker.init(clip.frame(0).image[:, :, ::-1].copy(), (left, top, right - left, bottom - top))
    begun = time.process_time()
    for frame in range(1, GAP):
        tracker.update(clip.frame(frame).image[:, :, ::-1].copy())
    return (GAP - 1) / (time.process_time() - begun)


def contrib_trackers(sequence: Sequence, python: Path) -> dict[str, float]:
    """Return frames per CPU second of the trackers that only opencv-contrib has."""
    left, top, right, bottom = (int(value) for value in sequence.truth[0])
    script = REPOSITORY / "tests" / "benchmarks" / "peers" / "opencv_trackers.py"
    arguments = [str(sequence.source), *(str(value) for value in (left, top, right - left, bottom - top, GAP))]
    done = subprocess.run([str(python), str(script), *arguments], capture_output=True, text=True, check=True)
    lines = (line.split() for line in done.stdout.splitlines())
    return {f"cv2 {name} (forward only), frames/s": float(speed) for name, speed in lines}


def main() -> int:
    """Measure, print, judge."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--data", type=Path, default=SHARED / "data" / "sot")
    flags.add_argument("--network", type=Path, default=SHARED / "models" / "nanotrack" / "nanotrackv3")
    flags.add_argument("--peers", type=Path, help="an interpreter with opencv-contrib-python")
    flags.add_argument("--json", type=Path)
    flags.add_argument("--write", action="store_true", help="put the table into docs/propagation.md")
    asked = flags.parse_args()
    cv2.setNumThreads(1)
    network = NanoTrack(asked.network)
    long = [item for item in sequences(asked.data) if item.is_present[: GAP + OBJECTS + 2].sum() == GAP + OBJECTS + 2]
    sequence = long[0]
    clip = sequence.open()
    tool, flow_ms = warm(clip, network)
    begun = time.process_time()
    tool.propagate(keys(sequence, 0, GAP), Span(0, GAP + 1))
    fps = (GAP - 1) / (time.process_time() - begun)
    begun = time.process_time()
    tool.propagate(keys(sequence, 0, GAP // 2, GAP), Span(0, GAP + 1))
    again_ms = 1000 * (time.process_time() - begun)
    gain = elapsed(sequence, clip, network, 1) / elapsed(sequence, clip, network, 2)
    facts = {
        "flow, ms a frame": flow_ms,
        "two-sided solve, frames/s per object": fps,
        "again after one more box, 60 frames, ms": again_ms,
        "ten objects on two threads, times faster": gain,
    }
    peers = asked.network.parent / "nanotrackv2"
    if peers.is_dir():
        facts["cv2.TrackerNano v2 (forward only), frames/s"] = tracker_nano(sequence, clip, peers)
    if asked.peers:
        facts |= contrib_trackers(sequence, asked.peers)
    goals = [
        Goal("flow, ms a frame", flow_ms, 15.0),
        Goal("two-sided solve, frames/s per object", fps, 70.0, at_most=False),
        Goal("again after one more box, 60 frames, ms", again_ms, 300.0),
        Goal("ten objects on two threads, times faster", gain, 1.5, at_most=False),
    ]
    table = ["| what | measured |", "|---|---|", *(f"| {name} | {value:.1f} |" for name, value in facts.items())]
    print(f"{sequence.name}, {clip.size[0]} x {clip.size[1]}", *table, *(goal.line() for goal in goals), sep="\n")
    if asked.json:
        asked.json.write_text(json.dumps(facts, indent=1), "utf-8")
    if asked.write:
        put("propagation", "speed", table)
    missed = sum(not goal.is_met for goal in goals)
    print(f"propagation speed: {len(goals) - missed} of {len(goals)} goals met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
