"""KITTI detection: one text file for each picture, 15 columns (16 with score)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from framelabel.core.labels import Labels
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.field_lines import field_lines, first_fields
from framelabel.formats.files import found
from framelabel.formats.holding import Fact, Holds
from framelabel.formats.kitti_rows import KITTI_FACTS, fit_kitti, parse_row, row_text
from framelabel.formats.pictures import label_stem, with_suffix
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report


@dataclass(frozen=True)
class KittiDetectionOptions:
    """KITTI has no choices."""


class KittiDetection(Format[KittiDetectionOptions]):
    """`label_2/<picture>.txt`; pictures are taken to be PNG, as KITTI's are."""

    name: ClassVar[str] = "kitti_detection"
    title: ClassVar[str] = "KITTI detection"
    Options: ClassVar[type[KittiDetectionOptions]] = KittiDetectionOptions

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise lines of 15 or 16 fields that start with a type."""
        fields = first_fields(found(path, ".txt"))
        return len(fields) in (15, 16) and fields[0][:1].isalpha() and _is_number(fields[1])

    def holds(self) -> Holds:
        """Boxes with occlusion, truncation, score and 3D fields for single pictures."""
        return Holds(KITTI_FACTS - {Fact.TRACK} | {Fact.FRAME_NAME}, videos=False)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also reduce attributes to KITTI's columns and name pictures *.png."""
        return with_suffix(super().fit(fit_kitti(labels, loss, is_detection=True), loss), ".png", loss)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read every file below a folder as one picture."""
        builder = LabelsBuilder(report)
        files = [path] if path.is_file() else found(path, ".txt")
        root = path.parent if path.is_file() else path / "label_2" if (path / "label_2").is_dir() else path
        video = builder.video(make_video(path.stem)) if files else -1
        for index, file in enumerate(files):
            report.file = str(file)
            frame = builder.frame(video, index, file.relative_to(root).with_suffix("").as_posix() + ".png")
            for where, fields in field_lines(file, report, least=15):
                with report.record(where):
                    row = parse_row(fields, is_detection=True)
                    builder.add(
                        frame,
                        row.xyxy,
                        builder.class_id(fields[0]),
                        where,
                        score=row.score,
                        flags=row.flags,
                        attributes=row.attributes,
                    )
        return builder.build()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file for each picture, empty where there is no label."""
        bounds = np.searchsorted(labels.frame, np.arange(len(labels.frames) + 1)).tolist()
        for row, name in enumerate(labels.frames.name):
            lines = [row_text(labels, at, is_detection=True) + "\n" for at in range(bounds[row], bounds[row + 1])]
            yield f"label_2/{label_stem(name)}.txt", "".join(lines).encode()


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
