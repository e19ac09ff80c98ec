"""KITTI tracking: `label_02/<sequence>.txt`, frames from 0, 17 columns (18 with score)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from framelabel.core.boxes import NO_TRACK
from framelabel.core.labels import Labels
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.field_lines import field_lines, first_fields
from framelabel.formats.files import found
from framelabel.formats.holding import FrameSet, Holds
from framelabel.formats.kitti_rows import KITTI_FACTS, fit_kitti, parse_row, row_text
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report


@dataclass(frozen=True)
class KittiOptions:
    """KITTI has no choices."""


class Kitti(Format[KittiOptions]):
    """One text file for each sequence; 3D fields travel as attributes. A target ending in .txt is one sequence."""

    name: ClassVar[str] = "kitti"
    title: ClassVar[str] = "KITTI tracking"
    Options: ClassVar[type[KittiOptions]] = KittiOptions
    one_file_suffix: ClassVar[str] = ".txt"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise lines of 17 or 18 fields that start with two whole numbers and a type."""
        fields = first_fields(found(path, ".txt"))
        return len(fields) in (17, 18) and fields[0].isdigit() and fields[2][:1].isalpha()

    def holds(self) -> Holds:
        """Tracks with occlusion, truncation, score and 3D fields; no picture size, rate or empty frames."""
        return Holds(KITTI_FACTS, FrameSet.LABELLED, names_files=True)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also reduce attributes to KITTI's columns."""
        return super().fit(fit_kitti(labels, loss, is_detection=False), loss)

    def parse(self, path: Path, report: Report) -> Labels:
        """Read every sequence below a folder, or one file."""
        builder = LabelsBuilder(report)
        for file in [path] if path.is_file() else _sequences(path):
            report.file = str(file)
            video = builder.video(make_video(file.stem))
            for where, fields in field_lines(file, report, least=17):
                with report.record(where):
                    frame = builder.frame(video, int(fields[0]))
                    row = parse_row(fields[2:], is_detection=False)
                    builder.add(
                        frame,
                        row.xyxy,
                        builder.class_id(fields[2]),
                        where,
                        track_id=max(int(fields[1]), NO_TRACK),
                        score=row.score,
                        flags=row.flags,
                        attributes=row.attributes,
                    )
        return builder.build()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one file for each video."""
        video = labels.frames.video[labels.frame]
        for row, facts in enumerate(labels.videos):
            name = f"label_02/{facts.name}.txt"
            lines = []
            yield name, b""
            for at in (video == row).nonzero()[0].tolist():
                frame = int(labels.frames.index[labels.frame[at]])
                lines.append(f"{frame} {int(labels.track_id[at])} {row_text(labels, at, is_detection=False)}\n")
            yield name, "".join(lines).encode()


def _sequences(path: Path) -> list[Path]:
    """Return text files that are sequences: those in a folder label_02 when there is one."""
    every = [file for file in found(path, ".txt") if file.name not in ("SOURCE.txt", "README.txt")]
    inner = [file for file in every if file.parent.name in ("label_02", "label_2")]
    return inner or every
