"""What a save costs depends on what it changes, not on how much the project holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from framelabel.core.annotations import Origin, Provenance
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.ontology import Ontology
from framelabel.core.tasks import Answer, Task, TaskKind
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.store import project as project_file
from framelabel.store import tasks, writer
from framelabel.store.project import Project
from framelabel.workflows.edit import Editor

FRAMES, LENGTH = 2000, 40
GRAIN = 10
"""Instructions of SQLite's machine between two counts."""

Change = Callable[[Project, Video], object]


def editor(project: Project) -> Editor:
    """Return a person at work."""
    return Editor(project, "ada")


CHANGES: dict[str, Change] = {
    "draw": lambda project, video: editor(project).put_box(video, 5, [1, 1, 9, 9], class_name="car"),
    "correct": lambda project, video: editor(project).put_box(video, 5, [2, 2, 9, 9], track_id=1),
    "class": lambda project, video: editor(project).set_class(video, 1, "bag"),
    "split": lambda project, video: editor(project).split(video, 2, 20),
    "swap": lambda project, video: editor(project).swap(video, 1, 2, 30),
    "delete": lambda project, video: editor(project).delete(video, 3),
    "undo": lambda project, _: editor(project).undo(),
    "redo": lambda project, _: editor(project).redo(),
    "changed tracks": lambda project, _: [project.tracks_of_edit(edit) for edit in [editor(project).undo()] if edit],
    "answer": lambda project, _: project.write(tasks.add_once, Answer(1, "ada", "accept")),
}


def made(path: Path, tracks: int) -> Video:
    """Make a project with this many tracks, tasks and edits of somebody else; its first tracks are always the same."""
    starts = [0, 0, 0, *np.linspace(100, FRAMES - LENGTH, tracks - 3).astype(int).tolist()]
    boxes = np.tile([10.0, 10.0, 30.0, 30.0], (LENGTH, 1))
    with Project(path, create=True) as project:
        project.extend_ontology(Ontology.of(["car", "bag"]))
        index = FrameIndex(Fraction(1, 25), np.arange(FRAMES), np.ones(FRAMES, np.bool_), np.zeros(FRAMES, np.uint64))
        video = project.add_video(
            Video(VideoId(0), "clip", "clip.mp4", 64, 48, FRAMES, Fraction(1, 25), Fraction(25)), index
        )
        project.put_tracks(
            video.id,
            [Track.of(number + 1, np.arange(start, start + LENGTH), boxes) for number, start in enumerate(starts)],
            Provenance(Origin.TRACKER, "t"),
        )
        project.append_tasks([Task(TaskKind.TRACK, video.id, 0, 1, 1 + number) for number in range(tracks)])
        other = Editor(project, "bob")
        for number in range(4, tracks, 4):
            other.put_box(video, starts[number], [1, 1, 5, 5], track_id=number + 1)
    return video


def cost(path: Path, video: Video, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return how many of SQLite's instructions each change takes."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    def counted(file: Path, *, write: bool) -> sqlite3.Connection:
        connection = real(file, write=write)
        connection.set_progress_handler(tick, GRAIN)
        return connection

    real = writer.connect
    with monkeypatch.context() as patch:
        patch.setattr(writer, "connect", counted)
        patch.setattr(project_file, "connect", counted)
        found = {}
        with Project(path, write=True) as project:
            for name, change in CHANGES.items():
                before = count
                change(project, video)
                found[name] = (count - before) * GRAIN
    return found


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], dict[str, int]]:
    """Return the cost of every change in a small project, and in one with twenty times as many objects."""
    folder = tmp_path_factory.mktemp("cost")
    found = []
    for tracks in (40, 800):
        path = folder / f"{tracks}.framelabel"
        video = made(path, tracks)
        with pytest.MonkeyPatch.context() as patch:
            found.append(cost(path, video, patch))
    return found[0], found[1]


@pytest.mark.parametrize("name", CHANGES)
def test_a_save_does_not_read_the_project(costs: tuple[dict[str, int], dict[str, int]], name: str) -> None:
    """Twenty times as many objects, tasks and edits make a save no dearer."""
    small, large = costs[0][name], costs[1][name]
    assert large <= 1.2 * small + 100
