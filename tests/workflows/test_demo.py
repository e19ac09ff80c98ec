"""The demo does the whole job and says how close it came; everything that it writes can be read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from framelabel.core.errors import UsageError
from framelabel.formats.catalog import FORMATS
from framelabel.media import open_reader
from framelabel.workflows.demo import DemoConfig, run


def test_demo_labels_its_own_clip(tmp_path: Path) -> None:
    """On a short clip: boards are tracked, most defects are found, exports, video and report are whole."""
    summary = run(DemoConfig(tmp_path / "out", frames=48))
    files = dict(summary.files)
    assert summary.board_hota > 0.8
    assert summary.board_tracks == summary.boards
    assert summary.defects_found >= 0.6 * summary.defects > 0
    assert summary.questions.count > 0
    for page in ("report", "comparison with the truth"):
        assert "</html>" in files[page].read_text("utf-8")
    labels, report = FORMATS.load("coco")().read(files["coco export"])
    assert len(report) == 0
    assert {"board"} < set(labels.ontology.names)
    assert len(labels) > 48
    bdd, report = FORMATS.load("bdd100k")().read(files["bdd100k export"])
    assert len(report) == 0
    assert len(bdd.frames) > 0
    reader = open_reader(files["labelled video"])
    assert len(reader.index) == 48
    reader.close()


def test_a_clip_too_short_for_a_board_is_refused(tmp_path: Path) -> None:
    """Three frames show no board; the message says how many are needed."""
    with pytest.raises(UsageError, match="at least 25"):
        run(DemoConfig(tmp_path, frames=3))
