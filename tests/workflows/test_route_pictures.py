"""`framelabel route` on pictures, whose boxes belong to no track: a question names its label."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.boxes import NO_TRACK
from framelabel.core.frames import VideoId
from framelabel.core.ontology import Ontology
from framelabel.core.videos import Video
from framelabel.store.project import Project
from framelabel.workflows import route

FRAMES, ROWS = 50, 4
MODEL = Provenance(Origin.MODEL, "detector")


def test_a_question_about_a_box_of_no_track_names_the_label(tmp_path: Path) -> None:
    """Nothing else tells which of several boxes in a picture is meant; boxes of a track are named by their track."""
    path = tmp_path / "pictures.framelabel"
    random = np.random.default_rng(8)
    with Project(path, create=True) as project:
        project.extend_ontology(Ontology.of(["cup", "plate"]))
        video = project.add_video(
            Video(VideoId(0), "a", "", 640, 360, FRAMES, Fraction(1, 25), Fraction(25))
        )  # fmt: skip
        places = [(frame, row) for frame in range(FRAMES) for row in range(ROWS)]
        boxes = [
            Annotation(
                video.id, frame, row % 2, (9.0 * row, 5.5, 9.0 * row + 8, 20.1), MODEL, score=random.uniform()
            )
            for frame, row in places
        ]  # fmt: skip
        tracked = [
            Annotation(video.id, frame, 0, (200.0, 50.0, 220.0, 90.0), MODEL, track_id=3, score=0.9)
            for frame in range(FRAMES)
        ]
        project.append([*boxes, *tracked])
    route.run(route.RouteConfig(path, max_error=0.05, audit=60))
    with Project(path) as project:
        asked = project.tasks()
        facts = {fact.id: fact for fact in project.annotations(video.id)}
    loose = [task for task in asked if task.track_id == NO_TRACK]
    assert len({task.subject_id for task in loose}) == len(loose) > 0
    for task in loose:
        fact = facts[task.subject_id]
        assert (fact.frame, fact.track_id) == (task.start, NO_TRACK)
        assert ", ".join(f"{side:.1f}" for side in fact.xyxy) in task.question
    assert {task.subject_id for task in asked if task.track_id != NO_TRACK} <= {0}
