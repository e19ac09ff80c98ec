"""COCO results: a list of scored boxes that name pictures and categories by the ids of a ground truth file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson

from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import setting
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.shapes import Mask
from framelabel.formats import jsonstream
from framelabel.formats.builder import make_video
from framelabel.formats.coco import coco_keys
from framelabel.formats.coco_reading import CocoReader
from framelabel.formats.conventions import COCO_FIRST_ID
from framelabel.formats.files import pieces
from framelabel.formats.holding import Fact, FrameSet, Holds
from framelabel.formats.numbers import xywh_restored, xyxy_to_xywh
from framelabel.formats.protocol import Format, Piece
from framelabel.formats.report import LossReport, Report
from framelabel.formats.rle import record_of

_BLOCK = 20_000
_VIDEO = "results"
"""Name of the one video whose frame k is the picture with id k + 1."""


@dataclass(frozen=True)
class CocoResultsOptions:
    """What the ids in a results file mean."""

    reference: str = setting(
        "", help="COCO ground truth whose picture and category ids the results use", metavar="FILE"
    )


class CocoResults(Format[CocoResultsOptions]):
    """Written ids are those that the coco export of the same labels has; read them back with its file as reference."""

    name: ClassVar[str] = "coco_results"
    title: ClassVar[str] = "COCO results"
    Options: ClassVar[type[CocoResultsOptions]] = CocoResultsOptions

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Recognise a list of objects with `image_id`, `category_id` and `score`."""
        return {"image_id", "category_id", "score"} <= coco_keys(path).get("[]", frozenset())

    def holds(self) -> Holds:
        """Scored boxes and masks; the reference file has the rest."""
        facts = frozenset({Fact.SCORE, Fact.TRACK, Fact.MASK, Fact.BOX_BESIDE_SHAPE})
        return Holds(facts, FrameSet.LISTED, coordinates=xywh_restored)

    def fit(self, labels: Labels, loss: LossReport) -> Labels:
        """Also state a score for every label, and without reference name pictures and classes by their ids."""
        is_numbered = len(labels.videos) == 1 and labels.videos[0].name == _VIDEO
        if not is_numbered:
            named = enumerate(labels.ontology.classes, COCO_FIRST_ID)
            classes = tuple(replace(spec, name=f"class_{number}") for number, spec in named)
            loss.add("picture and class names", len(labels.frames), "only ids are written; the coco export has names")
            labels = replace(labels, ontology=Ontology(classes))
        labels = super().fit(labels, loss)
        unknown = np.isnan(labels.score)
        loss.add("unknown score", int(unknown.sum()), "written as 1")
        labels = replace(labels, score=np.where(unknown, 1.0, labels.score))
        used, frame = np.unique(labels.frame, return_inverse=True)
        loss.add("frame without labels", len(labels.frames) - len(used), "not listed in the file")
        number = labels.frames.index[used] if is_numbered else used
        videos = (make_video(_VIDEO, frame_count=int(number[-1]) + 1),) if len(used) else ()
        frames = FrameTable(np.zeros(len(used), np.int32), number)
        return replace(labels, videos=videos, frames=frames, frame=frame.ravel().astype(np.int64))

    def parse(self, path: Path, report: Report) -> Labels:
        """Read one file, with names from the reference when there is one."""
        reader = CocoReader(report, path.stem)
        if self.options.reference:
            reference = Path(self.options.reference)
            for key, values in jsonstream.stream(pieces(reference), str(reference)):
                if key != "annotations":
                    reader.take(key, values)
        for key, values in jsonstream.stream(pieces(path), str(path)):
            if not self.options.reference and isinstance(values, list):
                self._describe(values, reader)
            reader.take(key, values)
        return reader.labels()

    def render(self, labels: Labels) -> Iterator[Piece]:
        """Write one list."""
        yield "", b"["
        for start in range(0, len(labels), _BLOCK):
            rows = slice(start, start + _BLOCK)
            images = (labels.frames.index[labels.frame[rows]] + COCO_FIRST_ID).tolist()
            classes = [int(labels.ontology.names[row].removeprefix("class_")) for row in labels.class_id[rows].tolist()]
            columns = zip(
                images,
                classes,
                xyxy_to_xywh(labels.xyxy[rows]).tolist(),
                labels.score[rows].tolist(),
                labels.track_id[rows].tolist(),
                strict=True,
            )
            block: list[dict[str, Any]] = []
            for image, category, box, score, track in columns:
                record = {"image_id": image, "category_id": category, "bbox": box, "score": score}
                if track != NO_TRACK:
                    record["track_id"] = track
                block.append(record)
            for row, record in enumerate(block, start):
                shape = labels.shapes.get(row)
                if isinstance(shape, Mask):
                    record["segmentation"] = record_of(shape)
            yield "", (b",\n" if start else b"") + orjson.dumps(block)[1:-1]
        yield "", b"]\n"

    def _describe(self, values: list[Any], reader: CocoReader) -> None:
        """Make up the pictures and categories that results name; whole numbers become frame ordinals."""
        known_images = {image["id"] for image in reader.images}
        known_categories = {category["id"] for category in reader.categories}
        if not reader.videos:
            reader.videos.append({"id": 1, "name": _VIDEO})
        for value in values:
            if not isinstance(value, dict):
                continue
            image, category = value.get("image_id"), value.get("category_id")
            if isinstance(image, (int, str)) and not isinstance(image, bool) and image not in known_images:
                known_images.add(image)
                record = {"id": image}
                if isinstance(image, int) and image >= COCO_FIRST_ID:
                    record |= {"video_id": 1, "frame_id": image - COCO_FIRST_ID}
                else:
                    record["file_name"] = str(image)
                reader.images.append(record)
            if isinstance(category, (int, str)) and category not in known_categories:
                known_categories.add(category)
                reader.categories.append({"id": category, "name": f"class_{category}"})
