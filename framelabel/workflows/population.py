"""The frozen population behind a promise: every unit that a model made, as it was when the audit began."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.store.documents import Document
from framelabel.store.project import Project

SUBJECTS = ("box", "track", "tag", "event")
"""What can be routed."""


def document_name(what: str, subject: str) -> str:
    """Return the name under which a result of one subject is kept; boxes have the plain one.

    >>> document_name("result", "box"), document_name("result", "event")
    ('result', 'result event')
    """
    return what if subject == "box" else f"{what} {subject}"


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Every unit that a model made and nobody has touched: tracks or single boxes, whole tracks, tags, or events.

    A unit consists of pieces, any of which can be judged: the boxes of a track. Whole tracks, tags and events are of
    one piece.
    """

    subject: str
    """One of SUBJECTS."""
    names: tuple[str, ...]
    """Class names: of objects, "attribute: value" of tags, of events."""
    video_id: NDArray[np.int64]
    """(N,)."""
    track_id: NDArray[np.int64]
    """(N,) NO_TRACK for none."""
    subject_id: NDArray[np.int64]
    """(N,) annotation id of a tag or of a box without a track, event id; 0 for boxes of tracks and for tracks."""
    class_id: NDArray[np.int32]
    """(N,) row of `names`."""
    size: NDArray[np.int32]
    """(N,) pieces of the unit."""
    start: NDArray[np.int32]
    """(N,) first frame ordinal."""
    stop: NDArray[np.int32]
    """(N,) one past the last."""
    group: NDArray[np.int32]
    """(N,) units of one group depend on one another: calibration never splits them."""
    features: NDArray[np.float32]
    """(N, F) column 0 is the raw score."""
    frame: NDArray[np.int32]
    """(sum of sizes,) frame ordinals, unit after unit."""
    xyxy: NDArray[np.float32]
    """(sum of sizes, 4) boxes, for the question to the auditor; zeros where there is none."""
    newest_run: int
    """Runs after this one have added labels that the audit does not know."""
    human_count: int
    """Pieces left out because people made them or touched their track."""

    def __len__(self) -> int:
        return len(self.size)

    @property
    def piece_count(self) -> int:
        """Boxes, or units where they are of one piece."""
        return len(self.frame)

    def starts(self) -> NDArray[np.int64]:
        """Return the (N,) first row of each unit in `frame`."""
        return np.cumsum(self.size, dtype=np.int64) - self.size

    def save(self, project: Project) -> None:
        """Keep the population with the project."""
        stream = io.BytesIO()
        facts = {"newest_run": self.newest_run, "human_count": self.human_count, "names": self.names}
        # the lowest level: numbers this random shrink no further, and a million boxes wait five seconds for the attempt
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("facts.json", json.dumps(facts))
            for column in fields(self):
                array = getattr(self, column.name)
                if isinstance(array, np.ndarray):
                    with archive.open(f"{column.name}.npy", "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
        name = document_name("population", self.subject)
        project.put_document(Document("routing", name, "application/zip", stream.getvalue()))

    @staticmethod
    def load(project: Project, subject: str = "box") -> Population | None:
        """Return the kept population; None when there is none yet, or only one of an older layout."""
        document = project.document("routing", document_name("population", subject))
        if document is None or document.media_type != "application/zip":
            return None
        with zipfile.ZipFile(io.BytesIO(document.content)) as archive:
            facts = json.loads(archive.read("facts.json"))
            values: dict[str, Any] = {
                name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(archive.read(name)))
                for name in archive.namelist()
                if name.endswith(".npy")
            }
        names = tuple(facts["names"])
        return Population(
            subject=subject,
            names=names,
            newest_run=int(facts["newest_run"]),
            human_count=int(facts["human_count"]),
            **values,
        )
