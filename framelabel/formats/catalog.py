"""Every annotation format by its name on the command line. One file and one line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from framelabel.core.catalog import Catalog
from framelabel.core.errors import InvalidLabelsError
from framelabel.formats.archives import unpacked
from framelabel.formats.files import found
from framelabel.formats.protocol import Format

FORMATS: Catalog[type[Format[Any]]] = Catalog(
    "format",
    {
        "youtubevis": "framelabel.formats.youtubevis:YouTubeVis",
        "tao": "framelabel.formats.coco_video:Tao",
        "cocovid": "framelabel.formats.coco_video:CocoVid",
        "coco": "framelabel.formats.coco:Coco",
        "coco_results": "framelabel.formats.coco_results:CocoResults",
        "bdd100k": "framelabel.formats.bdd100k:Bdd100k",
        "datumaro": "framelabel.formats.datumaro_json:Datumaro",
        "openlabel": "framelabel.formats.openlabel:OpenLabel",
        "label_studio": "framelabel.formats.label_studio:LabelStudio",
        "events_csv": "framelabel.formats.event_tables:EventsCsv",
        "events_json": "framelabel.formats.event_tables:EventsJson",
        "parquet": "framelabel.formats.flat_tables:Parquet",
        "csv": "framelabel.formats.flat_tables:Csv",
        "cvat_video": "framelabel.formats.cvat_video:CvatVideo",
        "kitti": "framelabel.formats.kitti:Kitti",
        "kitti_detection": "framelabel.formats.kitti_detection:KittiDetection",
        "cvat_images": "framelabel.formats.cvat_images:CvatImages",
        "voc": "framelabel.formats.voc:Voc",
        "labelme": "framelabel.formats.labelme:LabelMe",
        "mots": "framelabel.formats.mots:Mots",
        "mot": "framelabel.formats.mot:Mot",
        "yolo": "framelabel.formats.yolo:Yolo",
    },
)
"""In the order in which `detect_format` asks: the particular before the general."""

_MOST_NAMED = 6
"""Files of a folder that a message names."""


def detect_format(path: Path) -> str:
    """Return the name of the format that the content at `path` is in.

    Raises:
        InvalidLabelsError: nothing there, or no format recognises it.
    """
    if not path.exists():
        raise InvalidLabelsError(f"{path}: no such file or folder")
    with unpacked(path) as (content, _):
        name = _recognised(content)
        inside = _files_inside(content) if not name and content.is_dir() else ""
    if name:
        return name
    if inside:
        raise InvalidLabelsError(f"{path}: not one data set as a whole; name one of its files: {inside}")
    known = ", ".join(sorted(FORMATS))
    raise InvalidLabelsError(f"{path}: not recognised as any format; name it with --from, one of: {known}")


def _recognised(content: Path) -> str:
    return next((name for name in FORMATS if FORMATS.load(name).detect(content)), "")


def _files_inside(folder: Path) -> str:
    """Return the first JSON files below a folder that are of some format, as a list for a message."""
    files = [(file, _recognised(file)) for file in found(folder, ".json", limit=_MOST_NAMED)]
    return ", ".join(f"{file.relative_to(folder).as_posix()} ({name})" for file, name in files if name)
