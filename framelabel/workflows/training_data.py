"""Turn what people have (a described data set, an import format, a reviewed project) into training samples."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from framelabel.core.catalog import did_you_mean
from framelabel.core.config import build
from framelabel.core.errors import InvalidLabelsError, UnknownNameError, UsageError
from framelabel.core.labels import Flag, Labels
from framelabel.core.protocols import Reporter
from framelabel.formats.catalog import FORMATS, detect_format
from framelabel.media import open_video
from framelabel.store.project import Project
from framelabel.training.samples import Sample
from framelabel.workflows import deeppcb

SHEET = "dataset.yaml"
PROJECT = ".framelabel"
_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
_UNTAUGHT = Flag.CROWD | Flag.IGNORED


@dataclass(frozen=True, slots=True)
class DataSheet:
    """A data set as a dataset.yaml describes it: whose it is, where it lies, how it may be split."""

    name: str
    source: str = ""
    """Repository or page and the commit."""
    licence: str = ""
    digest: str = ""
    """"sha256:..." over the names and contents of all files, in order of their names."""
    root: str = ""
    """Folder or label file, relative to the sheet or to $FRAMELABEL_SHARED (default ../shared)."""
    format: str = "auto"
    classes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The set's class name -> the plugin's; classes not named are left out. Empty: same names."""
    group: str = ""
    """Regular expression over the picture's name; what its first group matches (or all of it) is never split."""
    templates: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Ending of a picture's name -> ending of its golden template's, for plugins that compare with one."""
    join_duplicates: bool = True
    """Groups that hold near-duplicates of one another stay together."""
    held_out: float = 0.1
    seed: int = 0
    notes: str = ""

    @staticmethod
    def read(file: Path) -> DataSheet:
        """Read a dataset.yaml.

        Raises:
            UsageError: it cannot be read or has an unknown key.
        """
        values = yaml.safe_load(file.read_text("utf-8"))
        if not isinstance(values, Mapping):
            msg = f"{file}: a data sheet is a mapping of keys; start with 'name:'"
            raise UsageError(msg)
        return build(DataSheet, values, str(file))

    def place(self, folder: Path) -> Path:
        """Return where the data lies on this machine: below the sheet's own folder, or in the shared folder.

        Raises:
            UsageError: it is not there; the message says how to name the place.
        """
        shared = Path(os.environ.get("FRAMELABEL_SHARED", "../shared"))
        for path in (folder / self.root, shared / self.root):
            if self.root and path.exists():
                return path
        msg = f"data set '{self.name}' is not at {shared / self.root}: fetch it ({self.source}), set $FRAMELABEL_SHARED"
        raise UsageError(msg)


def sheet_for(
    data: Path, *, source_format: str = "auto", group: str = "", held_out: float = 0.1, seed: int = 0
) -> tuple[DataSheet, Path]:
    """Return the sheet of a `--data` value and the place of its labels; a bare folder gets a sheet of its own."""
    file = data / SHEET if data.is_dir() else data
    if file.name == SHEET and file.is_file():
        sheet = DataSheet.read(file)
        return sheet, sheet.place(file.parent)
    if not data.exists():
        msg = f"{data}: no such file or folder"
        raise UsageError(msg)
    bare = DataSheet(data.stem, format=source_format, group=group, held_out=held_out, seed=seed)
    return bare, data


def read_samples(
    sheet: DataSheet,
    place: Path,
    names: Sequence[str],
    pictures: Path,
    report: Reporter,
    *,
    pairs: bool = False,
) -> list[Sample]:
    """Return the labelled pictures of one data set, with class ids of the plugin's `names`.

    Args:
        sheet: how to read it.
        place: its labels: a folder, a file, or a project.
        names: the plugin's classes.
        pictures: folder for frames that must be cut from videos.
        report: hears what was skipped.
        pairs: the plugin compares: every picture needs its golden template.

    Raises:
        UsageError: a template is needed and is not there.
        InvalidLabelsError: the labels cannot be read, or no picture was found.
        UnknownNameError: a class that the plugin lacks.
    """
    is_project = place.suffix == PROJECT
    labels = _labels(sheet, place, report)
    class_of = _class_ids(sheet, labels.ontology.names, names, leave_out=is_project)
    wanted = _reviewed_frames(labels, place, report) if is_project else np.arange(len(labels.frames))
    taught = (class_of[labels.class_id] >= 0) & ((labels.flags & np.uint16(_UNTAUGHT)) == 0)
    labels = labels.select(np.asarray(taught, np.bool_))
    paths = _picture_paths(labels, wanted, place, pictures, report)
    group = re.compile(sheet.group) if sheet.group else None
    samples = []
    for row, path in zip(wanted.tolist(), paths, strict=True):
        if path is not None:
            boxes = labels.boxes(row)
            taught_boxes = type(boxes)(boxes.xyxy, boxes.score, class_of[boxes.class_id], boxes.track_id)
            template = _template_of(path, sheet) if pairs else None
            samples.append(Sample(path, taught_boxes, _group_of(path, group), template))
    missing = sum(path is None for path in paths)
    if missing:
        report.note(f"{place}: {missing} of {len(paths)} labelled pictures are not there and are left out")
    if not samples:
        msg = f"{place}: no labelled picture found"
        raise InvalidLabelsError(msg)
    return samples


def folder_digest(place: Path) -> str:
    """Return "sha256:..." over relative names and contents of all files below a folder (or of one file)."""
    digest = hashlib.sha256()
    files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    for file in files:
        digest.update(f"{file.relative_to(place).as_posix()}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return f"sha256:{digest.hexdigest()}"


def _labels(sheet: DataSheet, place: Path, report: Reporter) -> Labels:
    if place.suffix == PROJECT:
        with Project(place) as project:
            return project.labels()
    if sheet.format == "deeppcb":
        return deeppcb.read(place)
    name = detect_format(place) if sheet.format == "auto" else sheet.format
    labels, issues = FORMATS.load(name)().read(place)
    if issues.skipped:
        report.note(f"{place}: {issues.skipped} records could not be read as {name}")
    return labels


def _class_ids(sheet: DataSheet, found: Sequence[str], names: Sequence[str], *, leave_out: bool) -> NDArray[np.int32]:
    """Return the plugin's class id of each class of the data set; -1 for classes left out.

    A data set's classes must be the plugin's or be mapped; a project may hold other plugins' classes too (`leave_out`).
    """
    wanted = dict(sheet.classes) if sheet.classes else {name: name for name in found if not leave_out or name in names}
    for name in wanted.values():
        if name not in names:
            msg = f"data set '{sheet.name}': the plugin has no class '{name}'.{did_you_mean(name, names)}"
            raise UnknownNameError(msg)
    return np.array([names.index(wanted[name]) if name in wanted else -1 for name in found] or [-1], np.int32)


def _reviewed_frames(labels: Labels, place: Path, report: Reporter) -> NDArray[np.int64]:
    """Return the frames of a project in which a person drew or confirmed something; all labelled ones without any."""
    confirmed = np.unique(labels.frame[(labels.flags & np.uint16(Flag.KEYFRAME)) != 0])
    if len(confirmed):
        return np.asarray(confirmed, np.int64)
    report.note(f"{place}: no label was drawn or confirmed by a person; training repeats what the model said")
    return np.asarray(np.unique(labels.frame), np.int64)


def _group_of(path: Path, group: re.Pattern[str] | None) -> str:
    if group is None:
        return path.stem
    match = group.search(path.name)
    if match is None:
        msg = f"{path.name}: the group rule '{group.pattern}' does not match this picture's name"
        raise UsageError(msg)
    return match.group(1) if group.groups else match.group(0)


def _template_of(picture: Path, sheet: DataSheet) -> Path:
    """Return the golden template of a picture, by the endings that the sheet names."""
    for own, golden in sheet.templates.items():
        path = picture.with_name(picture.name.removesuffix(own) + golden)
        if picture.name.endswith(own) and path.is_file():
            return path
    known = ", ".join(f"{own} -> {golden}" for own, golden in sheet.templates.items()) or "none"
    msg = f"{picture}: no golden template to compare with: 'templates' of '{sheet.name}' says {known}"
    raise UsageError(msg)


def _picture_paths(
    labels: Labels, wanted: NDArray[np.int64], place: Path, pictures: Path, report: Reporter
) -> list[Path | None]:
    """Return the picture of every wanted frame row; frames of videos are cut out into `pictures`."""
    root = place if place.is_dir() else place.parent
    known = {} if place.suffix == PROJECT else _known_pictures(root)
    found: dict[int, Path] = {}
    for row in wanted.tolist() if labels.frames.name else ():
        name = labels.frames.name[row]
        path = known.get(name) or known.get(Path(name).name) or known.get(Path(name).stem)
        if path is not None:
            found[row] = path
    for number, video in enumerate(labels.videos):
        rows = [row for row in wanted.tolist() if labels.frames.video[row] == number and row not in found]
        if not rows or not video.path or not Path(video.path).exists():
            continue
        pictures.mkdir(parents=True, exist_ok=True)
        row_of = {int(labels.frames.index[row]): row for row in rows}
        report.start(f"pictures of {video.name}", len(rows))
        with closing(open_video(video)) as reader:
            for frame in reader.read(sorted(row_of)):
                target = pictures / f"{video.name}_{frame.ref.index:06d}.png"
                cv2.imwrite(str(target), frame.image[:, :, ::-1])
                found[row_of[frame.ref.index]] = target
                report.advance()
    return [found.get(row) for row in wanted.tolist()]


def _known_pictures(root: Path) -> dict[str, Path]:
    """Return every picture below a folder by relative path, name and stem (the first of a name wins)."""
    known: dict[str, Path] = {}
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in _PICTURES:
            known.setdefault(path.stem, path)
            known.setdefault(path.name, path)
            known[path.relative_to(root).as_posix()] = path
    return known
