"""Events leave a project with its labels and come back, in every form that holds them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from framelabel.core.events import Event
from framelabel.core.frames import VideoId
from framelabel.store.project import Project
from framelabel.workflows import export, import_labels

_TABLE = """\
video,video_length,fps,frame,class,x1,y1,x2,y2,track_id
yard,8,25,0,person,0,0,10,20,3
yard,8,25,1,person,1,0,11,20,3
yard,8,25,4,car,30,5,60,25,7
gate,6,10,2,person,5,5,15,25,3
"""
EVENTS = [
    Event(VideoId(1), "too_close", "near", 1, 5, (3, 7), 4, 0.75, True, {"zone": "yard", "n": 2}),
    Event(VideoId(1), "crowd", "crowd", 4, 5, (), 4, attributes={"mean": 1.5}),
    Event(VideoId(2), "entered", "gate", 2, 3, (3,), 2),
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project of two videos with labels and three events."""
    (tmp_path / "source.csv").write_text(_TABLE)
    path = tmp_path / "p.framelabel"
    import_labels.run(import_labels.ImportConfig(project=path, source=tmp_path / "source.csv"))
    with Project(path, write=True) as opened:
        opened.append_events(EVENTS)
    return path


def told(project: Path) -> list[Event]:
    """Return a project's events without the ids that a project gives."""
    with Project(project) as opened:
        return [replace(event, id=0, run_id=0) for event in opened.events()]


@pytest.mark.parametrize(
    ("form", "file"),
    [
        ("cocovid", "l.json"),
        ("tao", "l.json"),
        ("coco", "l.json"),
        ("bdd100k", "bdd"),
        ("csv", "l.csv"),
        ("parquet", "l.parquet"),
        ("datumaro", "l.json"),
        ("events_csv", "e.csv"),
        ("events_json", "e.json"),
    ],
)
def test_events_go_out_and_come_back(form: str, file: str, project: Path, tmp_path: Path) -> None:
    """Names, spans, actors, evidence, scores and attributes survive export and import into a new project.

    Actors are compared by how many there are where the format numbers tracks anew over all videos.
    """
    target = tmp_path / "out" / file
    summary = export.run(export.ExportConfig(project=project, destination=target, to=form))
    assert "event" not in summary.parts[0][1].losses
    other = tmp_path / "other.framelabel"
    import_labels.run(import_labels.ImportConfig(project=other, source=target))
    found, expected = told(other), told(project)
    if form in ("cocovid", "tao"):
        assert [len(event.actors) for event in found] == [len(event.actors) for event in expected]
        assert found[0].actors[0] != found[2].actors[0]
        found = [replace(event, actors=()) for event in found]
        expected = [replace(event, actors=()) for event in expected]
    with Project(other) as opened:
        names = {video.id: video.name for video in opened.videos()}
    by_name = sorted((names[event.video_id], event.start, event.name) for event in found)
    assert by_name == [("gate", 2, "entered"), ("yard", 1, "too_close"), ("yard", 4, "crowd")]
    plain = {event.name: replace(event, video_id=VideoId(0)) for event in found}
    assert plain == {event.name: replace(event, video_id=VideoId(0)) for event in expected}


def test_events_alone_join_the_labels_of_a_project(project: Path, tmp_path: Path) -> None:
    """An events file imported into a project that knows the videos adds events to them, once, and no labels."""
    table = tmp_path / "e.csv"
    export.run(export.ExportConfig(project=project, destination=table, to="events_csv"))
    fresh = tmp_path / "fresh.framelabel"
    import_labels.run(import_labels.ImportConfig(project=fresh, source=tmp_path / "source.csv"))
    for _ in range(2):
        import_labels.run(import_labels.ImportConfig(project=fresh, source=table))
    assert told(fresh) == told(project)
    with Project(fresh) as opened:
        assert len(opened.labels()) == 4


def test_what_people_read(project: Path, tmp_path: Path) -> None:
    """The CSV has seconds beside frames; BDD100K's frames carry the names; COCO lists events beside videos."""
    for form, file in (("events_csv", "e.csv"), ("cocovid", "v.json"), ("bdd100k", "bdd")):
        export.run(export.ExportConfig(project=project, destination=tmp_path / file, to=form))
    first = next(csv.DictReader((tmp_path / "e.csv").open()))
    assert [first[name] for name in ("video", "name", "start_s", "stop_s", "actors", "needs_review")] == [
        "yard", "too_close", "0.040", "0.200", "3 7", "true",
    ]  # fmt: skip
    coco = json.loads((tmp_path / "v.json").read_text())
    assert [event["video_id"] for event in coco["events"]] == [1, 1, 2]
    assert list(coco)[:3] == ["info", "licenses", "events"]
    frames = [frame for path in (tmp_path / "bdd").rglob("*.json") for frame in _frames(path)]
    shown = {(frame["videoName"], frame["frameIndex"]): frame["attributes"].get("events") for frame in frames}
    assert shown["yard", 4] == "too_close; crowd"
    assert shown["gate", 2] == "entered"
    assert shown["yard", 0] is None


def test_formats_without_room_say_so(project: Path, tmp_path: Path) -> None:
    """MOT has no place for events: they are counted as lost, with the way to keep them."""
    summary = export.run(export.ExportConfig(project=project, destination=tmp_path / "mot", to="mot"))
    loss = summary.parts[0][1].losses["event"]
    assert loss.count == 3
    assert "events_csv" in loss.explanation


def _frames(path: Path) -> list[dict[str, Any]]:
    content = json.loads(path.read_text())
    return content["frames"] if isinstance(content, dict) else content  # type: ignore[no-any-return]
