"""Reads the labels of Scalabel frames in bulk where they are boxes in a few forms.

The text of a block of frames is taken apart into the frames without their labels, which are read as usual, and the
labels, which are read as `record_forms`. Whatever is unusual (polygons, masks, numbers among the attributes, ids that
are no numbers) makes `PlainLabels.take` return None, and the block is read record by record instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel.formats.record_forms import NUMBER, RecordForms, numbers_of, picked

_FIRST = b"\0"
"""Precedes the first label of a frame; JSON cannot hold it."""
_END = b"\n"
"""Stands between labels; strings in JSON cannot hold it."""
_FIELDS = ("id", "score", "x1", "y1", "x2", "y2")
_MOST_DIGITS = 8
"""Digits in the keys of a label, such as the 2 of box2d; they come between the numbers and must not change."""
_IS_ID = re.compile(r"\d{1,15}")
_SAYS_NOTHING = re.compile(rb'(?:, ?"[A-Za-z0-9_]+": ?(?:null|false|\{\}))+')
_COMMAS = re.compile(rb",{2,}")
_A_FEW = 1000
"""Bytes; enough numbers to see how many commas stand together."""
_TO_COMMAS = bytes(0x2C if byte == ord(":") else byte for byte in range(256))
"""A label starts with a key: the colon behind it separates its numbers from those of the label before."""
_NO_NUMBER = bytes(byte for byte in range(256) if byte not in NUMBER and byte not in b",:")
_PLAIN_KEYS = {
    "id",
    "category",
    "score",
    "attributes",
    "manualShape",
    "manualAttributes",
    "box2d",
    "box3d",
    "poly2d",
    "rle",
    "graph",
}
_NULLS = ("box3d", "poly2d", "rle", "graph")


@dataclass(frozen=True, slots=True)
class LabelForm:
    """What the labels of one form say besides their numbers."""

    width: int
    columns: tuple[int, ...]
    """Place of each of `_FIELDS`, -1 for one that is not stated, then of the digits in keys."""
    digits: tuple[float, ...]
    """The digits in keys, filled with NaN."""
    category: str
    is_drawn: bool
    attributes: Mapping[str, Any]
    is_first: bool
    """The first label of its frame."""


@dataclass(frozen=True, slots=True, eq=False)
class PlainFrames:
    """Frames whose labels are all boxes."""

    frames: list[dict[str, Any]]
    """Each frame as JSON, its labels an empty list."""
    counts: NDArray[np.int64]
    """(F,) labels of each frame."""
    forms: list[LabelForm]
    form: NDArray[np.int64]
    """(N,) row of `forms` of each label."""
    values: NDArray[np.float64]
    """(N, 6) `_FIELDS` of each label; NaN where not stated."""
    has_nulls: bool
    """Whether the fields that the toolkit demands stand there as null."""

    def __len__(self) -> int:
        return len(self.frames)


class PlainLabels:
    """Takes blocks of one file; remembers the forms."""

    def __init__(self) -> None:
        self._forms: RecordForms[LabelForm] = RecordForms(_describe)

    def take(self, data: bytes) -> tuple[PlainFrames, int] | None:
        """Return the whole frames at the start of `data` and how many bytes they take; None when they are unusual."""
        start = data.find(b'{"')
        opener = data[start : data.find(b":", start) + 1]
        cut = data.rfind(opener) if start >= 0 else -1
        text = data[start:cut].rstrip(b", \t\r\n") if cut > start else b""
        frames = self._frames(text, b" " if b'"labels": [' in text else b"") if b"\\" not in text else None
        return (frames, start + len(text)) if frames is not None else None

    def _frames(self, text: bytes, space: bytes) -> PlainFrames | None:
        """Read frames written with or without a space after commas and colons."""
        key, boundary = b'"labels":%b[' % space, b"},%b{" % space
        first, *rest = text.split(key)
        bodies = [piece.partition(b"]")[0] for piece in rest]
        hollow = key.join([first, *(piece[len(body) :] for piece, body in zip(rest, bodies, strict=True))])
        try:
            frames = orjson.loads(b"[%b]" % hollow)
        except orjson.JSONDecodeError:
            return None
        if set(map(type, frames)) != {dict} or [frame.get("labels") for frame in frames] != [[]] * len(bodies):
            return None
        filled = [body for body in bodies if body]
        joined = _FIRST + (boundary + _FIRST).join([body[1:-1] for body in filled]) + boundary
        has_nulls = not filled or all(b'"%b":' % name.encode() in joined for name in _NULLS)
        labels = self._labels(joined, boundary) if filled else ([], np.zeros(0, np.int64), np.zeros((0, 6)))
        if labels is None:
            return None
        counts = np.zeros(len(bodies), np.int64)
        first_labels = np.flatnonzero(np.array([form.is_first for form in labels[0]], np.bool_)[labels[1]])
        if len(first_labels) != len(filled):
            return None
        counts[[bool(body) for body in bodies]] = np.diff(first_labels, append=len(labels[1]))
        return PlainFrames(frames, counts, *labels, has_nulls and hollow.count(b'"url":') >= len(frames))

    def _labels(
        self, text: bytes, boundary: bytes
    ) -> tuple[list[LabelForm], NDArray[np.int64], NDArray[np.float64]] | None:
        end = text.find(boundary)
        silent = next((run.group() for run in _SAYS_NOTHING.finditer(text, 0, end) if run.end() == end), b"")
        text = text.replace(silent + boundary, _END).replace(boundary, _END).removesuffix(_END)
        form = self._forms.of(text, _END)
        commas = text.translate(_TO_COMMAS, _NO_NUMBER)
        numbers = numbers_of(commas.replace(max(_COMMAS.findall(commas, 0, _A_FEW), default=b",,"), b","))
        if form is None or numbers is None:
            return None
        forms = self._forms.forms
        values = picked(numbers, form, [known.width for known in forms], [known.columns for known in forms])
        if values is None:
            return None
        digits = np.array([known.digits for known in forms])[form]
        found = values[:, len(_FIELDS) :]
        has_keys = bool(((found == digits) | np.isnan(digits)).all())
        return (forms, form, values[:, : len(_FIELDS)]) if has_keys and _are_ids(values[:, 0]) else None


def _are_ids(values: NDArray[np.float64]) -> bool:
    whole = np.isnan(values) | (values == np.floor(values))
    return bool((whole & ~np.signbit(values)).all())


def _describe(record: bytes) -> LabelForm | None:
    """Return what the form of one label says; None when digits stand anywhere but in known fields and keys."""
    is_first = record.startswith(_FIRST)
    try:
        label = orjson.loads(b"{%b}" % record.removeprefix(_FIRST))
    except orjson.JSONDecodeError:
        return None
    box, score, given = label.get("box2d"), label.get("score"), label.get("attributes") or {}
    if not label.keys() <= _PLAIN_KEYS or any(label.get(name) is not None for name in _NULLS):
        return None
    if not isinstance(box, dict) or box.keys() != {"x1", "y1", "x2", "y2"} or not isinstance(given, dict):
        return None
    numbers = [*box.values(), *([] if score is None else [score])]
    is_number = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in numbers)
    if not is_number or not isinstance(label.get("category"), str) or not _is_id(label.get("id")):
        return None
    fields: list[str | float] = []
    for name, value in label.items():
        fields.extend(float(digit) for digit in re.findall(r"\d", name))
        if name == "box2d":
            for side in box:
                fields += [float(side[1]), side]
        elif name == "id" or (name == "score" and value is not None):
            fields.append(name)
        elif any(byte in NUMBER or byte in b",:" for byte in orjson.dumps(value).strip(b"{}")) and name != "attributes":
            return None
    if any(byte in NUMBER for byte in orjson.dumps(given)):
        return None
    places = [place for place, field in enumerate(fields) if not isinstance(field, str)]
    if len(places) > _MOST_DIGITS:
        return None
    padding = _MOST_DIGITS - len(places)
    columns = (*(fields.index(name) if name in fields else -1 for name in _FIELDS), *places, *[-1] * padding)
    digits = (*(float(fields[place]) for place in places), *[np.nan] * padding)
    return LabelForm(len(fields), columns, digits, label["category"], bool(label.get("manualShape")), given, is_first)


def _is_id(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and _IS_ID.fullmatch(str(value)) is not None
