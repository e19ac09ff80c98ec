"""Long footage is linked in windows, and its labels do not show it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from framelabel.core.geometry import paired_iou
from framelabel.store.project import Project
from framelabel.workflows import associate, label
from tests.assets import squares

FRAMES = 420


def test_labels_do_not_show_the_seams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip of four windows gives the labels of the clip linked at once, to the last digit; they lie on the truth."""
    clip, plugin = squares.write_clip(tmp_path / "clip.mp4", FRAMES), squares.write_plugin(tmp_path / "squares")
    tracks = {}
    for name, window in (("whole", associate.WINDOW), ("windows", 130)):
        monkeypatch.setattr(associate, "WINDOW", window)
        monkeypatch.setattr(associate, "OVERLAP", min(associate.OVERLAP, window // 2 - 10))
        project = tmp_path / f"{name}.framelabel"
        label.run(label.LabelConfig(videos=(clip,), plugin=str(plugin), project=project))
        with Project(project) as opened:
            tracks[name] = opened.tracks(opened.videos()[0].id)
    assert len(tracks["windows"]) == len(tracks["whole"]) == 2
    for mine, theirs in zip(tracks["windows"], tracks["whole"], strict=True):
        assert (mine.id, mine.class_id, mine.frame.tolist()) == (theirs.id, theirs.class_id, theirs.frame.tolist())
        truth = np.array([squares.truth(int(frame))[mine.class_id] for frame in mine.frame])
        assert np.median(paired_iou(mine.xyxy, truth)) > 0.95
        for column in ("xyxy", "score", "uncertainty", "visibility"):
            assert np.array_equal(getattr(mine, column), getattr(theirs, column)), column
