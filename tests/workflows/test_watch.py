"""A camera (here: a file that plays as one) is labelled as it goes."""

from __future__ import annotations

from pathlib import Path

from framelabel.core.frames import VideoId
from framelabel.store.project import Project
from framelabel.workflows import watch
from tests.assets import squares


def test_what_was_kept_is_stored(tmp_path: Path) -> None:
    """Every picture is either labelled or counted as dropped; tracks and times are stored; the time limit holds."""
    clip = squares.write_clip(tmp_path / "camera.mp4", 100)
    plugin = squares.write_plugin(tmp_path / "plugin")
    config = watch.WatchConfig(source=str(clip), plugin=str(plugin), project=tmp_path / "w.framelabel")
    summary = watch.run(config)
    assert summary.frames + summary.dropped == 100
    assert summary.tracks >= 2
    with Project(config.project) as project:
        [video] = project.videos()
        assert video.frame_count == len(project.frame_index(video.id)) == summary.frames
        assert project.runs()[0].facts["dropped"] == summary.dropped
        for track in project.tracks(VideoId(1)):
            assert track.frame[-1] < summary.frames
    short = watch.run(watch.WatchConfig(source=str(clip), plugin=str(plugin), project=config.project, for_s=1.0))
    assert short.frames <= 25
