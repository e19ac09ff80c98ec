"""What people install: the built wheel, in an environment that holds nothing else, used from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.assets import squares

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without this checkout in sight and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_wheel_labels_a_clip_from_another_folder(tmp_path: Path) -> None:
    """The wheel holds the bundled plugins, configs and schema, and everything it needs is declared."""
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    run(sys.executable, *build, tmp_path, REPOSITORY, cwd=tmp_path)
    [wheel] = tmp_path.glob("framelabel-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("framelabel/bundled/plugins/surveillance/plugin.yaml", "framelabel/store/schema/001_initial.sql"):
        assert needed in names
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]
    venv.create(tmp_path / "env", with_pip=True)
    binaries = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    pins = REPOSITORY / "constraints.txt"
    run(binaries / "python", "-m", "pip", "install", "--quiet", "--constraint", pins, wheel, cwd=tmp_path)
    plugin = squares.write_plugin(tmp_path / "squares")
    clip = squares.write_clip(tmp_path / "clip.mp4", 30)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = binaries / "framelabel"
    run(
        command,
        "label",
        clip,
        "--plugin",
        plugin,
        "--project",
        "p.framelabel",
        "--export",
        "coco=c.json",
        cwd=elsewhere,
    )
    assert len(json.loads((elsewhere / "c.json").read_text("utf-8"))["annotations"]) > 50
    assert "surveillance" in run(command, "doctor", cwd=elsewhere)
