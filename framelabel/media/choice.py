"""Whether decord may read a file: a trial in a child process, once a file, of exactness first and speed second."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from framelabel.core.frames import FrameIndex

WORTH_A_TRIAL = 3000
"""Frames; for less, a trial takes longer than it can save."""
CHECKED = 24
"""Frames compared: in order from the start, and spread over the file out of order."""
TIMED = 120
"""Frames read in sequence by both, in processor time: other work on the machine must not decide."""
ROUNDS = 3
GAIN = 1.2
"""decord is chosen from this many times the default reader's speed; less is inside the noise of such a short trial."""
PATIENCE_S = 20.0
"""A trial that takes longer has failed: decord is known to hang on some files, and to eat memory on long ones."""


def choose_reader(path: str | Path, index: FrameIndex | None) -> str:
    """Return "decord" where it has proved exact and clearly faster on this very file, else "pyav".

    The verdict is kept beside the user's other caches, keyed by path, size and time of change.
    """
    if index is None or len(index) < WORTH_A_TRIAL or importlib.util.find_spec("decord") is None:
        return "pyav"
    place = _verdicts_path()
    key = _key(path)
    verdicts: dict[str, bool] = {}
    with suppress(OSError, ValueError):
        verdicts = json.loads(place.read_text("utf-8"))
    if key not in verdicts:
        verdicts[key] = _try_out(path)
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=place.parent, delete=False, encoding="utf-8") as file:
                json.dump(verdicts, file)
            Path(file.name).replace(place)
    return "decord" if verdicts[key] else "pyav"


def trial(path: str) -> bool:
    """Compare decord with the default reader on this file; runs in a child, which may crash or hang."""
    from framelabel.media.decord import DecordReader
    from framelabel.media.pyav_reader import PyAVReader

    default = PyAVReader(path)
    index = default.index
    other = DecordReader(path, index=index)
    spread = np.linspace(0, len(index) - 1, CHECKED // 2).astype(int).tolist()
    for ordinal in [*range(CHECKED // 2), *spread[::-1]]:
        if not np.array_equal(default.frame(ordinal).image, other.frame(ordinal).image):
            return False
    seconds: dict[type, list[float]] = {PyAVReader: [], DecordReader: []}
    for _ in range(ROUNDS):
        for reader_type, taken in seconds.items():
            reader = reader_type(path, index=index)
            start = time.process_time()
            for _ in reader.read(range(TIMED)):
                pass
            taken.append(time.process_time() - start)
            reader.close()
    return min(seconds[PyAVReader]) >= GAIN * min(seconds[DecordReader])


def _try_out(path: str | Path) -> bool:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "framelabel.media.choice", str(path)],
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _key(path: str | Path) -> str:
    facts = Path(path).stat()
    return f"{Path(path).resolve()}:{facts.st_size}:{facts.st_mtime_ns}"


def _verdicts_path() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "framelabel" / "decord.json"


if __name__ == "__main__":
    sys.exit(not trial(sys.argv[1]))
