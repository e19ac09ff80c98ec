"""Coverage-guided fuzzing of every reader for a bounded time: does any content raise anything but one clear line?

    python tests/fuzz/readers.py [--seconds N] [--format NAME ...] [--keep FOLDER]

Each format runs in a process of its own, under Atheris (`make fuzz` sets up the environment). The seeds are our own
exports of labels that hold one of everything; Atheris changes their largest file and follows the branches taken in
framelabel.formats. What makes a reader fail is kept as a file. Last line = summary, exit 1 when a reader failed.
"""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent.parent
_LONGEST_INPUT = 8192
_SLOWEST_SECONDS = 20
_MOST_MEGABYTES = 2048


def _seeded(name: str, folder: Path) -> Path:
    """Write an export below `folder` and return its largest file."""
    formats = importlib.import_module("framelabel.formats.catalog").FORMATS
    fixtures = importlib.import_module("tests.contracts.conftest")
    formats.load(name)().write(fixtures.clips.__wrapped__(), folder / "data")
    files = [folder / "data"] if (folder / "data").is_file() else list((folder / "data").rglob("*.*"))
    return max((path for path in files if path.is_file()), key=lambda path: path.stat().st_size)


def fuzz(name: str, seconds: int, keep: Path) -> None:
    """Fuzz one reader in this process; Atheris ends it."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["framelabel.formats"]):
        catalog = importlib.import_module("framelabel.formats.catalog")
        for other in catalog.FORMATS:
            catalog.FORMATS.load(other)
    problem = importlib.import_module("framelabel.core.errors").FramelabelError
    folder = Path(tempfile.mkdtemp())
    file = _seeded(name, folder)
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "export").write_bytes(file.read_bytes())
    kind = catalog.FORMATS.load(name)()

    def once(content: bytes) -> None:
        file.write_bytes(content)
        for act in (catalog.detect_format, kind.read):
            try:
                act(folder / "data")
            except problem as error:
                if "\n" in str(error):
                    raise

    options = [f"-max_total_time={seconds}", f"-max_len={_LONGEST_INPUT}", f"-timeout={_SLOWEST_SECONDS}",
               f"-rss_limit_mb={_MOST_MEGABYTES}", "-print_final_stats=1",
               f"-artifact_prefix={keep}/{name}-"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], once)
    atheris.Fuzz()


def main() -> int:
    """Print a line for each format; 1 when a reader failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="for each format")
    parser.add_argument("--format", action="append", default=[], help="only these; repeatable")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="where failing inputs go")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    sys.path.insert(0, str(REPOSITORY))
    given.keep.mkdir(parents=True, exist_ok=True)
    if given.one:
        fuzz(given.one, given.seconds, given.keep)
        return 0
    names = given.format or sorted(importlib.import_module("framelabel.formats.catalog").FORMATS)
    failed = []
    for name in names:
        command = [sys.executable, __file__, "--one", name, "--seconds", str(given.seconds), "--keep", str(given.keep)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
        runs = re.findall(r"number_of_executed_units:\s*(\d+)", done.stderr)
        covered = re.findall(r"cov: (\d+)", done.stderr)
        print(f"{name}: {runs[-1] if runs else 0} inputs, {covered[-1] if covered else 0} branches", flush=True)
        if done.returncode or not runs:
            failed.append(name)
            print("\n".join((done.stdout + done.stderr).splitlines()[-25:]), flush=True)
    print(
        f"fuzzing: {len(names)} readers, {given.seconds} s each; " + (f"failed: {failed}" if failed else "none failed")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
