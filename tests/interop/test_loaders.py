from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from framelabel.core.labels import Labels
from framelabel.formats.catalog import FORMATS

Tool = Callable[[str], ModuleType]

pytestmark = pytest.mark.filterwarnings("ignore")


def _blank_png(path: Path, width: int, height: int) -> None:
    """Write a grey picture without any imaging library."""
    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def _stills(labels: Labels) -> Labels:
    """Return the frames as pictures of one set."""
    names = tuple(f"{row:03d}.png" for row in range(len(labels.frames)))
    video = replace(labels.videos[0], fps=labels.videos[0].fps * 0, frame_count=len(names))
    table = replace(labels.frames, video=np.zeros(len(names), np.int32), index=np.arange(len(names)), name=names)
    return replace(labels, videos=(video,), frames=table, track_id=np.full(len(labels), -1))


def _boxes(dataset: object) -> list[tuple[float, ...]]:
    """Return the boxes of a Datumaro data set, rounded to its float32."""
    found = []
    for item in dataset:  # type: ignore[attr-defined]
        for annotation in item.annotations:
            x, y, width, height = annotation.get_bbox()
            found.append(tuple(round(float(side), 2) for side in (x, y, x + width, y + height)))
    return sorted(found)


@pytest.mark.parametrize(
    ("name", "theirs", "target", "source"),
    [
        pytest.param("coco", "coco_instances", "set/annotations/instances_all.json", "set", id="coco"),
        pytest.param("datumaro", "datumaro", "set/annotations/all.json", "set", id="datumaro"),
        pytest.param("mot", "mot_seq", "set", "set/b1c66a42", id="mot"),
        pytest.param("cvat_video", "cvat", "set", "set/b1c66a42.xml", id="cvat-video"),
        pytest.param("cvat_images", "cvat", "set.xml", "set.xml", id="cvat-images"),
    ],
)
def test_datumaro_reads_the_same_boxes(
    name: str, theirs: str, target: str, source: str, tool: Tool, traffic: Labels, tmp_path: Path
) -> None:
    """Datumaro finds every box of our export where it is (to its float32)."""
    datumaro = tool("datumaro")
    labels = _stills(traffic) if name in ("coco", "cvat_images") else traffic
    one_clip = name in ("mot", "cvat_video")
    chosen = labels.select(labels.frames.video[labels.frame] == 0) if one_clip else labels
    kind = FORMATS.load(name)
    writer = kind(kind.Options(tolerance=0.0)) if name == "cvat_video" else kind()
    writer.write(labels, tmp_path / target)
    (tmp_path / "set" / "images" / "all").mkdir(parents=True, exist_ok=True)
    for row in range(len(labels.frames) if name == "cvat_images" else 0):
        _blank_png(tmp_path / "images" / f"{row:03d}.png", 1280, 720)
    try:
        dataset = datumaro.Dataset.import_from(str(tmp_path / source), theirs)
    except KeyError as error:
        pytest.skip(f"interop package absent: this datumaro has no {error}")
    expected = sorted(tuple(round(float(np.float32(side)), 2) for side in box) for box in chosen.xyxy)
    found = _boxes(dataset)
    if name == "cvat_video":  # linear motion: our file holds keys only, which Datumaro does not interpolate
        assert set(found) <= set(expected)
        assert len(found) >= 3
        return
    assert len(found) == len(expected)
    assert np.allclose(np.array(found), np.array(expected), atol=0.02)


@pytest.mark.parametrize("name", ["coco", "yolo", "voc"])
def test_supervision_reads_the_same_boxes(name: str, tool: Tool, traffic: Labels, tmp_path: Path) -> None:
    """Supervision's loaders find every picture, class and box of our export."""
    supervision = tool("supervision")
    labels = _stills(traffic)
    kind = FORMATS.load(name)()
    target = tmp_path / ("set/annotations.json" if name == "coco" else "set")
    kind.write(labels, target)
    for path in kind.picture_paths(labels, target):
        _blank_png(path, 1280, 720)
    root = tmp_path / "set"
    if name == "coco":
        dataset = supervision.DetectionDataset.from_coco(str(root / "images"), str(target))
    elif name == "yolo":
        dataset = supervision.DetectionDataset.from_yolo(
            str(root / "images" / "train"), str(root / "labels" / "train"), str(root / "data.yaml")
        )
    else:
        dataset = supervision.DetectionDataset.from_pascal_voc(str(root / "JPEGImages"), str(root / "Annotations"))
    boxes = np.concatenate([found.xyxy for found in dataset.annotations.values()])
    assert len(dataset) == len(labels.frames)
    assert set(dataset.classes) == set(labels.ontology.names)
    assert len(boxes) == len(labels)
    order, theirs = np.lexsort(labels.xyxy.T), np.lexsort(boxes.T)
    assert np.allclose(labels.xyxy[order], boxes[theirs], atol=1.01 if name == "voc" else 0.01)
