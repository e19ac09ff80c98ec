"""The floor plan holds: layers, one file per library, no junk drawers, no god-modules."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "framelabel"
JUNK = {"utils", "util", "helpers", "common", "misc", "core", "tools"}


def test_layers_are_kept() -> None:
    """Import-linter finds no import against the layers of pyproject.toml."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_junk_drawers() -> None:
    """No module is named for nothing in particular."""
    assert [path for path in PACKAGE.rglob("*.py") if path.stem in JUNK] == []


HOMES = {
    "av": {"media/pyav.py", "media/encoder.py"},
    "decord": {"media/decord.py"},
    "onnxruntime": {"inference/session.py"},
}
"""Library -> the files that may import it: one to read, one to write."""


def test_each_decoding_library_is_imported_in_one_file() -> None:
    """PyAV, decord and ONNX Runtime can each be replaced in one place."""
    for library, homes in HOMES.items():
        pattern = re.compile(rf"^\s*(import|from) {library}\b", re.MULTILINE)
        users = {
            path.relative_to(PACKAGE).as_posix()
            for path in PACKAGE.rglob("*.py")
            if pattern.search(path.read_text("utf-8"))
        }
        assert users <= homes, f"{library} is imported by {users - homes}"
