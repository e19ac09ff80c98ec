"""Labels made with Ray are those of one process, also when a worker dies in the middle."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from framelabel.core.errors import ClusterError, MissingExtraError
from framelabel.core.frames import FrameIndex
from framelabel.core.videos import Video
from framelabel.distributed import crew_for
from framelabel.store.project import Project
from framelabel.workflows import label
from framelabel.workflows.look import Crew, Seen
from tests.assets import squares

FRAMES = 70


@pytest.fixture
def config(tmp_path: Path) -> label.LabelConfig:
    """Return what to label."""
    clip = squares.write_clip(tmp_path / "clip.mp4", FRAMES)
    plugin = squares.write_plugin(tmp_path / "squares")
    return label.LabelConfig(videos=(clip,), plugin=str(plugin), project=tmp_path / "alone.framelabel")


def stored(project: Path) -> list[object]:
    """Return the labels of a project, column by column."""
    with Project(project) as opened:
        labels = opened.labels()
        columns = (labels.frames.index[labels.frame], labels.class_id, labels.track_id, labels.xyxy, labels.score)
        return [column.tolist() for column in columns]


def changed(config: label.LabelConfig, **settings: object) -> label.LabelConfig:
    """Return the config with other settings."""
    return replace(config, **settings)  # type: ignore[arg-type]


@pytest.fixture
def on_ray(config: label.LabelConfig, tmp_path: Path) -> Iterator[label.LabelConfig]:
    """Return the same work for Ray on this machine."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]))
        yield changed(config, cluster="local", project=tmp_path / "ray.framelabel")


class Struck:
    """A crew, one of whose workers is killed when a few frames have come back."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.killed = 0

    def look(self, video: Video, index: FrameIndex, ordinals: NDArray[np.int64]) -> Iterator[Seen]:
        """Kill a worker after three frames."""
        for number, seen in enumerate(self.crew.look(video, index, ordinals)):
            if number == 3:
                worker = next(p for p in psutil.process_iter() if p.name().startswith("ray::Looker"))
                worker.kill()
                self.killed = worker.pid
            yield seen


@pytest.mark.filterwarnings("default")
def test_same_labels_even_when_a_worker_dies(config: label.LabelConfig, on_ray: label.LabelConfig) -> None:
    """The labels do not depend on who looked; a killed worker is replaced and its frames are looked at again."""
    alone = label.run(config)
    with crew_for(on_ray) as crew:
        assert crew is not None
        struck = Struck(crew)
        together = label.run(on_ray, crew=struck)
    assert struck.killed
    assert together.is_complete, together.videos
    assert together.videos[0].frames == alone.videos[0].frames == FRAMES
    assert stored(on_ray.project) == stored(config.project)


@pytest.mark.filterwarnings("default")
def test_nobody_answers(config: label.LabelConfig) -> None:
    """A cluster that is not there is one line."""
    pytest.importorskip("ray")
    with pytest.raises(ClusterError, match="cannot connect"), crew_for(changed(config, cluster="ray://127.0.0.1:1")):
        pass


def test_without_ray(config: label.LabelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Ray, a named cluster is an error with its cure; "local" is this process, said in a note."""
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "framelabel.distributed.ray_label", raising=False)
    with (
        pytest.raises(MissingExtraError, match=r"framelabel\[ray\]"),
        crew_for(changed(config, cluster="ray://somewhere:10001")),
    ):
        pass
    with crew_for(changed(config, cluster="local")) as crew:
        assert crew is None


def test_nobody_asked(config: label.LabelConfig) -> None:
    """Without --cluster this process works alone."""
    with crew_for(config) as crew:
        assert crew is None
