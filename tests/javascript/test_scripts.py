"""The page's scripts: types hold, files stay small, nothing comes from elsewhere, colours can be told apart."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "framelabel" / "web" / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
# Machado, Oliveira and Fernandes (2009), severity 1: linear RGB as a person without red or green cones sees it.
BLIND = {
    "full": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def test_types_hold() -> None:
    """TypeScript finds no wrong type and no unused name in the scripts and their comments."""
    assert checked("tsc", "-p", HERE / "tsconfig.json") == ""


def test_rules_hold() -> None:
    """ESLint finds nothing in the scripts that breaks the rules of eslint.config.js."""
    assert checked("eslint", "--config", HERE / "eslint.config.js", "framelabel/web/static") == ""


def checked(tool: str, *arguments: Path | str) -> str:
    """Return what a tool finds wrong; skip where it is not installed."""
    program = HERE / "node_modules" / ".bin" / tool
    # Node may have come into this environment instead of the machine
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None or not program.exists():
        pytest.skip(f"{tool} is an optional tool of development: `make page-tools` installs it")
    command = [node, program.resolve(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parents[1])
    return done.stdout or done.stderr if done.returncode else ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_small_and_asks_nobody_else(script: Path) -> None:
    """No script has 400 lines, names another server, or makes markup or code out of text."""
    text = script.read_text("utf-8")
    assert len(text.splitlines()) < 400
    assert not re.search(r"https?://|innerHTML|outerHTML|eval[(]|new Function", text)


@pytest.mark.parametrize("eyes", BLIND)
def test_colours_of_objects_can_be_told_apart(eyes: str) -> None:
    """Any two colours of the palette differ clearly for people with full, protan and deutan colour vision."""
    line = re.search(r"PALETTE = \[(.*?)\]", (STATIC / "palette.js").read_text("utf-8"))
    assert line is not None
    codes = re.findall(r"#([0-9a-f]{6})", line[1])
    assert len(codes) == 8
    seen = np.clip(np.array([linear_light(code) for code in codes]) @ BLIND[eyes].T, 0, 1) ** (1 / 3)
    distance = min(float(np.linalg.norm(one - two)) for one, two in combinations(seen, 2))
    assert distance > 0.08


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "panel"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "warn", "accent"])
def test_what_is_written_can_be_read(ink: str, ground: str, theme: str) -> None:
    """Every colour of text has a contrast of 4.5 and more on every ground, in both themes (WCAG 2.2, level AA)."""
    sheet = (STATIC / "style.css").read_text("utf-8")
    shades = {
        name: (light, dark)[theme == "dark"]
        for name, light, dark in re.findall(r"--(\w+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)", sheet)
    }
    lighter, darker = sorted((luminance(shades[ink]), luminance(shades[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(code: str) -> float:
    """Return the relative luminance of an sRGB colour "rrggbb" as WCAG defines it."""
    return float(linear_light(code) @ np.array([0.2126, 0.7152, 0.0722]))


def linear_light(code: str) -> NDArray[np.float64]:
    """Return the (3,) linear light in [0, 1] of an sRGB colour "rrggbb"."""
    rgb = np.array([int(code[at : at + 2], 16) / 255 for at in (0, 2, 4)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
