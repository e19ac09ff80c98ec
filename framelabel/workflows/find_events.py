"""Third part of labelling: what happened, as the plugin's rules see it in the stored tracks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from framelabel.core.events import Event
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.videos import Video
from framelabel.rules.evaluate import Rule, evaluate
from framelabel.rules.scene import Scene
from framelabel.rules.zones import Line, Zone, on_ground
from framelabel.store import events, track_attributes
from framelabel.store.project import Project
from framelabel.store.runs import Run
from framelabel.workflows.camera_path import camera_path

FIXED, MOVING = "fixed", "moving"


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """What to watch for."""

    rules: Sequence[Rule]
    zones: Mapping[str, Zone]
    lines: Mapping[str, Line]
    camera: str = FIXED
    """FIXED, or MOVING: then places are held on the ground by the camera's estimated motion."""

    def facts(self) -> dict[str, Any]:
        """Return what decides the result, for the run's key."""
        return {
            "rules": [{"kind": rule.kind, **asdict(rule.options)} for rule in self.rules],
            "zones": {name: [zone.polygon, zone.anchor, zone.frame] for name, zone in self.zones.items()},
            "lines": {name: [line.points, line.anchor, line.frame] for name, line in self.lines.items()},
            "camera": self.camera,
        }


def scene_of(project: Project, video: Video, run: Run, watch: Watch, report: Reporter = SILENT) -> Scene:
    """Return one video's current tracks as a scene, seen at the frames that `run` looked at."""
    index = project.frame_index(video.id)
    path = camera_path(project, video, run.frames, report) if watch.camera == MOVING else None
    return Scene(
        video_id=video.id,
        size=video.size,
        frames=run.frames,
        seconds=index.seconds()[run.frames],
        tracks=tuple(project.tracks(video.id)),
        ontology=project.ontology,
        zones=watch.zones if path is None else on_ground(watch.zones, run.frames, path, video.size),
        lines=watch.lines if path is None else on_ground(watch.lines, run.frames, path, video.size),
        to_scene=path,
        attributes=project.read(track_attributes.of_video, video.id),
    )


def find_events(
    project: Project, video: Video, detect_run: Run, watch: Watch, provenance: Mapping[str, Any], report: Reporter
) -> list[Event]:
    """Evaluate the rules on the video's tracks and replace the plugin's earlier events with what they find."""
    if not watch.rules:
        return []
    report.start(f"rules {video.name}", len(watch.rules))
    config = {**provenance, **watch.facts(), "detect_run": detect_run.id}
    run = project.begin_run("rules", video.id, json.loads(json.dumps(config, default=str)), np.zeros(0, np.int64))
    scene = scene_of(project, video, detect_run, watch, report)
    found = [replace(event, run_id=run.id) for event in evaluate(watch.rules, scene)]
    project.write(events.replace_of_plugin, run, found)
    report.advance(len(watch.rules), events=len(found))
    return found
