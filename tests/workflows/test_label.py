"""Labelling, end to end, on a clip whose truth is known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO

import framelabel
from framelabel.core.errors import ProjectError, ProjectLockedError, UnknownNameError, UsageError
from framelabel.core.geometry import paired_iou
from framelabel.media.encoder import write_video
from framelabel.store.project import Project
from framelabel.workflows import label, verify
from tests.assets import squares

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip of 70 frames in a folder with a space and an accent."""
    folder = tmp_path_factory.mktemp("clips é x")
    return squares.write_clip(folder / "two squares.mp4", 70)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the plugin that finds the squares."""
    return squares.write_plugin(tmp_path_factory.mktemp("plugins") / "squares")


def config(clip: Path, folder: Path, target: Path, **settings: object) -> label.LabelConfig:
    """Return a config for one clip; `settings` win."""
    values: dict[str, object] = {"videos": (clip,), "plugin": str(folder), "project": target, **settings}
    return label.LabelConfig(**values)  # type: ignore[arg-type]


def stored(project: Path) -> list[tuple[object, ...]]:
    """Return everything about the labels of a project that must not depend on how they came about."""
    with Project(project) as opened:
        labels = opened.labels()
        columns = (labels.frames.index[labels.frame], labels.class_id, labels.track_id, labels.xyxy, labels.score)
        return [tuple(column.tolist()) for column in columns]


@pytest.mark.parametrize("tracker", [pytest.param("bytetrack", id="online"), pytest.param("", id="whole-clip")])
def test_labels_are_the_truth(clip: Path, plugin: Path, tmp_path: Path, tracker: str) -> None:
    """Two objects give two tracks that lie on the squares in every frame, with one index of the decoded pictures."""
    project = tmp_path / "p.framelabel"
    summary = label.run(config(clip, plugin, project, tracker=tracker))
    assert [(video.frames, video.tracks, video.problem) for video in summary.videos] == [(70, 2, "")]
    with Project(project) as opened:
        [video] = opened.videos()
        index = opened.frame_index(video.id)
        assert (len(index), video.frame_count, float(video.fps)) == (70, 70, 25.0)
        assert np.all(index.digest != 0)
        for track in opened.tracks(video.id):
            name = opened.ontology.names[track.class_id]
            expected = np.array([squares.truth(int(frame))[["red", "green"].index(name)] for frame in track.frame])
            overlap = paired_iou(track.xyxy, expected)
            assert len(track) >= 68, name
            assert overlap.min() > 0.9, name
            assert np.median(overlap) > 0.95, name


def test_running_again_changes_nothing(clip: Path, plugin: Path, tmp_path: Path) -> None:
    """The same command says that it is done, and adds nothing."""
    project = tmp_path / "p.framelabel"
    label.run(config(clip, plugin, project))
    before = stored(project)
    summary = label.run(config(clip, plugin, project))
    assert [video.is_new for video in summary.videos] == [False]
    assert stored(project) == before


def test_two_projects_get_identical_labels(clip: Path, plugin: Path, tmp_path: Path) -> None:
    """The same input, plugin and config give byte-identical labels."""
    for name in ("a", "b"):
        label.run(config(clip, plugin, tmp_path / f"{name}.framelabel"))
    assert stored(tmp_path / "a.framelabel") == stored(tmp_path / "b.framelabel")


def test_another_tracker_replaces_the_labels(clip: Path, plugin: Path, tmp_path: Path) -> None:
    """Linking anew with another tracker replaces that plugin's labels; nothing is detected twice, nothing doubled."""
    project = tmp_path / "p.framelabel"
    label.run(config(clip, plugin, project))
    first = len(stored(project)[0])
    label.run(config(clip, plugin, project, tracker="sort"))
    with Project(project) as opened:
        assert [run.kind for run in opened.runs()].count("detect") == 1
    assert first * 0.9 <= len(stored(project)[0]) <= first


def test_effort(clip: Path, plugin: Path, tmp_path: Path) -> None:
    """Full effort finds the same objects, draft looks at six pictures a second."""
    for effort, frames in (("full", 70), ("draft", 17)):
        project = tmp_path / f"{effort}.framelabel"
        summary = label.run(config(clip, plugin, project, effort=effort))
        assert (summary.videos[0].frames, summary.videos[0].tracks) == (frames, 2)


SELECTIONS = [
    pytest.param({"every": 7}, list(range(0, 70, 7)), id="every-7th"),
    pytest.param({"fps": 5.0}, list(range(0, 70, 5)), id="5-a-second"),
    pytest.param({"frames": "10:20"}, list(range(10, 20)), id="span"),
    pytest.param({"frames": "60:", "every": 4}, [60, 64, 68], id="span-and-every"),
]


@pytest.mark.parametrize(("settings", "expected"), SELECTIONS)
def test_selected_frames(
    clip: Path, plugin: Path, tmp_path: Path, settings: dict[str, object], expected: list[int]
) -> None:
    """Only the chosen frames are looked at, under their own numbers, and the index still covers the whole clip."""
    project = tmp_path / "p.framelabel"
    label.run(config(clip, plugin, project, **settings))
    with Project(project) as opened:
        assert opened.runs()[0].frames.tolist() == expected
        assert len(opened.frame_index(opened.videos()[0].id)) == 70
        assert opened.labels().frames.index.tolist() == expected


def test_a_bad_video_does_not_stop_the_batch(clip: Path, plugin: Path, tmp_path: Path) -> None:
    """Unreadable and missing files are reported in the summary; the good ones are labelled."""
    text = tmp_path / "notes.mp4"
    text.write_text("not a video", "utf-8")
    project = tmp_path / "p.framelabel"
    settings = {"videos": (text, tmp_path / "nothing.mp4", clip)}
    summary = label.run(config(clip, plugin, project, **settings))
    assert [bool(video.problem) for video in summary.videos] == [True, True, False]
    assert not summary.is_complete
    assert "notes.mp4" in summary.videos[0].problem
    assert len(stored(project)[0]) > 100


BAD_REQUESTS = [
    pytest.param({"plugin": "surveilance"}, UnknownNameError, "surveillance", id="plugin-misspelt"),
    pytest.param({"every": 0}, UsageError, "--every", id="every-0"),
    pytest.param({"every": 2, "fps": 3.0}, UsageError, "not both", id="every-and-fps"),
    pytest.param({"tracker": "bytetrak"}, UnknownNameError, "bytetrack", id="tracker-misspelt"),
    pytest.param({"videos": ()}, UsageError, "no video", id="no-video"),
    pytest.param({"export": ("coc=x.json",)}, UnknownNameError, "coco", id="format-misspelt"),
    pytest.param({"export": ("x.json",)}, UsageError, "FORMAT=PATH", id="export-without-format"),
]


@pytest.mark.parametrize(("settings", "error", "message"), BAD_REQUESTS)
def test_bad_requests(
    clip: Path, plugin: Path, tmp_path: Path, settings: dict[str, object], error: type[Exception], message: str
) -> None:
    """A request that makes no sense is one clear line, before any work."""
    with pytest.raises(error, match=message):
        label.run(config(clip, plugin, tmp_path / "p.framelabel", **settings))


def test_a_locked_project_is_said(clip: Path, plugin: Path, tmp_path: Path) -> None:
    """A second writer is told so and stores nothing."""
    project = tmp_path / "p.framelabel"
    with Project(project, create=True), pytest.raises(ProjectLockedError, match="another process"):
        label.run(config(clip, plugin, project))


def test_killed_in_the_middle_resumes_to_the_same_bytes(plugin: Path, tmp_path: Path) -> None:
    """After kill -9 the same command goes on behind the last stored frame and ends with identical labels."""
    clip = squares.write_clip(tmp_path / "long.mp4", 1500)
    whole, killed = tmp_path / "whole.framelabel", tmp_path / "killed.framelabel"
    label.run(config(clip, plugin, whole))
    command = [
        sys.executable,
        "-m",
        "framelabel",
        "label",
        str(clip),
        "--plugin",
        str(plugin),
        "--project",
        str(killed),
    ]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    done = 0
    while process.poll() is None and done == 0:
        time.sleep(0.01)
        if killed.exists() and killed.stat().st_size:
            with suppress(ProjectError), Project(killed) as opened:
                done = max((run.done_count for run in opened.runs()), default=0)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < done < 1500, "the kill came before or after the work"
    again = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert stored(killed) == stored(whole)


def test_exports_are_written(clip: Path, plugin: Path, tmp_path: Path) -> None:
    """Both exports hold every label; one that cannot be written is reported and the other still written."""
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder is needed", "utf-8")
    exports = (f"bdd100k={blocked / 'x'}", f"coco={tmp_path / 'out.json'}")
    summary = label.run(config(clip, plugin, tmp_path / "p.framelabel", export=exports))
    assert len(summary.problems) == 1
    assert "blocked" in summary.problems[0]
    coco = COCO(str(tmp_path / "out.json"))
    assert len(coco.anns) == len(stored(tmp_path / "p.framelabel")[0])
    assert len(coco.imgs) == 70


def test_verify_proves_the_pictures(clip: Path, plugin: Path, tmp_path: Path) -> None:
    """Stored hashes match the clip; after one picture is changed, exactly that one is named."""
    moved = tmp_path / "clip.mp4"
    moved.write_bytes(clip.read_bytes())
    project = tmp_path / "p.framelabel"
    label.run(config(moved, plugin, project))
    assert [verdict.is_proven for verdict in verify.run(verify.VerifyConfig(project))] == [True]
    pictures = ((frame, squares.picture(frame if frame != 33 else 34)) for frame in range(70))
    write_video(moved, pictures, Fraction(1, 25), Fraction(25), quality=0)
    [verdict] = verify.run(verify.VerifyConfig(project))
    assert verdict.different == (33,)


def test_the_readme_says_what_works(clip: Path, plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python lines of the README run as they stand, on a clip and a plugin of the names they use."""
    text = (REPOSITORY / "README.md").read_text("utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    (tmp_path / "street.mp4").write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(compile(code.replace('"surveillance"', repr(str(plugin))), "README.md", "exec"), {})  # noqa: S102
    assert len(COCO(str(tmp_path / "street.json")).anns) > 100


def test_python_api(clip: Path, plugin: Path, tmp_path: Path) -> None:
    """Frames come with their pictures and boxes; tracks and videos are there by name."""
    street = framelabel.DataSet(tmp_path / "street.framelabel")
    street.label(clip, plugin=str(plugin))
    seen: list[NDArray[np.float64]] = []
    for frame, boxes in street.frames("two squares"):
        assert frame.image.shape == (64, 96, 3)
        seen.append(boxes.xyxy)
    assert len(seen) == 70
    assert len(street.tracks("two squares")) == 2
