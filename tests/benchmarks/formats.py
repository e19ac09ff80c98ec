"""Import and export of a million boxes: how fast, in how much memory, against the libraries people use?

    python tests/benchmarks/formats.py [--boxes N] [--peer PYTHON] [--peer-share N] [--json FILE] [--write]

The same moving boxes (10 in every frame, two decimals, tracks of 100 frames in clips of 1,000) go out and in as COCO,
BDD100K, MOT and CVAT, each in a process of its own. `--peer` names the Python of `make interop`. Peers run on the same
form of file; `--peer-share 10` saves minutes by giving them a tenth of the boxes and scaling their time to
the full count. Times are CPU seconds, one thread.
Goals: at least 10 times Datumaro (scalabel for BDD100K, which Datumaro does not read) and peak memory below 600 MB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.formats.builder import make_video
from framelabel.formats.catalog import FORMATS
from framelabel.formats.protocol import Format

REPOSITORY = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks.documented import put  # noqa: E402 - the repository is on the path only now

NAMES = ("coco", "bdd100k", "mot", "cvat_video")
TARGET = {"coco": "annotations/instances_all.json"}
GOAL, LIMIT = 10.0, 600


def moving_boxes(count: int, clips: int) -> Labels:
    """Return boxes that drift, swing and jitter, as a tracker gives them."""
    rng = np.random.default_rng(7)
    length = count // 10 // clips
    life = min(100, length)
    starts = np.repeat(np.arange(count // 10 // life) * life, 10)
    time_of = np.arange(life)
    tracks = len(starts)
    place, speed = rng.uniform(0, 900, (tracks, 1, 2)), rng.uniform(-2, 2, (tracks, 1, 2))
    swing = rng.uniform(-20, 20, (tracks, 1, 2)) * np.sin(time_of / 15)[None, :, None]
    corner = place + speed * time_of[None, :, None] + swing + rng.normal(0, 0.4, (tracks, life, 2))
    size = rng.uniform(20, 200, (tracks, 1, 2)) + rng.normal(0, 0.4, (tracks, life, 2))
    xyxy = np.round(np.concatenate([corner, corner + size], axis=2).reshape(-1, 4), 2)
    videos = tuple(make_video(f"clip_{row:03d}", (1280, 720), length, Fraction(25)) for row in range(clips))
    frames = FrameTable(np.repeat(np.arange(clips, dtype=np.int32), length), np.tile(np.arange(length), clips))
    return Labels.of(
        Ontology.of(["pedestrian", "car", "truck"]),
        videos,
        frames,
        (starts[:, None] + time_of).ravel(),
        np.clip(xyxy, 0, 1280),
        class_id=np.repeat(rng.integers(0, 3, tracks), life),
        track_id=np.repeat(np.arange(tracks) + 1, life),
    )


def _kind(name: str) -> Format[Any]:
    entry = FORMATS.load(name)
    return entry(entry.Options(tolerance=0.0)) if name == "cvat_video" else entry()


def one(name: str, action: str, place: Path, count: int, clips: int) -> dict[str, float]:
    """Read or write once, in this process; return CPU seconds and peak memory in MB."""
    kind = _kind(name)
    if action == "write":
        labels = moving_boxes(count, clips)
        started = time.process_time()
        kind.write(labels, place)
        found = len(labels)
    else:
        started = time.process_time()
        found = len(kind.read(place)[0])
    seconds = time.process_time() - started
    return {"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "labels": found}


def _apart(*arguments: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _peer(python: str, library: str, name: str, source: Path, folder: Path) -> dict[str, float] | None:
    script = REPOSITORY / "tests" / "benchmarks" / "peers" / "formats.py"
    target = folder / f"peer-{library}-{name}{'.json' if library == 'scalabel' else ''}"
    command = [python, "-W", "ignore", str(script), library, name, str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{library} {name}: {done.stderr.strip().splitlines()[-1][:150] if done.stderr else 'failed'}")
        return None
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def measure(count: int, python: str, share: int) -> list[dict[str, Any]]:
    """Return one row for each format and direction; peers get one in `share` of the boxes."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clips, small = max(count // 10_000, 1), count // share
        for name in NAMES:
            full = folder / name / TARGET.get(name, "data")
            ours = {action: _apart(name, action, str(full), str(count), str(clips)) for action in ("write", "read")}
            part = folder / f"{name}-small" / TARGET.get(name, "data")
            _apart(name, "write", str(part), str(small), "1")
            sources = {"coco": part.parent.parent, "mot": part / "clip_000", "cvat_video": part / "clip_000.xml"}
            (folder / "coco-small" / "images" / "all").mkdir(parents=True, exist_ok=True)
            peers = {"bdd100k": ["scalabel"], "coco": ["datumaro", "supervision"]}.get(name, ["datumaro"])
            for library in peers:
                source = part if library == "supervision" else sources.get(name, part / "labels/box_track_20/train")
                peer = _peer(python, library, name, source, folder) if python else None
                for action in ("read", "write"):
                    seconds = peer[action] * small / max(peer["count"], 1) * share if peer and peer["count"] else 0.0
                    mine = ours[action]
                    row = {"format": name, "action": action, "seconds": mine["seconds"], "memory": mine["memory"]}
                    ratio = seconds / mine["seconds"]
                    rows.append({**row, "peer": library, "peer_seconds": seconds, "ratio": ratio})
    return rows


def table(rows: list[dict[str, Any]], count: int, share: int) -> str:
    """Return the rows as a Markdown table."""
    part = f"one in {share} of the boxes, scaled" if share > 1 else "as many boxes in one clip"
    sizes = f"{count:,} boxes in {count // 10:,} frames, CPU seconds; peers on {part}"
    lines = [
        f"`python tests/benchmarks/formats.py --boxes {count} --write` ({sizes}):",
        "",
        "| format | direction | seconds | peak MB | peer | its seconds | times faster |",
        "|---|---|---:|---:|---|---:|---:|",
    ]
    for row in rows:
        peer = f"{row['peer_seconds']:.1f} | {row['ratio']:.1f}" if row["peer_seconds"] else "- | -"
        facts = f"{row['format']} | {row['action']} | {row['seconds']:.2f} | {row['memory']:.0f}"
        lines.append(f"| {facts} | {row['peer']} | {peer} |")
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=1_000_000)
    parser.add_argument("--peer", default=str(REPOSITORY / ".venv-interop" / "bin" / "python"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update docs/formats.md")
    parser.add_argument("--peer-share", type=int, default=1, help="peers get one in so many of the boxes")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        name, action, place, count, clips = given.one
        print(json.dumps(one(name, action, Path(place), int(count), int(clips))))
        return 0
    rows = measure(given.boxes, given.peer if Path(given.peer).exists() else "", given.peer_share)
    text = table(rows, given.boxes, given.peer_share)
    print(text)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))
    if given.write:
        put("formats", "formats-speed", [text])
    judged = [row for row in rows if row["peer"] != "supervision"]
    slow = [f"{row['format']} {row['action']} {row['ratio']:.1f}x" for row in judged if 0 < row["ratio"] < GOAL]
    large = [f"{row['format']} {row['action']} {row['memory']:.0f} MB" for row in judged if row["memory"] >= LIMIT]
    absent = sum(row["ratio"] == 0 for row in judged)
    missed = [*slow, *large, *([f"{absent} peer runs absent"] if absent else [])]
    print(f"formats: {'goals met' if not missed else 'missed: ' + ', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
