"""`framelabel info`: what a project holds, counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import setting
from framelabel.core.labels import Flag
from framelabel.store.project import Project


@dataclass(frozen=True, slots=True)
class InfoConfig:
    """What to summarise."""

    project: Path = setting(help="Project file.", argument=True)
    json: bool = setting(False, help="Print JSON instead of a table.")


def run(config: InfoConfig) -> dict[str, Any]:
    """Return counts per video, class and origin, runs with their state, events and open tasks."""
    with Project(config.project) as project:
        labels = project.labels()
        video_of_row = labels.frames.video[labels.frame] if len(labels) else np.zeros(0, np.int32)
        videos = []
        for row, video in enumerate(labels.videos):
            rows = video_of_row == row
            tracks = np.unique(labels.track_id[rows & (labels.track_id != NO_TRACK)])
            videos.append(
                {
                    "name": video.name,
                    "path": video.path,
                    "size": list(video.size),
                    "frames": video.frame_count,
                    "fps": float(video.fps),
                    "labels": int(rows.sum()),
                    "tracks": len(tracks),
                    "keyframes": int(((labels.flags[rows] & Flag.KEYFRAME) > 0).sum()),
                    "events": len(project.events(video.id)),
                }
            )
        counts = np.bincount(labels.class_id, minlength=len(labels.ontology))
        runs = [
            {
                "kind": item.kind,
                "video": int(item.video_id),
                "done": item.done_count,
                "frames": len(item.frames),
                "finished_at": item.finished_at,
                "device": item.facts.get("device", ""),
                "plugin": item.config.get("plugin", ""),
            }
            for item in project.runs()
        ]
        return {
            "project": str(config.project),
            "videos": videos,
            "classes": {name: int(count) for name, count in zip(labels.ontology.names, counts, strict=True) if count},
            "runs": runs,
            "open_tasks": len(project.tasks()),
            "answers": len(project.answers()),
        }
