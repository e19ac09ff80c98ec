"""What the review page offers to merge, and that accepting it works."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from framelabel.core.annotations import Origin, Provenance
from framelabel.core.frames import VideoId
from framelabel.core.ontology import Ontology
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.store.project import Project
from framelabel.workflows.edit import Editor
from framelabel.workflows.stitch import proposals


def _walk(number: int, start: int, stop: int, y: float) -> Track:
    frame = np.arange(start, stop)
    left = 2.0 * frame
    return Track.of(number, frame, np.stack([left, 0 * left + y, left + 30, 0 * left + y + 60], axis=1))


def test_an_accepted_proposal_is_one_track(tmp_path: Path) -> None:
    """A cut walk is proposed with both its ends, and merging it as proposed leaves nothing more to propose."""
    with Project(tmp_path / "p.framelabel", create=True) as project:
        project.extend_ontology(Ontology.of(["person"]))
        video = project.add_video(Video(VideoId(0), "clip", "", 640, 480, 100, Fraction(1, 25), Fraction(25)))
        pieces = [_walk(1, 0, 30, 10.0), _walk(2, 40, 70, 10.0), _walk(3, 0, 30, 300.0), _walk(4, 50, 70, 300.0)]
        project.put_tracks(video.id, pieces, Provenance(Origin.TRACKER, "test"))
        found = proposals(project, video)
        assert [(item.kept, item.other) for item in found] == [(1, 2), (3, 4)]
        best = found[0]
        assert (best.class_name, best.last_frame, best.first_frame, best.gap_s) == ("person", 29, 40, 11 / 25)
        assert best.last_box == (58.0, 10.0, 88.0, 70.0)
        assert best.first_box == (80.0, 10.0, 110.0, 70.0)
        assert 0.5 < found[1].score < best.score < 1.0
        assert [(item.kept, item.other) for item in proposals(project, video, track_id=4)] == [(3, 4)]
        assert len(proposals(project, video, limit=1)) == 1
        for item in found:
            Editor(project, "ada").merge(video, item.kept, item.other)
        assert proposals(project, video) == []
        assert [track.id for track in project.tracks(video.id)] == [1, 3]
