"""Reads the tracks of a regular CVAT video file in bulk: boxes in a few forms, nothing that needs a report.

Whatever is unusual (other shapes, entities, comments, keys out of order, frames outside the task, a number written
oddly) makes `plain_tracks` return None before anything was taken, and the file is read element by element instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from framelabel.core.labels import Flag
from framelabel.core.ontology import AttributeValue
from framelabel.formats.builder import LabelsBuilder, possible
from framelabel.formats.conventions import split_attributes
from framelabel.formats.cvat_text import warn_of_open_end
from framelabel.formats.files import pieces
from framelabel.formats.keyed_tracks import expand
from framelabel.formats.record_forms import NUMBER, RecordForms, numbers_of, picked
from framelabel.formats.typed_attributes import from_text

_CHUNK = 1 << 18
_LONGEST_TRACK = 1 << 26
_OPEN, _CLOSE, _BOX = b"<track ", b"</track>", b"<box "
_LAST = b"\0"
"""Follows the last box of a track; XML cannot hold it."""
_FIELDS = ("frame", "outside", "occluded", "keyframe", "xtl", "ytl", "xbr", "ybr")
_OTHER_ENCODING = re.compile(rb"encoding=.(?!utf-8)", re.IGNORECASE)
_TO_COMMAS = bytes(0x2C if byte == ord("=") else byte for byte in range(256))
_NO_NUMBER = bytes(byte for byte in range(256) if byte not in NUMBER and byte != ord("="))

Kinds = Mapping[tuple[str, str], str]
"""(label, attribute name) -> the input type that the file declares."""


@dataclass(frozen=True, slots=True)
class _Box:
    """One form of <box>: how many numbers it has, which are the fields, and its attributes (name, text)."""

    width: int
    columns: tuple[int, ...]
    """Place of each of `_FIELDS`; -1 when the element lacks it."""
    attributes: tuple[tuple[str, str], ...]
    is_last: bool
    """The last of its track."""


@dataclass(slots=True)
class _Tracks:
    """Tracks one after the other, with their keys."""

    label: list[str]
    id: list[int]
    keys: NDArray[np.int64]
    """(T,) keys of each track."""
    values: NDArray[np.float64]
    """(K, 8) `_FIELDS` of each key."""
    form: NDArray[np.int64]


@dataclass(slots=True)
class PlainFile:
    """All tracks of one file, checked."""

    head: bytes
    """What stands before the first track."""
    boxes: RecordForms[_Box] = field(default_factory=lambda: RecordForms(_describe))
    parts: list[_Tracks] = field(default_factory=list)

    def meta(self) -> etree._Element | None:
        """Return the task's <meta>; None when the head holds anything else besides the version."""
        root = _element(self.head + b"</annotations>")
        if root is None or [child.tag for child in root if child.tag != "version"] != ["meta"]:
            return None
        return root.find("meta")

    def lies_within(self, frames: range) -> bool:
        """Return whether every key is on one of the task's frames."""
        for part in self.parts:
            frame = part.values[:, 0]
            if not len(frames) or frame.min() < frames[0] or frame.max() > frames[-1]:
                return False
            if frames.step > 1 and bool(((frame - frames[0]) % frames.step).any()):
                return False
        return True

    def add_to(self, builder: LabelsBuilder, frames: range, first: int, kinds: Kinds) -> None:
        """Add the rows of all tracks; frame `frames[k]` has the number `first + k`."""
        for part in self.parts:
            _add(part, self.boxes.forms, builder, frames, first, kinds)
        self.parts.clear()


def plain_tracks(file: Path) -> PlainFile | None:
    """Return the tracks of a regular file; None when it must be read element by element."""
    result: PlainFile | None = None
    end = b""
    for text in _chunks(file):
        if result is None:
            start = text.find(_OPEN)
            if start < 0 or b"<image" in text[:start] or b"<!" in text[:start] or _OTHER_ENCODING.search(text[:start]):
                return None
            result = PlainFile(text[:start])
            text = text[start:]  # noqa: PLW2901 - the rest are tracks
        if end:
            return None
        *tracks, last = text.split(_CLOSE)
        if last.strip() == b"</annotations>":
            end = last
        elif last.strip():
            return None
        if tracks and not _take(tracks, result):
            return None
    return result if end and result is not None and result.parts else None


def _chunks(file: Path) -> Iterator[bytes]:
    """Yield the file in parts that end after a track; the last one holds the end of the file."""
    pending = b""
    for block in pieces(file):
        pending += block
        cut = pending.rfind(_CLOSE) + len(_CLOSE)
        if len(pending) < _CHUNK or cut < len(_CLOSE):
            if len(pending) > _LONGEST_TRACK:
                break
            continue
        yield pending[:cut]
        pending = pending[cut:]
    yield pending


def _take(texts: list[bytes], result: PlainFile) -> bool:
    """Add tracks given as `<track ...>...` without their ends; False when one is not regular."""
    labels: list[str] = []
    ids: list[int] = []
    bodies: list[bytes] = []
    for text in texts:
        opening, _, body = text.lstrip().partition(b">")
        track = _element(opening + b"/>")
        if track is None or track.tag != "track" or not body.lstrip().startswith(_BOX):
            return False
        label, number = track.get("label"), track.get("id", "")
        if label is None or not (number.isascii() and number.isdigit() and len(number) < 16):
            return False
        labels.append(label)
        ids.append(int(number))
        bodies.append(body.lstrip())
    bodies.append(b"")
    joined = _LAST.join(bodies)[len(_BOX) :]
    form = result.boxes.of(joined, _BOX)
    numbers = numbers_of(joined.translate(_TO_COMMAS, _NO_NUMBER))
    if form is None or numbers is None:
        return False
    forms = result.boxes.forms
    values = picked(numbers, form, [box.width for box in forms], [box.columns for box in forms])
    last = np.flatnonzero(np.array([box.is_last for box in forms])[form])
    if values is None or len(last) != len(ids):
        return False
    counts = np.diff(last, prepend=-1)
    if not _is_regular(values, counts):
        return False
    result.parts.append(_Tracks(labels, ids, counts, values, form))
    return True


def _is_regular(values: NDArray[np.float64], counts: NDArray[np.int64]) -> bool:
    """Return whether frames are whole and ascend within each track, and yes/no fields are 0 or 1."""
    frame = values[:, 0]
    switches = values[:, 1:4]
    starts = np.zeros(len(values), np.bool_)
    starts[np.cumsum(counts)[:-1]] = True
    ascends = (np.diff(frame) > 0) | starts[1:]
    whole = bool(((frame == np.floor(frame)) & (np.abs(frame) < 1e9)).all())
    plain = bool(((switches == 0) | (switches == 1) | np.isnan(switches)).all())
    return whole and plain and bool(ascends.all()) and bool(possible(values[:, 4:8]).all())


def _element(text: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(text, _parser())
    except (etree.XMLSyntaxError, ValueError):
        return None


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _describe(record: bytes) -> _Box | None:
    """Return what the form of one box says; None when digits stand anywhere but in the numbers of its fields."""
    is_last = record.endswith(_LAST)
    element = _element(_BOX + record.removesuffix(_LAST).strip())
    unusual = any(sign in record for sign in (b"&", b"<!", b"<?"))
    if unusual or element is None or element.tag != "box":
        return None
    names = list(element.attrib)
    texts = {str(name): str(element.attrib[name]) for name in names}
    numeric = [name for name, text in texts.items() if _has_digits(text)]
    needed = {"frame", "xtl", "ytl", "xbr", "ybr"}
    if not needed <= set(numeric) or any(name in texts and name not in numeric for name in _FIELDS):
        return None
    attributes = [(str(item.get("name") or ""), str(item.text or "")) for item in element]
    is_plain = all(item.tag == "attribute" and not len(item) for item in element)
    stray = [*names, *(word for pair in attributes for word in pair)]
    if not is_plain or any(map(_has_digits, map(str, stray))):
        return None
    columns = tuple(numeric.index(name) if name in numeric else -1 for name in _FIELDS)
    return _Box(len(numeric), columns, tuple(attributes), is_last)


def _has_digits(text: str) -> bool:
    return any(byte in NUMBER for byte in text.encode())


def _add(part: _Tracks, forms: list[_Box], builder: LabelsBuilder, frames: range, first: int, kinds: Kinds) -> None:
    owner = np.repeat(np.arange(len(part.id)), part.keys)
    frame = part.values[:, 0].astype(np.int64)
    outside = part.values[:, 1] == 1
    class_of = np.array([builder.class_id(label) for label in part.label], np.int32)
    last = np.cumsum(part.keys) - 1
    for track in np.flatnonzero(~outside[last] & (frame[last] < frames[-1])).tolist():
        warn_of_open_end(builder.report, part.id[track], int(frame[last[track]]), frames[-1])
    goes_on = ~outside
    goes_on[last] = False
    listed = np.arange(frames.start, frames.stop, frames.step)
    dense = expand(frame, part.values[:, 4:8], goes_on, listed).without(outside)
    source = dense.key
    flags = np.where(dense.is_key & (part.values[source, 3] != 0), np.uint16(Flag.KEYFRAME), np.uint16(Flag.PREDICTED))
    flags |= np.where(part.values[source, 2] == 1, np.uint16(Flag.OCCLUDED), np.uint16(0))
    track_id = np.array(part.id, np.int64)[owner[source]]
    code, meanings = _meanings(part, forms, owner, kinds)
    row = builder.row_count
    builder.extend(
        first + (dense.frame - frames.start) // frames.step,
        dense.xyxy,
        class_of[owner[source]],
        lambda at: f"track {track_id[at]}, frame {dense.frame[at]}",
        track_id=track_id,
        flags=flags | np.array([raised for raised, _ in meanings], np.uint16)[code[source]],
    )
    has_free = np.array([bool(free) for _, free in meanings], np.bool_)
    for at in np.flatnonzero(has_free[code[source]]).tolist():
        builder.attributes[row + at] = builder.interned(meanings[int(code[source[at]])][1])


def _meanings(
    part: _Tracks, forms: list[_Box], owner: NDArray[np.int64], kinds: Kinds
) -> tuple[NDArray[np.int64], list[tuple[int, Mapping[str, AttributeValue]]]]:
    """Return the (K,) rows of each key in a table of (flags, attributes)."""
    if not any(form.attributes for form in forms):
        return np.zeros(len(owner), np.int64), [(0, {})]
    labels = {label: number for number, label in enumerate(dict.fromkeys(part.label))}
    names = list(labels)
    number = np.array([labels[label] for label in part.label], np.int64)[owner]
    pairs, code = np.unique(number * len(forms) + part.form, return_inverse=True)
    table: list[tuple[int, Mapping[str, AttributeValue]]] = []
    for pair in pairs.tolist():
        label, form = names[pair // len(forms)], forms[pair % len(forms)]
        given = {name: from_text(text, kinds.get((label, name), "text")) for name, text in form.attributes}
        table.append(split_attributes(given))
    return np.asarray(code.ravel(), np.int64), table
