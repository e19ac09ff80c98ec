"""Reads and writes one label file with another library: LIBRARY FORMAT SOURCE DESTINATION -> JSON of CPU seconds."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any


def _datumaro(name: str, source: str, destination: str) -> tuple[int, float, float]:
    datumaro = importlib.import_module("datumaro")
    theirs = {"coco": "coco_instances", "mot": "mot_seq", "cvat_video": "cvat", "bdd100k": "datumaro"}[name]
    started = time.process_time()
    dataset = datumaro.Dataset.import_from(source, theirs)
    count = sum(len(item.annotations) for item in dataset)
    read = time.process_time() - started
    started = time.process_time()
    try:
        dataset.export(destination, {"mot_seq": "mot_seq_gt"}.get(theirs, theirs), save_media=False)
    except KeyError:  # it reads this format but does not write it
        return count, read, 0.0
    return count, read, time.process_time() - started


def _scalabel(source: str, destination: str) -> tuple[int, float, float]:
    io = importlib.import_module("scalabel.label.io")
    started = time.process_time()
    dataset = io.load(source)
    count = sum(len(frame.labels or []) for frame in dataset.frames)
    read = time.process_time() - started
    started = time.process_time()
    io.save(destination, dataset)
    return count, read, time.process_time() - started


def _supervision(source: str, destination: str) -> tuple[int, float, float]:
    supervision: Any = importlib.import_module("supervision")
    started = time.process_time()
    dataset = supervision.DetectionDataset.from_coco(str(Path(source).parent), source)
    count = sum(len(found) for found in dataset.annotations.values())
    read = time.process_time() - started
    started = time.process_time()
    coco = importlib.import_module("supervision.dataset.formats.coco")
    try:
        coco.save_coco_annotations(dataset, destination)
    except Exception:  # noqa: BLE001 - it decodes the pictures, which are not there
        return count, read, 0.0
    return count, read, time.process_time() - started


def main() -> None:
    """Run one library on one file and print what it took."""
    library, name, source, destination = sys.argv[1:5]
    if library == "datumaro":
        result = _datumaro(name, source, destination)
    else:
        result = _scalabel(source, destination) if library == "scalabel" else _supervision(source, destination)
    print(json.dumps(dict(zip(("count", "read", "write"), result, strict=True))))


if __name__ == "__main__":
    main()
