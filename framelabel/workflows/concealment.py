"""Nobody is recognised in exported pictures: faces found by a detector, and labels of classes, are blurred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.errors import UsageError
from framelabel.core.labels import Labels
from framelabel.core.protocols import SILENT, Reporter
from framelabel.formats.files import write_all
from framelabel.media.blurring import blurred

FACES = "faces"
"""The plugin that finds faces; a folder of this name that a user installs stands before the bundled one."""
_LOOKS = 4
"""Most times that a picture is looked at; the last look only counts."""
_BESIDE = ".blurring.txt"


@dataclass(slots=True)
class Audit:
    """What was done to the pictures of one export."""

    pictures: int = 0
    faces: int = 0
    """Faces blurred, those that only a later look found included."""
    found_later: int = 0
    """Of these, found when the picture was looked at again after blurring."""
    remaining: int = 0
    """Found by the last look of all and blurred too, but not looked at again."""
    labels: int = 0
    """Boxes of classes blurred."""
    by_picture: list[str] = field(default_factory=list)


class Concealment:
    """Blurs the pictures of one export and keeps the audit."""

    def __init__(self, labels: Labels, classes: Sequence[str], *, faces: bool, reporter: Reporter = SILENT) -> None:
        """Prepare.

        Args:
            labels: what is exported.
            classes: names of classes whose boxes are blurred.
            faces: whether faces are found and blurred.
            reporter: hears of a download.

        Raises:
            UnknownNameError: no such class.
            MissingModelError: the face detector is not on this machine and could not be fetched: nothing is written.
        """
        self._labels = labels
        self._class_ids = np.array([labels.ontology.id_of(name) for name in classes], np.int64)
        self._classes = tuple(classes)
        self._faces = plugins.build(plugins.load(FACES), device="auto", workers=1, reporter=reporter) if faces else None
        self.audit = Audit()

    def __call__(self, image: NDArray[np.uint8], frame_row: int, name: str) -> NDArray[np.uint8]:
        """Return the picture of a row of the labels' frame table as it may be shown; `name` is for the audit."""
        rows = self._labels.rows_of_frame(frame_row)
        chosen = np.isin(self._labels.class_id[rows], self._class_ids)
        boxes = self._labels.xyxy[rows][chosen]
        image = blurred(image, boxes, margin=0.05)
        faces = 0
        if self._faces is not None:
            image, faces = self._without_faces(image)
        self.audit.pictures += 1
        self.audit.faces += faces
        self.audit.labels += len(boxes)
        if faces or len(boxes):
            self.audit.by_picture.append(f"{name}: {faces} faces, {len(boxes)} labels")
        return image

    def _without_faces(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
        """Blur faces, look again, and go on until none is found."""
        assert self._faces is not None  # noqa: S101 - the caller asked
        total = 0
        for look in range(_LOOKS):
            found = self._faces.detector([image])[0].xyxy
            if not len(found):
                break
            total += len(found)
            self.audit.found_later += len(found) if look else 0
            self.audit.remaining += len(found) if look == _LOOKS - 1 else 0
            image = blurred(image, found, margin=0.3 * (look + 1))
        return image, total

    def line(self) -> str:
        """Return the audit in one line."""
        audit = self.audit
        parts = []
        if self._faces is not None:
            state = "none is found any more" if not audit.remaining else f"{audit.remaining} were not looked at again"
            parts.append(f"{audit.faces} faces ({audit.found_later} on a second look; {state})")
        if self._classes:
            parts.append(f"{audit.labels} boxes of {', '.join(self._classes)}")
        return f"blurred in {audit.pictures} pictures: {', '.join(parts)}"

    def write(self, target: Path) -> Path:
        """Write the audit beside an export; return where."""
        path = target.absolute().with_name(target.absolute().name + _BESIDE)
        lines = [self.line()]
        if self._faces is not None:
            threshold = self._faces.manifest.model.score_threshold
            lines.append(
                f"faces found by {self._faces.model_path.name} ({self._faces.model_digest}) from {threshold} on"
            )
        write_all(path, [("", "\n".join([*lines, *self.audit.by_picture, ""]).encode())])
        return path


def check_flags(*, images: bool, faces: bool, classes: Sequence[str]) -> None:
    """Refuse blurring without pictures: labels alone show nobody.

    Raises:
        UsageError: there are no pictures to blur.
    """
    if (faces or classes) and not images:
        raise UsageError("--blur-faces and --blur blur exported pictures: add --images")
